"""A hub name, with or without a revision, becomes a folder in the Hugging Face cache.

Only the files of a checkpoint are fetched: .bin weights only where there are no .safetensors, and tf_model.h5
only where there is neither.
`huggingface_hub` is imported when a name is fetched, not before: it takes longer to load than the bundled
model takes to answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from entailment.errors import CheckpointNotFoundError

SMALL_FILES = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "quantization.json",
    "calibration.json",
    "training.json",
    "results.json",
    "config_sentence_transformers.json",  # With these sentence-transformers knows its own model again.
    "modules.json",
    "sentence_bert_config.json",
    "README.md",
    "LICENSE*",  # Who passes a model on has to pass these on with it.
    "NOTICE*",
)
SAFETENSORS_FILES = ("model.safetensors", "model.safetensors.index.json", "model-*-of-*.safetensors")
BIN_FILES = ("pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*-of-*.bin")
H5_FILES = ("tf_model.h5", "tf_model.h5.index.json", "tf_model-*-of-*.h5")

# The hub's own rules, applied before a name becomes part of a path: no "..", no "--", no dot at the start.
_PART = r"(?!.*(?:\.\.|--))[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_PART}(?:/{_PART})?")
_REVISION = re.compile(r"(?!.*(?:\.\.|//))[A-Za-z0-9](?:[A-Za-z0-9._/+-]{0,198}[A-Za-z0-9_+-])?")


def fetch(
    name: str,
    *,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    offline: bool = False,
    files: Sequence[str] | None = None,
    token: str | bool | None = None,
) -> Path:
    """The folder of a checkpoint on the hub, downloaded where the cache does not hold it.

    Args:
        name: "org/model", "model", or either with "@revision".
        revision: branch, tag or commit; the default is the main branch.
        cache_dir: None for the Hugging Face cache (`HF_HOME`).
        offline: open no connection; `HF_HUB_OFFLINE=1` says the same for every call.
        files: patterns of the files to fetch; None for everything a checkpoint needs.
        token: of the hub; None for that of `hf auth login` or `HF_TOKEN`, False for none at all.

    Raises:
        CheckpointNotFoundError: the name or revision is malformed or unknown, or offline and not in the
        cache.
    """
    repo, revision = split_revision(name, revision)
    patterns = tuple(files) if files is not None else SMALL_FILES + SAFETENSORS_FILES
    folder = _snapshot(repo, revision, cache_dir, offline, patterns, token)
    for weights, others in (("*.safetensors", BIN_FILES), ("*.bin", H5_FILES)):
        if files is not None or any(folder.glob(weights)):
            break
        folder = _snapshot(repo, revision, cache_dir, offline, SMALL_FILES + others, token)
    return folder


def split_revision(name: str, revision: str | None) -> tuple[str, str | None]:
    """Split "org/model@revision" and check both halves.

    Raises:
        CheckpointNotFoundError: one is malformed, or there are two revisions.
    """
    repo, at, stated = name.partition("@")
    if at and revision is not None and revision != stated:
        raise CheckpointNotFoundError(f"{name!r} states one revision and the argument another, {revision!r}")
    if at:
        revision = stated
    if not _NAME.fullmatch(repo):
        raise CheckpointNotFoundError(f"{name!r} is neither a folder nor a hub name like 'org/model'")
    if revision is not None and not _REVISION.fullmatch(revision):
        raise CheckpointNotFoundError(f"{revision!r} is not a revision: give a branch, a tag or a commit")
    return repo, revision


def _snapshot(
    repo: str,
    revision: str | None,
    cache_dir: str | Path | None,
    offline: bool,
    patterns: Sequence[str],
    token: str | bool | None,
) -> Path:
    from huggingface_hub import constants, snapshot_download

    offline = offline or bool(constants.HF_HUB_OFFLINE)
    shown = repo if revision is None else f"{repo}@{revision}"
    try:
        folder = snapshot_download(
            repo,
            revision=revision,
            cache_dir=cache_dir,
            allow_patterns=list(patterns),
            local_files_only=offline,
            token=token,
        )
    # Between here and the hub anything may fail, and the classes that raises differ between its releases; to
    # the caller they all mean that the name led nowhere.
    except Exception as error:
        raise CheckpointNotFoundError(f"{shown} {_reason(error, offline)}") from error
    return Path(folder)


def _reason(error: Exception, offline: bool) -> str:
    if offline:
        return (
            "is not in the cache, and the network is off; fetch it once while online, name a folder, "
            "or leave the model out to use the bundled one"
        )
    kind = type(error).__name__
    if kind == "GatedRepoError":
        return "is gated; accept its terms on huggingface.co and log in with `hf auth login`"
    if kind == "RepositoryNotFoundError":
        return (
            "is neither a folder here nor a model on the hub; if it is private, log in with `hf auth login`"
        )
    if kind == "RevisionNotFoundError":
        return "has no such revision on the hub"
    first_line = next(iter(str(error).strip().splitlines()), "")
    return f"cannot be fetched from the hub ({kind}: {first_line}); check the network, or name a folder"
