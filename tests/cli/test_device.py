"""`--device`, of every command that runs a model: PyTorch answers as ONNX Runtime does.

PyTorch has a device that is there everywhere and is no "cpu" to the command line: "cpu:0".
"""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.cli.conftest import Entail
from tests.cli.pair_files import rows, write
from tests.tiny import tiny_bert

from entailment.cli.app import entail as group
from entailment.cli.app import run
from entailment.models.engine import TorchEngine
from entailment.runtime.engine import OnnxEngine

TORCH = ("--device", "cpu:0")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data") / "pairs.jsonl", rows(40, 0))


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "document.txt"
    path.write_text("The dog sleeps in the garden. A man reads a book.")
    return path


def commands(model: Path, document: Path) -> dict[str, tuple[object, ...]]:
    """A short command line of each command that answers with scores."""
    return {
        "classify": ("classify", "the team won", "--labels", "sports,food", "--model", model),
        "nli": ("nli", "the dog sleeps", "an animal sleeps", "--model", model),
        "check": ("check", document, "--claim", "the dog sleeps", "--model", model),
    }


@pytest.mark.parametrize("command", ["classify", "nli", "check"])
def test_answers_are_the_same(
    entail: Entail, model: Path, prefix_model: Path, document: Path, command: str
) -> None:
    for folder in (model, prefix_model):
        line = commands(folder, document)[command]
        plain = entail(*line, "--json")
        assert entail(*line, "--json", "--device", "cpu").out == plain.out
        found = entail(*line, "--json", *TORCH)
        assert (found.code, found.err) == (0, "")
        assert flat(found.json) == pytest.approx(flat(plain.json), abs=1e-5)


def flat(value: object) -> dict[str, object]:
    """Every number and text of an answer, under its path: approx compares no nested values."""
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    else:
        return {"": value}
    return {f"/{key}{rest}": inner for key, each in items for rest, inner in flat(each).items()}


def test_evaluate_and_compare(entail: Entail, prefix_model: Path, pairs: Path) -> None:
    line = ("evaluate", prefix_model, "--data", pairs, "--compare", prefix_model, "--json")
    plain, found = entail(*line).json, entail(*line, *TORCH).json
    assert found["confusion_matrix"] == plain["confusion_matrix"]
    assert math.isclose(found["loss"], plain["loss"], abs_tol=1e-5)


def test_calibrate(entail: Entail, prefix_model: Path, pairs: Path, tmp_path: Path) -> None:
    line = ("calibrate", prefix_model, "--data", pairs, "--json", "--out")
    plain, found = entail(*line, tmp_path / "plain"), entail(*line, tmp_path / "torch", *TORCH)
    assert math.isclose(found.json["temperature"], plain.json["temperature"], rel_tol=1e-3)


def test_info(entail: Entail, model: Path, nameless_model: Path) -> None:
    assert entail("info", model, "--probe", *TORCH, "--json").json["probe"] is not None
    found = entail("info", nameless_model, *TORCH, "--json")
    assert (found.code, found.json["label_order"]) == (0, None)


def test_serve(entail: Entail, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = []
    monkeypatch.setattr("entailment.serve.run.serve", lambda model, *_, **__: served.append(model.engine))
    assert entail("serve", "--model", model).code == 0
    assert entail("serve", "--model", model, *TORCH).code == 0
    assert list(map(type, served)) == [OnnxEngine, TorchEngine]


def test_every_command_with_precision_has_it() -> None:
    def having(option: str) -> set[str]:
        return {
            name
            for name, command in group.commands.items()
            if any(option in parameter.opts for parameter in command.params)
        }

    assert having("--device") == having("--precision")
    assert {"classify", "nli", "check", "evaluate", "serve"} <= having("--device")


@pytest.mark.parametrize(
    ("options", "dtype"), [((), None), (("--precision", "float32"), torch.float32)], ids=["unsaid", "float32"]
)
def test_float32_is_taken_at_its_word(
    entail: Entail,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    dtype: torch.dtype | None,
) -> None:
    """Unsaid, the device decides, and a GPU decides for bfloat16."""
    asked = []

    def engine_on(device: str, *, dtype: torch.dtype | None) -> None:
        asked.append((device, dtype))

    monkeypatch.setattr("entailment.models.engine.engine_on", engine_on)
    assert entail("nli", "a dog", "a cat", "--model", model, "--device", "cuda:1", *options).code == 0
    assert asked == [("cuda:1", dtype)]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--precision", "int8"), "--precision int8 is computed on the CPU, not on --device cuda"),
        (("--threads", "2"), "--threads is for the CPU, not for --device cuda"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    entail: Entail, model: Path, document: Path, options: tuple[str, ...], says: str
) -> None:
    for line in commands(model, document).values():
        found = entail(*line, "--device", "cuda", *options)
        assert found.code == 2
        assert found.error.startswith(f"{says}: leave one of them out")


@pytest.mark.parametrize("device", ["abacus", "", "CPU", "cuda:", "cuda:97", "meta", "hpu", "vulkan"])
def test_a_device_that_is_not_there(entail: Entail, model: Path, device: str) -> None:
    found = entail("nli", "a dog", "a cat", "--model", model, "--device", device)
    assert found.code == 2
    assert found.error.startswith(f"torch cannot compute on {device!r} here (")
    assert found.error.endswith("; 'cpu' always works")
    assert len(found.error) < 400


WITHOUT_TORCH = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from entailment.cli.app import run
"""


def test_without_torch_the_extra_is_named(tmp_path: Path) -> None:
    line = ["nli", "a dog", "a cat", "--model", str(tiny_bert(tmp_path / "model")), "--device"]
    program = f"{WITHOUT_TORCH}print(run({[*line, 'cpu', '--json']!r}), run({[*line, 'cuda']!r}))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True)
    assert done.stdout.endswith("0 3\n")
    assert done.stderr == "entail: error: --device cuda needs torch: pip install 'entailment[torch]'\n"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu(entail: Entail, prefix_model: Path, document: Path) -> None:
    for line in commands(prefix_model, document).values():
        plain = entail(*line, "--json")
        exact = entail(*line, "--json", "--device", "cuda", "--precision", "float32")
        assert flat(exact.json) == pytest.approx(flat(plain.json), abs=1e-4)
        assert entail(*line, "--json", "--device", "cuda").code == 0


def test_help_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["classify", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "--device D As in cuda or cuda:1: PyTorch runs the model there" in said
    assert "[default: cpu]" in said
