"""Tiny students and teachers of every shape, for the tests of distillation."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.tiny import NLI_LABELS, tiny_tokenizer, tiny_vocabulary
from tests.train.texts import nli_rows, words, write_jsonl
from torch import nn

from entailment.checkpoint.config import BertConfig, Config, DistilBertConfig, MobileBertConfig
from entailment.models.pretrained import save_pretrained
from entailment.train.recipe import Recipe, Task, load_recipe
from entailment.train.starts import CLASSES

V = len(tiny_vocabulary())
COMMON = {"vocab_size": V, "max_position_embeddings": 64, "initializer_range": 0.2}
MOBILE: dict[str, Any] = {
    **COMMON,
    "num_hidden_layers": 2,
    "hidden_size": 32,
    "embedding_size": 12,
    "intra_bottleneck_size": 16,
    "intermediate_size": 24,
}


def bert(*, layers: int = 2, hidden: int = 32, heads: int = 4, **settings: Any) -> BertConfig:
    sizes = {"num_hidden_layers": layers, "hidden_size": hidden, "num_attention_heads": heads}
    return BertConfig(**{**COMMON, **sizes, "intermediate_size": 48, **settings})


def distilbert(*, layers: int = 2, hidden: int = 32, heads: int = 4, **settings: Any) -> DistilBertConfig:
    sizes = {"n_layers": layers, "dim": hidden, "n_heads": heads, "hidden_dim": 48}
    return DistilBertConfig(**{**COMMON, **sizes, **settings})


def mobilebert(**settings: Any) -> MobileBertConfig:
    return MobileBertConfig(**{**MOBILE, "initializer_range": 0.1, **settings})


def ib_bert(**settings: Any) -> MobileBertConfig:
    wide = {"intra_bottleneck_size": 48, "intermediate_size": 40}
    return replace(MobileBertConfig.ib_bert_teacher(), **{**MOBILE, **wide, **settings})


def made(config: Config, task: Task, labels: tuple[str, ...] = NLI_LABELS) -> nn.Module:
    """A model of a task with random weights."""
    if task in ("nli", "text-classification"):
        config = config.with_labels(labels)
    model: nn.Module = CLASSES[task].from_config(config)
    return model.eval()


def saved(
    folder: Path, config: Config, task: Task = "nli", labels: tuple[str, ...] = NLI_LABELS, **tokenizer: bool
) -> Path:
    """The same in a folder."""
    save_pretrained(made(config, task, labels), folder)
    return tiny_tokenizer(folder, **tokenizer)


def write_rows(folder: Path, task: Task) -> Path:
    """Rows of a task, for --data-folder."""
    for name, count, seed in (("train", 48, 1), ("validation", 16, 2)):
        draw = random.Random(seed)
        text = ({"text": words(draw, 10), "label": ("no", "yes")[i % 2]} for i in range(count))
        write_jsonl(folder / f"{name}.jsonl", nli_rows(count, seed=seed) if task == "nli" else text)
    return folder


def recipe(task: Task, teacher: Path | None, changes: dict[str, object]) -> Recipe:
    """A quick recipe with a teacher; `changes` name the student, the method and whatever else."""
    files = {part: [{"name": f"{part}.jsonl"}] for part in ("train", "validation")}
    base: dict[str, object] = {
        "local": files,
        "model.max_length": 48,
        "model.dropout": 0.0,
        "batches": {"rows": 8},
        "settings": {"learning_rate": 1e-3, "max_steps": 4, "evaluations": 2},
    }
    if teacher is not None:
        base["teacher.model"] = str(teacher)
    return load_recipe("distilbert-mnli" if task == "nli" else task, {**base, **changes})


def random_start(config: Config, tokenizer: Path) -> dict[str, object]:
    """What makes a recipe start from new weights of a configuration."""
    stated = {k: v for k, v in config.to_dict().items() if k in type(config).__dataclass_fields__}
    kept = {k: v for k, v in stated.items() if isinstance(v, int | float | str | bool)}
    return {
        "model.start": "random",
        "model.config": {**kept, "model_type": config.model_type},
        "model.tokenizer": str(tokenizer),
    }
