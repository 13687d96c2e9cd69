"""Hub names: what is fetched, what a name may be, and what is said offline. No test opens a connection."""

from __future__ import annotations

import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from tests.tiny import tiny_bert

from entailment.checkpoint.config import BertConfig
from entailment.checkpoint.copying import copy_checkpoint
from entailment.checkpoint.folder import open_checkpoint
from entailment.checkpoint.hub import split_revision
from entailment.errors import CheckpointNotFoundError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A Hugging Face cache that holds org/tiny."""
    repo = tmp_path / "cache" / "models--org--tiny"
    tiny_bert(repo / "snapshots" / COMMIT)
    for ref in ("main", "v1"):
        (repo / "refs").mkdir(exist_ok=True)
        (repo / "refs" / ref).write_text(COMMIT)
    return tmp_path / "cache"


@pytest.mark.parametrize("name", ["org/tiny", "org/tiny@v1", f"org/tiny@{COMMIT}"])
def test_a_cached_checkpoint_opens_offline(cache: Path, name: str) -> None:
    checkpoint = open_checkpoint(name, cache_dir=cache, offline=True)
    assert checkpoint.name == name
    assert checkpoint.folder.name == COMMIT
    assert "classifier.weight" in checkpoint.weights()


def test_what_the_cache_lacks(cache: Path) -> None:
    for name, revision in (("org/other", None), ("org/tiny", "v2")):
        with pytest.raises(
            CheckpointNotFoundError, match="not in the cache, and the network is off; fetch it once"
        ):
            open_checkpoint(name, revision=revision, cache_dir=cache, offline=True)


def test_the_variable_of_the_hub_is_obeyed(tmp_path: Path) -> None:
    code = (
        "from entailment.checkpoint.folder import open_checkpoint\n"
        "from entailment.errors import CheckpointNotFoundError\n"
        "try:\n    open_checkpoint('org/other')\n"
        "except CheckpointNotFoundError as error:\n    print(error)\n"
    )
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert "org/other is not in the cache, and the network is off" in done.stdout


@pytest.mark.parametrize(
    "name",
    [
        "org/../../etc",
        "../model",
        "..",
        "/etc/passwd",
        "org/mo--del",
        "org/.hidden",
        "org/model/more",
        "org//model",
        "org/",
        "/model",
        "org/model.",
        "org\\model",
        "~nobody-at-all/model",
        "~/no-such-folder-anywhere",
        "org/mod el",
        "org/model\n",
        "org/model\0",
        "https://huggingface.co/org/model",
        "",
        " ",
        "x" * 5000,
        "org/model@",
        "org/model@../../up",
        "org/model@/etc",
        "org/model@a//b",
        "org/model@v1@v2",
        "org/model@.git",
    ],
)
def test_names_that_are_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", _never)
    with pytest.raises(CheckpointNotFoundError):
        open_checkpoint(name)


def _never(*_: Any, **__: Any) -> str:
    raise AssertionError("the hub was asked")


def test_revisions() -> None:
    assert split_revision("org/model@refs/pr/1", None) == ("org/model", "refs/pr/1")
    assert split_revision("model", "v1.0-rc+2") == ("model", "v1.0-rc+2")
    assert split_revision("org/model@v1", "v1") == ("org/model", "v1")
    with pytest.raises(CheckpointNotFoundError, match="one revision and the argument another"):
        split_revision("org/model@v1", "v2")


def _recorder(folder: Path, calls: list[dict[str, Any]], files: dict[str, bytes]) -> Any:
    """A stand-in for `snapshot_download` that records its arguments and makes the files it is asked for."""

    def download(repo: str, **options: Any) -> str:
        calls.append({"repo": repo, **options})
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            if any(fnmatch(name, pattern) for pattern in options["allow_patterns"]):
                (folder / name).write_bytes(content)
        return str(folder)

    return download


def test_others_are_fetched_only_where_there_is_no_safetensors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = (tiny_bert(tmp_path / "model") / "config.json").read_bytes()
    layouts = ("model.safetensors", "pytorch_model.bin", "tf_model.h5")
    for downloads, weights in enumerate(layouts, start=1):
        calls: list[dict[str, Any]] = []
        files = {"config.json": config, weights: b"", "tf_model.h5": b"", "flax_model.msgpack": b""}
        download = _recorder(tmp_path / weights.partition(".")[2], calls, files)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
        folder = open_checkpoint("org/model@v1").folder
        assert {path.name for path in folder.iterdir()} == {"config.json", weights}
        assert [(call["repo"], call["revision"]) for call in calls] == [("org/model", "v1")] * downloads


def test_records_are_fetched_where_there_are_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is made of a hub model keeps what its card is written from."""
    config = (tiny_bert(tmp_path / "model") / "config.json").read_bytes()
    files = {"config.json": config, "model.safetensors": b"", "training.json": b"{}", "results.json": b"{}"}
    files["LICENSE.txt"] = b"as you like it"
    monkeypatch.setattr(huggingface_hub, "snapshot_download", _recorder(tmp_path / "hub", [], files))
    copy_checkpoint(open_checkpoint("org/model").folder, tmp_path / "copy")
    assert {path.name for path in (tmp_path / "copy").iterdir()} == set(files)


def test_a_configuration_alone_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = (tiny_bert(tmp_path / "model") / "config.json").read_bytes()
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", _recorder(tmp_path / "hub", calls, {"config.json": config})
    )
    assert BertConfig.from_pretrained("org/model").num_labels == 3
    assert [call["allow_patterns"] for call in calls] == [["config.json"]]


@pytest.mark.parametrize("token", ["hf_ours", False, None])
def test_a_token_goes_to_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str | bool | None
) -> None:
    config = (tiny_bert(tmp_path / "model") / "config.json").read_bytes()
    calls: list[dict[str, Any]] = []
    download = _recorder(tmp_path / "hub", calls, {"config.json": config, "model.safetensors": b""})
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    open_checkpoint("org/model", token=token)
    assert [call["token"] for call in calls] == [token]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("GatedRepoError", "is gated"),
        ("RepositoryNotFoundError", "is neither a folder here nor a model on the hub"),
        ("RevisionNotFoundError", "has no such revision"),
        ("ConnectTimeout", r"cannot be fetched from the hub \(ConnectTimeout: first line\)"),
    ],
)
def test_failures_of_the_hub_are_translated(kind: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> str:
        raise type(kind, (Exception,), {})("first line\nsecond line")

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(CheckpointNotFoundError, match=f"^org/model {said}"):
        open_checkpoint("org/model")
