"""`entail push`: a checkpoint folder goes to the hub, with its card and nothing that is not part of it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from entailment.cli.card import FOLDER, owned_name
from entailment.cli.notes import note
from entailment.errors import CheckpointError, CheckpointNotFoundError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

MAIN = "main"


@click.command(short_help="Upload a checkpoint folder to the hub.")
@click.argument("model", type=FOLDER)
@click.argument("name", metavar="ORG/NAME")
@click.option("--private", is_flag=True, help="Nobody else sees it; one that is public already is refused.")
@click.option("--revision", metavar="BRANCH", help="The branch, made if it is not there.  [default: main]")
@click.option("--dry-run", is_flag=True, help="Say what would be uploaded, and open no connection.")
def push(model: Path, name: str, private: bool, revision: str | None, dry_run: bool) -> None:
    """Upload the checkpoint folder MODEL to the model ORG/NAME of the hub, which is made if it is not there.

    \b
    entail push my-model my-org/my-model --dry-run
    entail push my-model my-org/my-model --private

    Only the files of a checkpoint go: configuration, safetensors weights, tokenizer, model card, licence, and
    what was recorded of training, calibration, int8 and evaluation. Log in before with `hf auth login`. The
    address is printed.
    """
    upload = prepare(model, name, revision)
    if upload.repo not in (upload.folder / "README.md").read_text(encoding="utf-8"):
        again = f"entail card {quote(str(model))} --name {upload.repo}"
        note(f"the card does not say how to open {upload.repo}; `{again}` writes that")
    if left := sorted(path.name for path in upload.folder.iterdir() if path not in upload.files):
        note(f"not of a checkpoint, and left here: {', '.join(left)}")
    if dry_run:
        _show(upload, private)
    else:
        click.echo(send(upload, private=private))


@dataclass(frozen=True)
class Upload:
    """What goes where.

    Attributes:
        folder: the checkpoint.
        files: those of its files that go, by name.
        repo: "org/name".
        branch: None for the main one.
    """

    folder: Path
    files: tuple[Path, ...]
    repo: str
    branch: str | None

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(path.stat().st_size for path in self.files)


def prepare(folder: Path, name: str, revision: str | None = None) -> Upload:
    """Check all that can be checked without a network.

    Raises:
        CheckpointNotFoundError: the name is none of the hub, or there is no card.
        CheckpointError: the folder does not open, its weights are not safetensors or not finite, or its card
            is damaged, or one of ours whose results are not those of this model.
    """
    from entailment.checkpoint.hub import SAFETENSORS_FILES, SMALL_FILES

    repo, branch = owned_name(name, revision)
    _check_weights(folder)
    _check_card(folder)
    patterns = (*SMALL_FILES, *SAFETENSORS_FILES)
    found = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    return Upload(folder, tuple(sorted(found)), repo, branch)


def send(upload: Upload, *, private: bool = False) -> str:
    """Upload it, in one commit; returns the address of the model.

    Raises:
        CheckpointError: nobody is logged in, the hub refuses or cannot be reached, or the model is public and
            was to be private.
    """
    from huggingface_hub import HfApi, constants, get_token

    if constants.HF_HUB_OFFLINE:
        raise CheckpointError(
            f"{upload.repo} cannot be uploaded: HF_HUB_OFFLINE turns the network off; unset it"
        )
    if get_token() is None:
        raise CheckpointError(
            f"{upload.repo} cannot be uploaded: nobody is logged in; log in with `hf auth login`"
        )
    api = HfApi(library_name="entailment", library_version=version("entailment"))
    try:
        return _send(api, upload, private)
    except CheckpointError:
        raise
    # Between here and the hub anything may fail, and the classes that raise differ between its releases.
    except Exception as error:
        raise CheckpointError(f"{upload.repo} cannot be uploaded: {_reason(error)}") from error


def _send(api: HfApi, upload: Upload, private: bool) -> str:
    from huggingface_hub import CommitOperationAdd

    url = api.create_repo(upload.repo, private=private or None, exist_ok=True)
    if private and not api.model_info(upload.repo).private:
        raise CheckpointError(
            f"{upload.repo} is public already, and nothing was uploaded; make it private on the hub, or "
            "leave out --private"
        )
    if upload.branch not in (None, MAIN):
        api.create_branch(upload.repo, branch=upload.branch, exist_ok=True)
    # Not `upload_folder`: a large folder becomes several commits there, and for a while the model would be
    # half the old one and half the new.
    api.create_commit(
        upload.repo,
        [CommitOperationAdd(path.name, path) for path in upload.files],
        commit_message=f"Upload with entailment {version('entailment')}",
        revision=upload.branch,
    )
    return str(url)


def _check_weights(folder: Path) -> None:
    from entailment.checkpoint.finite import require_finite
    from entailment.checkpoint.folder import open_checkpoint
    from entailment.checkpoint.weights import read_weights

    checkpoint = open_checkpoint(folder)
    if not any(folder.glob("*.safetensors")):
        raise CheckpointError(
            f"{folder} holds no .safetensors file, and no other form of weights is uploaded; save them so"
        )
    heads = checkpoint.config.architectures
    if all(head.endswith(("ForSequenceClassification", "Model")) for head in heads):
        weights = checkpoint.weights(require_head=False)
    else:  # of other heads the names are known to their own classes alone
        weights = read_weights(folder)
    require_finite(weights, folder)


def _check_card(folder: Path) -> None:
    from huggingface_hub import metadata_load

    from entailment.evaluate.cards.results import read_results
    from entailment.evaluate.cards.write import MARK, require_own

    path = folder / "README.md"
    if not path.is_file():
        raise CheckpointNotFoundError(
            f"{folder} has no model card; write it with `entail card {quote(str(folder))}`"
        )
    try:
        found = metadata_load(path)
    except Exception as error:
        first_line = next(iter(str(error).splitlines()), "")
        raise CheckpointError(f"{path} begins with metadata that is no YAML: {first_line}") from error
    if not found:
        raise CheckpointError(
            f"{path} has no metadata block, which the hub sorts models by; `entail card {quote(str(folder))} "
            "--force` writes one"
        )
    if MARK in path.read_text(encoding="utf-8", errors="replace"):
        require_own(folder, read_results(folder))


def _reason(error: Exception) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == 401:
        return "the hub does not know the login; log in again with `hf auth login`"
    if status == 403:
        return "the login may not write there; name a model of your own, or use a token that may write"
    first_line = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first_line}; check the network, and try again"


def _show(upload: Upload, private: bool) -> None:
    from entailment.cli import show

    show.facts(
        {
            "to": f"{upload.repo}, branch {upload.branch or MAIN}",
            "made if not there": "private"
            if private
            else "public, unless its owner's default says otherwise",
            "uploaded": "nothing: this is a dry run",
        }
    )
    rows = [(path.name, f"{path.stat().st_size:,}") for path in upload.files]
    show.grid(("file", "bytes"), [*rows, (f"{len(rows)} files", f"{upload.size:,}")])
