"""TensorFlow is imported by who uses it alone; what is missing is named; other back ends compute the same."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
    )


def test_nothing_else_imports_tensorflow() -> None:
    """Every module of the other rooms, and every public name, in a process of its own."""
    program = (
        "import importlib, pathlib, sys, entailment\n"
        "root = pathlib.Path(entailment.__path__[0])\n"
        "for path in root.rglob('*.py'):\n"
        "    parts = path.relative_to(root).with_suffix('').parts\n"
        "    if parts[0] != 'keras':\n"
        "        try: importlib.import_module('.'.join(('entailment', *parts)).removesuffix('.__init__'))\n"
        "        except entailment.MissingExtraError: pass\n"
        "for name, home in entailment._HOME.items():\n"
        "    if not home.startswith('entailment.keras'): getattr(entailment, name)\n"
        "print(sorted({'tensorflow', 'keras', 'jax'} & set(sys.modules)))"
    )
    done = run(program)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


@pytest.mark.parametrize("absent", ["keras", "tensorflow"])
def test_a_missing_extra_is_named(absent: str) -> None:
    if absent == "tensorflow" and importlib.util.find_spec("keras") is None:
        pytest.skip("needs Keras")
    program = (
        f"import sys; sys.modules[{absent!r}] = None\n"
        "import entailment\n"
        "try: import entailment.keras\n"
        "except entailment.MissingExtraError as error: print(error)"
    )
    done = run(program, KERAS_BACKEND="tensorflow")
    said = f"a model as a Keras model needs {absent}: pip install 'entailment[tensorflow]'"
    assert done.stdout.strip() == said, done.stderr


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_another_back_end_answers_the_same(backend: str) -> None:
    if importlib.util.find_spec("keras") is None or importlib.util.find_spec(backend) is None:
        pytest.skip(f"needs Keras and {backend}")
    program = (
        "import sys, numpy as np, keras\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import make_golden\n"
        "from entailment.keras import TFMobileBertForPreTraining, TFMobileBertForNextSentencePrediction\n"
        f"folder = {str(GOLDEN)!r}\n"
        "model = TFMobileBertForPreTraining.from_pretrained(folder)\n"
        "given = make_golden.inputs('ForPreTraining')\n"
        "answer = model(given)\n"
        "stored = np.load(folder + '/answers.npz')\n"
        "for name in ('prediction_logits', 'seq_relationship_logits', 'loss'):\n"
        "    found = keras.ops.convert_to_numpy(answer[name])\n"
        "    print(name, np.abs(found - stored['answer/ForPreTraining/' + name]).max() < 1e-4)\n"
        "small = TFMobileBertForNextSentencePrediction.from_pretrained(folder)\n"
        "print('tensorflow' in sys.modules)\n"
        "keras.utils.set_random_seed(0)\n"  # which imports TensorFlow where there is one
        "small.compile(optimizer=keras.optimizers.Adam(1e-3))\n"
        "labels = given.pop('next_sentence_label'); given.pop('labels')\n"
        "losses = small.fit(given, labels, epochs=10, verbose=0).history['loss']\n"
        "print(losses[-1] < losses[0])"
    )
    done = run(program, KERAS_BACKEND=backend)
    names = ("prediction_logits", "seq_relationship_logits", "loss")
    expected = [*(f"{name} True" for name in names), "False", "True"]
    assert done.stdout.split("\n")[:5] == expected, done.stderr
