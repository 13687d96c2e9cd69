"""Writes golden.json, what the reference library answers for models whose weights follow from their names.

    python -m tests.models.write_golden

The test beside it needs neither this nor the reference library; the file is written anew only when a case is
added.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

GOLDEN = Path(__file__).parent / "golden.json"
BERT = dict(vocab_size=23, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=12)
DISTILBERT = dict(vocab_size=23, dim=8, n_layers=2, n_heads=2, hidden_dim=12)
MOBILEBERT = dict(BERT, embedding_size=6, intra_bottleneck_size=4, num_feedforward_networks=2)
LABELS = {"id2label": {"0": "entailment", "1": "neutral", "2": "contradiction"}, "max_position_embeddings": 9}
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("Bert", "ForPreTraining", BERT),
    ("Bert", "ForSequenceClassification", BERT | LABELS),
    ("DistilBert", "ForMaskedLM", DISTILBERT),
    ("DistilBert", "ForSequenceClassification", DISTILBERT | LABELS),
    ("MobileBert", "ForPreTraining", MOBILEBERT),
    ("MobileBert", "ForSequenceClassification", MOBILEBERT | LABELS),
    ("MobileBert", "ForQuestionAnswering", MOBILEBERT | {"normalization_type": "layer_norm"}),
    ("MobileBert", "ForTokenClassification", MOBILEBERT | LABELS | {"use_bottleneck_attention": True}),
    ("MobileBert", "ForMultipleChoice", MOBILEBERT | {"use_bottleneck": False, "trigram_input": False}),
]
IDS = [[2, 7, 11, 3, 19, 22, 3], [2, 5, 3, 9, 14, 8, 3]]
TYPES = [[0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1, 1]]


def weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers that no mistake could hide in, the same on every machine to float32's rounding."""
    size = int(np.prod(shape))
    wave = np.sin(np.arange(size, dtype=np.float64) * 1.7 + zlib.crc32(name.encode()) % 1000)
    if "LayerNorm.weight" in name or "layer_norm.weight" in name:
        return (0.8 + 0.2 * wave).reshape(shape).astype(np.float32)
    return (0.5 * wave).reshape(shape).astype(np.float32)


def main() -> None:
    """Ask the reference and write its answers."""
    import torch
    import transformers

    golden = []
    for architecture, task, settings in CASES:
        config = getattr(transformers, architecture + "Config")(**settings)
        model = getattr(transformers, architecture + task)(config).eval()
        shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(torch.from_numpy(weight(name, shapes[name])))
            given = {"input_ids": torch.tensor(IDS)}
            if architecture != "DistilBert":
                given["token_type_ids"] = torch.tensor(TYPES)
            if task == "ForMultipleChoice":
                given = {name: values[None] for name, values in given.items()}
            answer = model(**given)
        golden.append(
            {
                "architecture": architecture,
                "task": task,
                "config": {**settings, "model_type": architecture.lower()},
                "shapes": shapes,
                "answer": {name: np.round(values.numpy(), 7).tolist() for name, values in answer.items()},
            }
        )
    GOLDEN.write_text(json.dumps({"transformers": transformers.__version__, "cases": golden}) + "\n")


if __name__ == "__main__":
    main()
