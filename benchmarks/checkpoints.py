"""Checkpoint folders of the sizes that are compared; made once, under build/.

`minilm` has the weights of the bundled model and says nothing of prefix attention, so that every library
opens it as the ordinary cross-encoder it is in shape. The other sizes have random weights: speed does not
depend on them. All have the bundled tokenizer.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from entailment.checkpoint.config import BertConfig, Config, MobileBertConfig
from entailment.checkpoint.folder import Checkpoint, open_checkpoint
from entailment.checkpoint.names import arrays_of, checkpoint_name

CLASSES = {0: "entailment", 1: "neutral", 2: "contradiction"}
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")

Arrays = Mapping[str, np.ndarray]


def bundled() -> Path:
    """The folder of the model in the package: MiniLM-L6, prefix attention, trained."""
    return open_checkpoint(None).folder


def minilm(work: Path) -> Path:
    """MiniLM-L6 as an ordinary cross-encoder, float32."""
    checkpoint = open_checkpoint(None)
    if not isinstance(checkpoint.config, BertConfig):
        raise TypeError("the bundled model is no BERT any more: these benchmarks compare it as one")
    config = replace(checkpoint.config, attention="full", extra={})
    return _write(work / "minilm", config, checkpoint.weights(), checkpoint)


def bert_base(work: Path) -> Path:
    """BERT_BASE: 12 layers of width 768."""
    config = BertConfig(
        hidden_size=768,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=3072,
        id2label=CLASSES,
        architectures=("BertForSequenceClassification",),
    )
    return _random(work / "bert-base", config)


def mobilebert(work: Path) -> Path:
    """MobileBERT as google/mobilebert-uncased has it: 24 layers, bottlenecks of width 128."""
    config = MobileBertConfig(id2label=CLASSES, architectures=("MobileBertForSequenceClassification",))
    return _random(work / "mobilebert", config)


def _random(folder: Path, config: Config) -> Path:
    rng = np.random.default_rng(0)
    arrays = {}
    for name, (_, shape) in arrays_of(config).items():
        if name.endswith("norm.weight"):
            arrays[name] = np.ones(shape, np.float32)
        elif len(shape) == 1:
            arrays[name] = np.zeros(shape, np.float32)
        else:
            arrays[name] = 0.02 * rng.standard_normal(shape, dtype=np.float32)
    return _write(folder, config, arrays, open_checkpoint(None))


def _write(folder: Path, config: Config, arrays: Arrays, tokenizer: Checkpoint) -> Path:
    """Write a folder, or leave the one that is there."""
    if folder.is_dir():
        return folder
    unfinished = folder.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    config.save_pretrained(unfinished)
    named = {checkpoint_name(name, config): np.ascontiguousarray(array) for name, array in arrays.items()}
    save_file(named, unfinished / "model.safetensors", metadata={"format": "pt"})
    for name in TOKENIZER:
        shutil.copy(tokenizer.folder / name, unfinished / name)
    return unfinished.rename(folder)
