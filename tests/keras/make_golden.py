"""Writes tests/keras/golden: answers of the last reference release that had TensorFlow, and a file it saved.

    python tests/keras/make_golden.py               writes the golden files beside this script, or to --out
    python tests/keras/make_golden.py --open DIR    answers with the tf_model.h5 in DIR/*, to --out

It needs an environment of its own, without this package: transformers==4.34.1 "tensorflow-cpu==2.14.*"
"numpy<2" safetensors, on Python 3.11. `tests/oracle/test_keras_reference.py` makes one, and compares.

    tf_model.h5     the pre-training model as that release saved it
    config.json     its configuration, as that release wrote it
    answers.npz     inputs, the other heads' arrays, and for each class every field of its output

The texts of a batch are equally long: the reference lets the last token of a padded text see the [PAD] row.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

CONFIG = {
    "vocab_size": 30,
    "hidden_size": 12,
    "embedding_size": 5,
    "intra_bottleneck_size": 8,
    "intermediate_size": 7,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_feedforward_networks": 2,
    "max_position_embeddings": 10,
}
LABELS = {"ForSequenceClassification": 3, "ForTokenClassification": 4}
TASKS = (
    "Model",
    "ForPreTraining",
    "ForMaskedLM",
    "ForNextSentencePrediction",
    "ForSequenceClassification",
    "ForMultipleChoice",
    "ForTokenClassification",
    "ForQuestionAnswering",
)
#: Arrays that each task has beside those of the pre-training model.
HEADS = {
    "ForSequenceClassification": {"classifier.weight": (3, 12), "classifier.bias": (3,)},
    "ForMultipleChoice": {"classifier.weight": (1, 12), "classifier.bias": (1,)},
    "ForTokenClassification": {"classifier.weight": (4, 12), "classifier.bias": (4,)},
    "ForQuestionAnswering": {"qa_outputs.weight": (2, 12), "qa_outputs.bias": (2,)},
}


def inputs(task: str) -> dict[str, np.ndarray]:
    """What a task is asked, labels included: 2 texts, or 2 questions of 3 choices, 6 tokens each."""
    rng = np.random.default_rng(1)
    shape = (2, 3, 6) if task == "ForMultipleChoice" else (2, 6)
    given = {
        "input_ids": rng.integers(1, 30, shape),
        "token_type_ids": np.broadcast_to(np.arange(6) > 3, shape).astype(int),
    }
    words = rng.integers(0, 4, (2, 6))
    words[:, ::2] = -100
    labels = {
        "ForPreTraining": {"labels": words, "next_sentence_label": np.array([0, 1])},
        "ForMaskedLM": {"labels": words},
        "ForNextSentencePrediction": {"next_sentence_label": np.array([0, 1])},
        "ForSequenceClassification": {"labels": np.array([2, 0])},
        "ForMultipleChoice": {"labels": np.array([2, 0])},
        "ForTokenClassification": {"labels": words},
        "ForQuestionAnswering": {"start_positions": np.array([1, 4]), "end_positions": np.array([2, 5])},
    }
    given |= labels.get(task, {})
    return {name: values.astype(np.int32) for name, values in given.items()}


def fields(output: Any) -> dict[str, np.ndarray]:
    """Every tensor of an output by name, those of each layer numbered."""
    found: dict[str, np.ndarray] = {}
    for name, value in output.items():
        if isinstance(value, tuple):
            found |= {f"{name}.{i}": np.asarray(one) for i, one in enumerate(value)}
        else:
            found[name] = np.asarray(value)
    return found


def answered(model: Any, task: str) -> dict[str, np.ndarray]:
    """Everything a model says to its inputs."""
    return fields(model(**inputs(task), output_hidden_states=True, output_attentions=True))


def write(out: Path) -> None:
    """Make the models, ask them, and write."""
    import transformers

    rng = np.random.default_rng(0)

    def filled(task: str, weights: dict[str, np.ndarray]) -> Any:
        labels = {"num_labels": LABELS[task]} if task in LABELS else {}
        config = transformers.MobileBertConfig(**CONFIG, **labels)
        model = getattr(transformers, f"TFMobileBert{task}")(config)
        model(model.dummy_inputs)
        for variable in model.weights:
            name = variable.name.partition("/")[2]
            if name not in weights:
                centre = 1.0 if name.endswith(("LayerNorm/weight:0", "gamma:0")) else 0.0
                weights[name] = (centre + 0.4 * rng.standard_normal(variable.shape)).astype(np.float32)
            if name.endswith("decoder/weight:0"):
                weights[name] = weights["mobilebert/embeddings/word_embeddings/weight:0"]
            variable.assign(weights[name])
        return model

    shared: dict[str, np.ndarray] = {}
    first = filled("ForPreTraining", shared)
    with tempfile.TemporaryDirectory() as folder:
        first.save_pretrained(folder)
        for file in ("tf_model.h5", "config.json"):
            shutil.copyfile(Path(folder) / file, out / file)
    stored: dict[str, Any] = {}
    for task in TASKS:
        own = dict(shared)
        stored |= {
            f"answer/{task}/{name}": array for name, array in answered(filled(task, own), task).items()
        }
        for name, shape in HEADS.get(task, {}).items():
            layer, _, kind = name.partition(".")
            array = own[f"{layer}/{'kernel' if kind == 'weight' else 'bias'}:0"]
            stored[f"head/{task}/{name}"] = array.T if kind == "weight" else array
            assert stored[f"head/{task}/{name}"].shape == shape
    np.savez_compressed(out / "answers.npz", **stored)


def open_folders(folders: Path, out: Path) -> None:
    """Answer with what another program saved: a folder for each task."""
    import transformers

    stored: dict[str, Any] = {}
    for task in TASKS:
        kind = getattr(transformers, f"TFMobileBert{task}")
        model, said = kind.from_pretrained(folders / task, output_loading_info=True)
        missing = [name for name in said["missing_keys"] if "dropout" not in name]
        if missing or said["unexpected_keys"] or said["mismatched_keys"]:
            raise SystemExit(f"{task}: {missing} {said['unexpected_keys']} {said['mismatched_keys']}")
        stored |= {f"answer/{task}/{name}": array for name, array in answered(model, task).items()}
    np.savez_compressed(out / "answers.npz", **stored)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "golden")
    parser.add_argument("--open", type=Path, dest="folders")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.folders is None:
        write(arguments.out)
    else:
        open_folders(arguments.folders, arguments.out)
