"""What a trained folder records, for the tests of model cards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from huggingface_hub import EvalResult, ModelCard, ModelCardData
from safetensors.numpy import load_file, save_file
from tests.tiny import tiny_bert

#: As `entail train` writes it.
TRAINING: dict[str, Any] = {
    "name": "tiny-nli",
    "recipe": {
        "name": "tiny-nli",
        "description": "A tiny encoder on pairs.",
        "task": "nli",
        "model": {"start": "google/bert_tiny", "labels": ["entailment"], "max_length": 64, "dropout": None},
        "data": {"train": [{"name": "nyu-mll/glue:mnli"}]},
        "local": {"train": [{"name": "nli/train.parquet"}]},
        "batches": {"rows": 32, "grouped": True},
        "settings": {"learning_rate": 2e-5, "betas": [0.9, 0.999], "max_steps": None, "seed": 42},
    },
    "command": "entail train tiny-nli --out out",
    "base_model": "google/bert_tiny",
    "new_weights": ["classifier.weight"],
    "task": "nli",
    "labels": ["entailment", "neutral", "contradiction"],
    "notes": ["float16 is not to be had on a CPU; bfloat16 is used"],
    "data": {
        "train": [
            {
                "name": "nyu-mll/glue:mnli",
                "split": "train",
                "revision": None,
                "rows": 10_000,
                "kept": 9_900,
                "dropped": {"duplicate": 88, "unlabelled": 12, "in evaluation set": 0},
                "licence": "cc-by-3.0",
            },
            {
                "name": "/home/somebody/own.jsonl",
                "split": None,
                "revision": None,
                "rows": 10,
                "kept": 10,
                "dropped": {},
                "licence": None,
            },
        ],
        "validation": [{"name": "stanfordnlp/snli", "split": "validation", "rows": 50, "kept": 50}],
    },
    "run": {
        "steps": 100,
        "total": 200,
        "best": {"loss": 0.5, "accuracy": 0.8125, "score": 0.8125, "step": 90.0},
        "seconds": 4000.5,
        "tokens": 123_456,
        "evaluations": [{"step": 50.0, "loss": 0.75}, {"step": 100.0, "loss": 0.5, "accuracy": 0.8125}],
        "energy": {"kwh": 0.125, "carbon_kg": None, "cpu_method": "constant"},
        "hardware": {"device": "cpu", "name": "Some Processor", "threads": 2},
        "versions": {"python": "3.11.9", "torch": "2.4.1"},
    },
}

#: As `entail evaluate --json` prints it, and more than a card shows.
MEASURED: dict[str, Any] = {
    "count": 3000,
    "accuracy": 0.71234,
    "macro_precision": 0.7,
    "macro_recall": 0.69,
    "macro_f1": 0.695,
    "weighted_f1": 0.71,
    "loss": 0.61,
    "classes": ["entailment", "neutral", "contradiction"],
    "per_class": {},
    "confusion_matrix": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "ece": 0.0321,
    "seconds": 1.0,
    "samples_per_second": 3000.0,
}


def trained(folder: Path, training: object = TRAINING, **model: Any) -> Path:
    """A checkpoint folder with what was recorded of its training; None for nothing."""
    tiny_bert(folder, **model)
    if training is not None:
        write(folder / "training.json", training)
    return folder


def report(path: Path, *, model: str = "model", data: str = "pairs.jsonl", **subject: object) -> Path:
    """A report.json as `entail evaluate --report` writes it."""
    described = {"model": model, "data": data, "task": "nli", "version": "0.1.0", **subject}
    return write(path, {"subject": described, "evaluation": MEASURED, "bins": [], "groups": []})


def write(path: Path, value: object) -> Path:
    """JSON into a file, which is returned."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def spoil(folder: Path) -> str:
    """Put a NaN among the weights, as a training that diverged does; returns the tensor's name."""
    path = folder / "model.safetensors"
    weights = load_file(path)
    name = next(name for name in weights if name.endswith("classifier.bias"))
    weights[name][0] = np.nan
    save_file(weights, path)
    return name


def hub_reads(text: str) -> ModelCardData:
    """The metadata of a card, as the hub's own parser takes it."""
    data = ModelCard(text).data
    assert isinstance(data, ModelCardData)
    return data


def results_of(text: str) -> list[EvalResult]:
    """The results in the metadata of a card."""
    return hub_reads(text).eval_results or []
