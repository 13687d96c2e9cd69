"""The answers of transformers 4.34.1 on TensorFlow 2.14, frozen, and a tf_model.h5 that it wrote.

`make_golden.py` made them; `tests/oracle/test_keras_reference.py` makes them again and compares.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from tests.keras import make_golden
from tests.keras.tiny_keras import TASKS, close

import entailment.keras
from entailment.checkpoint.config import MobileBertConfig
from entailment.checkpoint.weights import read_weights
from entailment.keras import h5_file, slots

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def stored() -> dict[str, np.ndarray]:
    with np.load(GOLDEN / "answers.npz") as file:
        return dict(file)


def opened(task: str, stored: dict[str, np.ndarray], folder: Path) -> Any:
    """Our class with the file's arrays, and with the head that the task has beside them."""
    shutil.copyfile(GOLDEN / "tf_model.h5", folder / "tf_model.h5")
    labels = make_golden.LABELS.get(task, 2)
    replace(MobileBertConfig.from_pretrained(GOLDEN), num_labels=labels, id2label={}).save_pretrained(folder)
    model = getattr(entailment.keras, f"TFMobileBert{task}").from_pretrained(folder)
    head = {name.split("/")[2]: array for name, array in stored.items() if name.startswith(f"head/{task}/")}
    assert model.loading_report.initialised == tuple(sorted(head))
    for name, array in head.items():
        slots.slots_of(model)[name].write(array)
    return model


@pytest.mark.parametrize("task", TASKS)
def test_a_class_answers_as_the_reference_did(
    task: str, stored: dict[str, np.ndarray], tmp_path: Path
) -> None:
    model = opened(task, stored, tmp_path)
    found = make_golden.answered(model, task)
    expected = {
        name.split("/")[2]: array for name, array in stored.items() if name.startswith(f"answer/{task}/")
    }
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        if name == "loss":  # theirs is [1] where it is reduced
            close(np.mean(found[name]), np.mean(array), name)
        else:
            close(found[name], array, name)


def test_what_we_write_has_the_layout_of_the_reference(tmp_path: Path) -> None:
    model = entailment.keras.TFMobileBertForPreTraining.from_pretrained(GOLDEN)
    model.save_pretrained(tmp_path, safe_serialization=False)
    with h5py.File(GOLDEN / "tf_model.h5") as theirs, h5py.File(tmp_path / "tf_model.h5") as ours:
        names: tuple[set[str], set[str]] = (set(), set())
        for found, file in zip(names, (theirs, ours), strict=True):
            file.visit(found.add)
        assert names[0] == names[1]
        assert set(ours.attrs["layer_names"]) == set(theirs.attrs["layer_names"])
        for layer in theirs.attrs["layer_names"]:
            assert set(ours[layer].attrs["weight_names"]) == set(theirs[layer].attrs["weight_names"])
            for variable in theirs[layer].attrs["weight_names"]:
                np.testing.assert_array_equal(ours[layer][variable], theirs[layer][variable], strict=True)


@pytest.mark.parametrize(
    ("class_name", "scope"),
    [
        ("TFMobileBertModel", "tf_mobile_bert_model"),
        ("TFMobileBertForMaskedLM", "tf_mobile_bert_for_masked_lm"),
        ("TFMobileBertForNextSentencePrediction", "tf_mobile_bert_for_next_sentence_prediction"),
    ],
)
def test_the_scope_is_the_name_that_keras_gives(class_name: str, scope: str) -> None:
    assert h5_file.model_scope(class_name) == scope


def test_safetensors_with_tensorflow_names_open(tmp_path: Path, stored: dict[str, np.ndarray]) -> None:
    """As that release writes them with safe_serialization=True: its own names, its own kernels."""
    from safetensors.numpy import save_file

    arrays = {}
    with h5py.File(GOLDEN / "tf_model.h5") as file:
        for layer in file.attrs["layer_names"]:
            for variable in file[layer].attrs["weight_names"]:
                arrays[variable.partition("/")[2]] = file[layer][variable][()]
    save_file(arrays, tmp_path / "model.safetensors", metadata={"format": "tf"})
    shutil.copyfile(GOLDEN / "config.json", tmp_path / "config.json")
    assert "mobilebert.embeddings.word_embeddings.weight" in read_weights(tmp_path)
    model = entailment.keras.TFMobileBertForPreTraining.from_pretrained(tmp_path)
    assert model.loading_report.initialised == ()
    close(
        make_golden.answered(model, "ForPreTraining")["prediction_logits"],
        stored["answer/ForPreTraining/prediction_logits"],
    )
