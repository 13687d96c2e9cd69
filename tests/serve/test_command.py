"""`entail serve` before it serves: what it is told, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.serve.support import HookedEngine, stub_model
from tests.tiny import tiny_bert

from entailment.cli.app import run
from entailment.serve.settings import Settings


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Settings, str, int]]:
    """What the server was told, instead of serving."""
    found: list[tuple[str, Settings, str, int]] = []

    def serve(model: object, settings: Settings, *, host: str, port: int) -> None:
        found.append((getattr(model, "name", ""), settings, host, port))

    monkeypatch.setattr("entailment.serve.run.serve", serve)
    return found


def test_options_become_settings(tmp_path: Path, told: list[tuple[str, Settings, str, int]]) -> None:
    keys = tmp_path / "keys.txt"
    keys.write_text("first\n\n  second  \n")
    folder = str(tiny_bert(tmp_path / "model"))
    options = ["--model", folder, "--host", "::1", "--port", "81", "--labels", "good, bad", "--workers", "2"]
    options += [
        "--api-keys-file",
        str(keys),
        "--cors-origin",
        "https://a.org",
        "--cors-origin",
        "https://b.org",
    ]
    options += ["--max-body-bytes", "1", "--max-texts", "2", "--max-labels", "3", "--max-pairs", "4"]
    options += ["--max-characters", "5", "--batch-tokens", "6", "--max-wait", "0", "--queue-pairs", "7"]
    options += ["--queue-tokens", "8", "--deadline", "9", "--drain", "10", "--connections", "11"]
    assert run(["serve", *options]) == 0
    ((name, settings, host, port),) = told
    assert (name, host, port) == (folder, "::1", 81)
    assert settings.default_labels == ("good", "bad")
    assert settings.api_keys == ("first", "second")
    assert settings.cors_origins == ("https://a.org", "https://b.org")
    limits = settings.limits
    assert (limits.body_bytes, limits.texts, limits.labels, limits.pairs, limits.characters) == (
        1,
        2,
        3,
        4,
        5,
    )
    assert (settings.workers, settings.batch_tokens, settings.max_wait_seconds) == (2, 6, 0)
    assert (settings.queue_pairs, settings.queue_tokens, settings.deadline_seconds) == (7, 8, 9)
    assert (settings.drain_seconds, settings.connections) == (10, 11)


def test_the_command_has_the_same_defaults(
    tmp_path: Path, told: list[tuple[str, Settings, str, int]]
) -> None:
    assert run(["serve", "--model", str(tiny_bert(tmp_path))]) == 0
    assert [settings for _, settings, _, _ in told] == [Settings()]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--port", "70000"], "70000 is not in the range"),
        (["--workers", "0"], "0 is not in the range"),
        (["--deadline", "0"], "Invalid value for '--deadline': 0.0 is not in the range x>0"),
        (["--drain", "0"], "Invalid value for '--drain': 0.0 is not in the range x>0"),
        (["--labels", "a,,b"], "--labels 'a,,b' has an empty part"),
        (["--api-keys-file", "{folder}/none.txt"], "none.txt"),
        (["--api-keys-file", "{folder}/empty.txt"], "holds no API key"),
        (["--api-keys-file", "{folder}/bad.txt"], "an API key is empty or holds more than printable ASCII"),
        (["--api-keys-file", "{folder}/comment.txt"], "comment.txt, line 3: it begins with #"),
        (["--cors-origin", "banana"], "'banana', which is no origin"),
        (["--threads", "100000"], "threads is 100000; it must be a whole number from 1 to"),
        (["--api-keys-file", ""], "Invalid value for '--api-keys-file': the name is empty"),
        (["--model", "{folder}/nothing"], "nothing"),
    ],
)
def test_what_it_refuses(
    tmp_path: Path, told: list[object], capsys: pytest.CaptureFixture[str], options: list[str], says: str
) -> None:
    (tmp_path / "empty.txt").write_text("\n \n")
    (tmp_path / "bad.txt").write_text("schl\u00fcssel\n", encoding="utf-8")
    (tmp_path / "comment.txt").write_text("secret\n\n #secret\n")
    assert run(["serve", *(option.format(folder=tmp_path) for option in options)]) == 2
    told_why = capsys.readouterr().err
    assert (says in told_why, "secret" in told_why) == (True, False)
    assert told == []


def test_a_model_that_fails_on_its_first_pair_is_told_in_one_line(
    folder: Path, log: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def hook(_: object) -> None:
        raise RuntimeError("secret")

    model = stub_model(folder, HookedEngine(hook))
    monkeypatch.setattr("entailment.cli.serve.open_model", lambda *_, **__: model)
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    assert run(["serve", "--port", "0"]) == 1
    *lines, last = capsys.readouterr().err.splitlines()
    assert last.startswith("entail: error: the server did not start: ")
    assert last.endswith("the model failed on this request")
    assert [json.loads(line)["exception"] for line in lines] == ["RuntimeError"]
