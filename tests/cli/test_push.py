"""`entail push`: what goes to the hub, what never does, and every way it is refused. No network is used."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub import CommitInfo, CommitOperationAdd, HfApi, RepoUrl, constants
from tests.cli import pair_files
from tests.cli.conftest import Entail
from tests.evaluate.card_files import report, spoil, trained

from entailment.checkpoint.folder import open_checkpoint
from entailment.evaluate.cards.facts import Stated
from entailment.evaluate.cards.write import write_card

TOKEN = "hf_not-a-token"  # noqa: S105
NAME = "org/tiny-nli"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = trained(tmp_path / "model")
    write_card(folder, Stated(name=NAME), [report(tmp_path / "report.json")])
    return folder


@dataclass
class Hub:
    """What the hub was asked for, instead of the hub."""

    asked: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    private: bool = False
    fails: Exception | None = None


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    """Stands where `HfApi` would open a connection, and reads the real operations of the commit."""
    hub = Hub()

    def create_repo(_api: HfApi, name: str, *, private: bool | None = None, exist_ok: bool) -> RepoUrl:
        assert exist_ok
        if hub.fails is not None:
            raise hub.fails
        hub.asked.append(f"create {name} private={private}")
        hub.private = hub.private or bool(private)
        return RepoUrl(f"https://huggingface.co/{name}")

    def create_branch(_api: HfApi, name: str, *, branch: str, exist_ok: bool) -> None:
        assert exist_ok
        hub.asked.append(f"branch {branch} of {name}")

    def create_commit(
        _api: HfApi, repo_id: str, operations: Sequence[CommitOperationAdd], **rest: Any
    ) -> CommitInfo:
        hub.asked.append(f"commit to {repo_id} at {rest['revision']}: {rest['commit_message']}")
        for operation in operations:
            with operation.as_file() as content:
                hub.files[operation.path_in_repo] = content.read()
        return CommitInfo(
            commit_url=f"https://huggingface.co/{repo_id}/commit/0",
            commit_message="",
            commit_description="",
            oid="0",
        )

    for method in (create_repo, create_branch, create_commit):
        monkeypatch.setattr(HfApi, method.__name__, method)
    monkeypatch.setattr(HfApi, "model_info", lambda *_: SimpleNamespace(private=hub.private))
    return hub


@pytest.fixture(autouse=True)
def login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


@pytest.fixture
def closed_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A hub at which nobody answers."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{one.getsockname()[1]}")
        yield


def test_what_belongs_to_a_checkpoint_goes_and_nothing_else(entail: Entail, folder: Path, hub: Hub) -> None:
    for name in ("optimizer.pt", ".env", "notes.txt", "pytorch_model.bin", "report.html"):
        (folder / name).write_text("secret", "utf-8")
    (folder / "runs").mkdir()
    (folder / "runs" / "config.json").write_text("secret", "utf-8")
    (folder / "LICENSE").write_text("MIT", "utf-8")
    found = entail("push", folder, NAME)
    assert (found.code, found.out) == (0, f"https://huggingface.co/{NAME}\n")
    assert hub.files == {
        name: (folder / name).read_bytes()
        for name in (
            *("README.md", "LICENSE", "config.json", "model.safetensors", "results.json"),
            *("tokenizer.json", "tokenizer_config.json", "training.json", "vocab.txt"),
        )
    }
    assert hub.asked[0] == f"create {NAME} private=None"
    assert hub.asked[1].startswith(f"commit to {NAME} at None: Upload with entailment ")
    assert "left here: .env, notes.txt, optimizer.pt, pytorch_model.bin, report.html, runs" in found.err
    assert TOKEN not in found.out + found.err


def test_a_branch_and_a_private_model(entail: Entail, folder: Path, hub: Hub) -> None:
    assert entail("push", folder, NAME, "--private", "--revision", "v2").code == 0
    assert hub.asked[:2] == [f"create {NAME} private=True", f"branch v2 of {NAME}"]
    assert " at v2: " in hub.asked[2]
    hub.asked.clear()
    assert entail("push", folder, f"{NAME}@v2").code == 0
    assert hub.asked[1] == f"branch v2 of {NAME}"


def test_what_is_public_already_is_not_taken_for_private(
    entail: Entail, folder: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HfApi, "model_info", lambda *_: SimpleNamespace(private=False))
    assert "is public already, and nothing was uploaded" in entail("push", folder, NAME, "--private").error
    assert hub.files == {}


def test_a_dry_run_opens_no_connection(entail: Entail, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.delenv("HF_TOKEN")
    found = entail("push", folder, NAME, "--dry-run", "--revision", "v2")
    assert (found.code, found.err) == (0, "")
    size = (folder / "model.safetensors").stat().st_size
    assert f"{size:,}" in found.out
    for said in (f"{NAME}, branch v2", "dry run", "8 files"):
        assert said in found.out


def test_sharded_weights_go_whole(entail: Entail, tmp_path: Path, hub: Hub) -> None:
    folder = trained(tmp_path / "sharded", layout="sharded")
    write_card(folder)
    found = entail("push", folder, NAME)
    assert found.code == 0
    assert {name for name in hub.files if "safetensors" in name} == {
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
    }
    assert f"the card does not say how to open {NAME}" in found.err


@pytest.mark.parametrize(
    "name", ["", "tiny", "a/b/c", "../etc", "org/..", "org/a b", "org/a--b", "http://x/y"]
)
def test_a_bad_name_is_refused(entail: Entail, folder: Path, hub: Hub, name: str) -> None:
    found = entail("push", folder, name)
    assert found.code == 2
    assert "org/" in found.error
    assert hub.asked == []


def test_a_bad_branch_is_refused(entail: Entail, folder: Path, hub: Hub) -> None:
    assert "is not a revision" in entail("push", folder, NAME, "--revision", "../x").error
    assert hub.asked == []


def test_what_does_not_open_is_refused(entail: Entail, folder: Path, hub: Hub, tmp_path: Path) -> None:
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-10])
    assert "model.safetensors" in entail("push", folder, NAME).error
    weights.unlink()
    assert entail("push", folder, NAME).code == 2
    weights.write_bytes(whole)
    (folder / "config.json").write_text("{}", "utf-8")
    assert "config.json" in entail("push", folder, NAME).error
    assert "does not exist" in entail("push", tmp_path / "nowhere", NAME).error
    assert hub.asked == []


@pytest.mark.parametrize("head", ["ForSequenceClassification", "ForTokenClassification"])
def test_weights_that_are_no_numbers_do_not_go(entail: Entail, folder: Path, hub: Hub, head: str) -> None:
    config = folder / "config.json"
    config.write_text(config.read_text("utf-8").replace("ForSequenceClassification", head), "utf-8")
    name = spoil(folder)
    for arguments in ((), ("--dry-run",)):
        found = entail("push", folder, NAME, *arguments)
        assert found.code == 2
        assert "holds NaN or infinity" in found.error
        assert name.rpartition(".")[2] in found.error
    assert hub.asked == []


def test_without_a_card_nothing_goes(entail: Entail, folder: Path, hub: Hub) -> None:
    card = folder / "README.md"
    card.write_text("# no metadata\n", "utf-8")
    assert "no metadata block" in entail("push", folder, NAME).error
    for damaged in ("---\na: [\n---\n", "---\n- a\n---\n"):
        card.write_text(damaged, "utf-8")
        assert "metadata that is no YAML" in entail("push", folder, NAME).error
    card.unlink()
    assert f"`entail card {folder}`" in entail("push", folder, NAME).error
    assert hub.asked == []


def test_a_card_of_ours_with_results_of_another_model_does_not_go(
    entail: Entail, folder: Path, hub: Hub, tmp_path: Path
) -> None:
    own = open_checkpoint(folder).fingerprint()
    write_card(folder, evaluations=[report(tmp_path / "report.json", weights=own)])
    assert entail("push", folder, NAME, "--dry-run").code == 0
    data = pair_files.write(tmp_path / "pairs.jsonl", pair_files.rows(9, 0))
    assert entail("calibrate", folder, "--data", data).code == 0
    found = entail("push", folder, NAME)
    assert found.code == 2
    assert f"the result on pairs was measured with no calibration, and {folder} has one" in found.error
    assert hub.asked == []
    # Of what somebody else wrote, nobody knows what its results are about.
    (folder / "README.md").write_text("---\nlicense: mit\n---\n", "utf-8")
    assert entail("push", folder, NAME).code == 0


def test_nobody_logged_in(entail: Entail, folder: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    assert "`hf auth login`" in entail("push", folder, NAME).error
    assert hub.asked == []


def test_the_network_is_turned_off(entail: Entail, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in entail("push", folder, NAME).error


@pytest.mark.usefixtures("closed_port")
def test_a_hub_that_does_not_answer(entail: Entail, folder: Path) -> None:
    found = entail("push", folder, NAME)
    assert found.code == 2
    assert f"{NAME} cannot be uploaded: " in found.error
    assert "check the network" in found.error
    assert TOKEN not in found.err


@pytest.mark.parametrize(
    ("status", "says"), [(401, "log in again"), (403, "may not write"), (500, "try again")]
)
def test_a_hub_that_refuses(entail: Entail, folder: Path, hub: Hub, status: int, says: str) -> None:
    hub.fails = OSError("first line\nsecond line")
    hub.fails.response = SimpleNamespace(status_code=status)  # type: ignore[attr-defined]
    found = entail("push", folder, NAME)
    assert says in found.error
    assert "second line" not in found.err


def test_other_heads_go_too(entail: Entail, folder: Path, hub: Hub, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    config = (other / "config.json").read_text("utf-8")
    (other / "config.json").write_text(config.replace("ForSequenceC", "ForTokenC"), "utf-8")
    assert entail("push", other, NAME).code == 0
    assert "model.safetensors" in hub.files
