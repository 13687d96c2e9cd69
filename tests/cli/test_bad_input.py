"""Bad input gets one line on stderr and exit code 2: no traceback, nothing on stdout, no output file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tests.cli.conftest import Entail
from tests.tiny import tiny_bert

COMMON = ("--labels", "sports,food")
CHECKPOINT_FILES = (
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "vocab.txt",
    "tokenizer_config.json",
)

Spoil = Callable[[Path], object]


def refuse(entail: Entail, *arguments: object, stdin: bytes | str = b"") -> str:
    """The error of a command line that must be refused as bad input."""
    found = entail(*arguments, stdin=stdin)
    assert found.code == 2
    return found.error


# ------------------------------------------------------------------------------------------------ checkpoints


@pytest.fixture
def spoilt(model: Path, tmp_path: Path) -> Path:
    """A copy of the model to be damaged."""
    return Path(shutil.copytree(model, tmp_path / "spoilt"))


def with_config(**changes: object) -> Spoil:
    def spoil(folder: Path) -> None:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text())
        config.update(changes)
        (folder / "config.json").write_text(json.dumps(config))

    return spoil


def with_weights(change: Callable[[dict[str, np.ndarray]], object]) -> Spoil:
    def spoil(folder: Path) -> None:
        arrays = load_file(folder / "model.safetensors")
        change(arrays)
        save_file(arrays, folder / "model.safetensors")

    return spoil


def without(*names: str) -> Spoil:
    def spoil(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return spoil


def cut(name: str) -> Spoil:
    def spoil(folder: Path) -> None:
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[: len(whole) // 2])

    return spoil


def filled(name: str, content: bytes) -> Spoil:
    return lambda folder: (folder / name).write_bytes(content)


SPOILT: dict[str, tuple[Spoil, str]] = {
    "config missing": (without("config.json"), "config.json"),
    "config cut": (cut("config.json"), "config.json"),
    "config garbage": (filled("config.json", b"\xff\x00garbage"), "config.json"),
    "config a list": (filled("config.json", b"[]"), "config.json"),
    "config empty": (filled("config.json", b""), "config.json"),
    "config contradicts weights": (with_config(hidden_size=64), ""),
    "config absurd": (with_config(num_attention_heads=0), "num_attention_heads"),
    "config of another type": (with_config(hidden_size="many"), "hidden_size"),
    "unknown architecture": (with_config(model_type="gpt2"), "gpt2"),
    "no architecture": (with_config(model_type=None), "model_type"),
    "weights missing": (without("model.safetensors"), "model.safetensors"),
    "weights cut": (cut("model.safetensors"), "model.safetensors"),
    "weights garbage": (filled("model.safetensors", b"garbage" * 100), "model.safetensors"),
    "weights empty": (filled("model.safetensors", b""), "model.safetensors"),
    "a weight too few": (with_weights(lambda arrays: arrays.pop("classifier.bias")), "classifier.bias"),
    "a weight too many": (
        with_weights(lambda arrays: arrays.update({"bert.attic": np.zeros(3, np.float32)})),
        "bert.attic",
    ),
    "a weight misshapen": (
        with_weights(lambda arrays: arrays.update({"classifier.bias": np.zeros(5, np.float32)})),
        "classifier.bias",
    ),
    "tokenizer missing": (without("tokenizer.json", "vocab.txt"), "tokenizer.json"),
    "tokenizer cut": (cut("tokenizer.json"), "tokenizer.json"),
    "tokenizer garbage": (filled("tokenizer.json", b"\xff\xfe"), "tokenizer.json"),
    "tokenizer empty": (filled("tokenizer.json", b""), "tokenizer.json"),
    "NaN in weights": (
        with_weights(lambda arrays: arrays["classifier.weight"].fill(np.nan)),
        "",
    ),
}


@pytest.mark.parametrize("fault", SPOILT)
def test_a_spoilt_checkpoint(entail: Entail, spoilt: Path, tmp_path: Path, fault: str) -> None:
    spoil, named = SPOILT[fault]
    spoil(spoilt)
    output = tmp_path / "answers.jsonl"
    error = refuse(entail, "classify", "bread", *COMMON, "--model", spoilt, "--output", output)
    assert named in error
    assert not output.exists()


def test_an_unknown_architecture_is_told_the_known(entail: Entail, spoilt: Path) -> None:
    with_config(model_type="gpt2")(spoilt)
    error = refuse(entail, "info", spoilt)
    for known in ("bert", "distilbert", "mobilebert"):
        assert known in error


@pytest.mark.parametrize(
    "command", [["classify", "bread", *COMMON, "--model"], ["nli", "a", "b", "--model"], ["info"]]
)
def test_no_such_folder_and_no_such_name(
    entail: Entail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    assert "nowhere" in refuse(entail, *command, tmp_path / "nowhere")
    assert "someone/some-model" in refuse(entail, *command, "someone/some-model")
    assert "a name of no use" in refuse(entail, *command, "a name of no use")


def test_a_model_whose_label_order_nobody_knows(entail: Entail, nameless_model: Path) -> None:
    command = ("classify", "bread", *COMMON, "--model", nameless_model)
    assert "--label-order contradiction,entailment,neutral" in refuse(entail, *command)
    stated = entail(*command, "--label-order", "contradiction,entailment,neutral", "--json")
    assert (stated.code, stated.err) == (0, "")
    assert "names 2 logits" in refuse(entail, *command, "--label-order", "contradiction,entailment")
    assert "has an empty part" in refuse(entail, *command, "--label-order", "contradiction,,neutral")
    refuse(entail, *command, "--label-order", "good,bad,ugly")


def test_a_checkpoint_without_a_head(entail: Entail, tmp_path: Path) -> None:
    refuse(entail, "classify", "bread", *COMMON, "--model", tiny_bert(tmp_path / "bare", labels=None))


# ------------------------------------------------------------------------------------------ texts and labels


@pytest.mark.parametrize("text", ["", " ", "\t\n"])
def test_an_empty_text(entail: Entail, model: Path, text: str) -> None:
    error = refuse(entail, "classify", text, *COMMON, "--model", model)
    assert error == ("the text is blank" if text else "the text is empty")
    assert "text 2 is" in refuse(
        entail, "classify", "bread", text, *COMMON, "--model", model, "--output", "a.csv"
    )


def test_a_text_of_half_a_character(entail: Entail, model: Path) -> None:
    assert "surrogate" in refuse(entail, "classify", "soup \udcff", *COMMON, "--model", model)
    stdin = '{"text": "soup \\ud800"}\n'
    assert "row 1: text is not valid Unicode" in refuse(
        entail, "classify", "--input", "-", *COMMON, "--model", model, stdin=stdin
    )


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("", "has an empty part"),
        (",", "has an empty part"),
        ("food,,sports", "has an empty part"),
        ("food,", "has an empty part"),
    ],
)
def test_empty_labels(entail: Entail, model: Path, labels: str, message: str) -> None:
    assert message in refuse(entail, "classify", "bread", "--labels", labels, "--model", model)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("labels.csv", b"label\nfood\n", "a label a line, or .json"),
        ("labels.txt", b"", "holds no labels"),
        ("labels.txt", b"\n \n", "holds no labels"),
        ("labels.txt", b"caf\xe9\n", "line 1: byte 0xe9 is not UTF-8"),
        ("labels.json", b"", "is not valid JSON"),
        ("labels.json", b'{"labels": ["a"]', "is not valid JSON"),
        ("labels.json", b"\xff\xfe", "is not valid JSON"),
        ("labels.json", b'{"label": ["a"]}', 'should hold {"labels"'),
        ("labels.json", b'{"labels": "a,b"}', 'should hold {"labels"'),
        ("labels.json", b'"a"', 'should hold {"labels"'),
        ("labels.json", b"[]", "holds no labels"),
        ("labels.json", b'["a", ""]', "'' is not a label"),
        ("labels.json", b'["a", 1]', "1 is not a label"),
        (
            "labels.json",
            b'{"labels": ["a"], "hypothesis_template": 1}',
            "hypothesis_template should be a text",
        ),
        ("labels.json", b'{"labels": ["a"], "multi_label": "no"}', "multi_label should be true or false"),
        (
            "labels.json",
            b'{"labels": ["a"], "template": "A {}."}',
            "'template', which nobody reads",
        ),
        ("labels.json", b'{"labels": ["a"], "Multi-Label": true}', "nobody reads; is it multi_label?"),
        ("labels.json", b'{"labels": ["a"], "hypothesis_template": "no slot"}', "no slot"),
    ],
)
def test_a_labels_file_of_no_use(
    entail: Entail, model: Path, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    error = refuse(entail, "classify", "bread", "--labels-file", tmp_path / name, "--model", model)
    assert message in error


def test_a_labels_file_may_say_more_about_itself(entail: Entail, model: Path, tmp_path: Path) -> None:
    more = {"name": "topics", "description": "of news", "language": "en", "id2label": {"0": "food"}}
    labels = {"labels": ["food", "news"], "hypothesis_template": "about {}", "multi_label": False}
    (tmp_path / "labels.json").write_text(json.dumps(more | labels))
    found = entail("classify", "bread", "--labels-file", tmp_path / "labels.json", "--model", model)
    assert found.code == 0


def test_no_labels_or_data_from_standard_input(entail: Entail, model: Path) -> None:
    refuse(entail, "classify", "bread", "--labels-file", "-", "--model", model, stdin="food\n")
    refuse(entail, "evaluate", model, "--data", "-", stdin='{"text": "bread", "label": "food"}\n')


@pytest.mark.parametrize("name", ["none.txt", "none.json"])
def test_no_such_labels_file(entail: Entail, model: Path, tmp_path: Path, name: str) -> None:
    error = refuse(entail, "classify", "bread", "--labels-file", tmp_path / name, "--model", model)
    assert str(tmp_path / name) in error


@pytest.mark.parametrize("template", ["", "no slot", "{} and {}", "{0}", "{label}", "{", "}", "{:>10}"])
def test_a_template_without_exactly_one_slot(entail: Entail, model: Path, template: str) -> None:
    error = refuse(entail, "classify", "bread", *COMMON, "--template", template, "--model", model)
    assert "template" in error


def test_a_hypothesis_that_does_not_fit(entail: Entail, model: Path) -> None:
    refuse(entail, "classify", "bread", "--labels", "food " * 100, "--model", model)


# ----------------------------------------------------------------------------------------------------- files

FILES: dict[str, tuple[bytes, str]] = {
    "column.csv": (b"review\nbread\n", "has no column 'text'; it has review"),
    "column.jsonl": (b'{"review": "bread"}\n', "line 1 has no column 'text'; it has review"),
    "bytes.txt": (b"bread\ncaf\xe9\n", "line 2: byte 0xe9 is not UTF-8"),
    "bytes.csv": (b"text\ncaf\xe9\n", "line 2: byte 0xe9 is not UTF-8"),
    "bytes.jsonl": (b'{"text": "caf\xe9"}\n', "line 1: byte 0xe9 is not UTF-8"),
    "bytes.parquet": (b"\x00\x01\x02", "cannot be read as Parquet"),
    "broken.jsonl": (b'{"text": "bread"}\n{"text": \n', "line 2: not valid JSON"),
    "open.csv": (b'text\n"bread\n', "not valid CSV"),
    "gap.txt": (b"bread\n\nsoup\n", "row 2: text is empty"),
    "gap.csv": (b"text\nbread\n\nsoup\n", "row 2: text is empty"),
    "nul.jsonl": (b'{"text": "bread"}\n{"text": "so\\u0000up"}\n', "row 2: text holds a NUL character"),
    "blank.txt": (b"bread\n  \nsoup\n", "row 2: text is blank"),
    "empty.jsonl": (b'{"text": "bread"}\n{"text": ""}\n', "row 2: text is empty"),
    "null.jsonl": (b'{"text": "bread"}\n{"text": null}\n', "row 2: text is empty"),
    "number.jsonl": (b'{"text": "bread"}\n{"text": 7}\n', "row 2: text holds 7, which is int, not text"),
    "nothing.txt": (b"", "holds no rows"),
    "nothing.jsonl": (b"\n", "holds no rows"),
    "nothing.csv": (b"text\n", "holds no rows"),
    "format.docx": (b"", "should end in .txt, .jsonl, .csv, .parquet"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_used(entail: Entail, model: Path, tmp_path: Path, name: str) -> None:
    content, message = FILES[name]
    source, output = tmp_path / name, tmp_path / "answers.csv"
    source.write_bytes(content)
    error = refuse(entail, "classify", "--input", source, *COMMON, "--model", model, "--output", output)
    assert message in error
    assert str(source) in error
    assert list(tmp_path.iterdir()) == [source]


def test_no_such_file_and_nothing_on_standard_input(entail: Entail, model: Path, tmp_path: Path) -> None:
    missing = tmp_path / "none.csv"
    assert str(missing) in refuse(entail, "classify", "--input", missing, *COMMON, "--model", model)
    assert "holds no rows" in refuse(entail, "classify", "--input", "-", *COMMON, "--model", model)


def test_an_input_is_refused_before_the_model_is_opened(entail: Entail, tmp_path: Path) -> None:
    error = refuse(
        entail, "classify", "--input", tmp_path / "none.csv", *COMMON, "--model", tmp_path / "none"
    )
    assert "none.csv" in error


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("missing/answers.csv", "missing does not exist"),
        ("answers.parquet", "should end in .jsonl, .csv"),
        ("answers", "should end in .jsonl, .csv"),
        ("folder.csv", "a folder has that name"),
    ],
)
@pytest.mark.parametrize("command", [("classify", "bread", *COMMON), ("nli", "bread", "food")])
def test_an_output_that_cannot_be(
    entail: Entail, model: Path, tmp_path: Path, command: tuple[str, ...], output: str, message: str
) -> None:
    (tmp_path / "folder.csv").mkdir()
    error = refuse(entail, *command, "--model", model, "--output", tmp_path / output)
    assert message in error
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["classify", "bread", *COMMON, "--output", ""], "Invalid value for '--output': the name is empty"),
        (["classify", "bread", "--labels-file", ""], "Invalid value for '--labels-file': the name is empty"),
        (["classify", *COMMON, "--input", ""], "the name of the file to read is empty"),
        (["check", "", "--claim", "bread"], "the name of the document is empty"),
    ],
)
def test_a_file_without_a_name(entail: Entail, arguments: list[str], message: str) -> None:
    assert message in refuse(entail, *arguments)


# --------------------------------------------------------------------------------------------------- options


@pytest.mark.parametrize("threads", ["1500", "100000"])
def test_threads_that_no_machine_has(entail: Entail, model: Path, threads: str) -> None:
    error = refuse(entail, "classify", "bread", *COMMON, "--model", model, "--threads", threads)
    assert error.startswith(f"threads is {threads}; it must be a whole number from 1 to ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["classify"], "give either --labels A,B,C or --labels-file FILE"),
        (["classify", "bread", "--labels", "a", "--labels-file", "b"], "give either --labels"),
        (["classify", "--labels", "a"], "give either texts or --input FILE"),
        (["classify", "bread", "--labels", "a", "--input", "b.txt"], "give either texts or --input FILE"),
        (["classify", "bread", *COMMON, "--threshold", "1.5"], "--threshold"),
        (["classify", "bread", *COMMON, "--threshold", "nan"], "--threshold"),
        (["classify", "bread", *COMMON, "--threshold", "high"], "--threshold"),
        (["classify", "bread", *COMMON, "--threads", "0"], "--threads"),
        (["classify", "bread", *COMMON, "--colour"], "--colour"),
        (["translate", "bread"], "No such command 'translate'"),
        (["evaluate"], "--data"),
        (["evaluate", "--data", "x.csv", "--limit", "0"], "--limit"),
    ],
)
def test_options_that_make_no_sense(entail: Entail, arguments: list[str], message: str) -> None:
    assert message in refuse(entail, *arguments)
