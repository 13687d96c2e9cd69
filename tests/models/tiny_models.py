"""Every model class, tiny, with random weights; and what each of them is fed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from entailment.checkpoint.config import BertConfig, Config, DistilBertConfig, MobileBertConfig
from entailment.models import bert, distilbert, mobilebert, mobilebert_heads

VOCABULARY, POSITIONS = 40, 20
ARCHITECTURES = ("Bert", "DistilBert", "MobileBert")
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


def model_class(architecture: str, task: str) -> Any:
    for home in (bert, distilbert, mobilebert, mobilebert_heads):
        if hasattr(home, architecture + task):
            return getattr(home, architecture + task)
    return None


EVERY_CLASS = [(a, t) for a in ARCHITECTURES for t in TASKS if model_class(a, t) is not None]


def config(architecture: str, **settings: Any) -> Config:
    shared = {"vocab_size": VOCABULARY, "max_position_embeddings": POSITIONS, "initializer_range": 0.3}
    if architecture == "Bert":
        sizes = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=24)
        return BertConfig(**{**shared, **sizes, **settings})
    if architecture == "DistilBert":
        return DistilBertConfig(
            **{**shared, **dict(dim=16, n_layers=2, n_heads=4, hidden_dim=24), **settings}
        )
    sizes = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=12)
    return MobileBertConfig(
        **{**shared, **sizes, "embedding_size": 6, "intra_bottleneck_size": 8, **settings}
    )


def tiny(architecture: str, task: str = "Model", *, seed: int = 0, **settings: Any) -> Any:
    """A model in evaluation mode."""
    torch.manual_seed(seed)
    model: nn.Module = model_class(architecture, task)(config(architecture, **settings))
    return model.eval()


def ids(*shape: int, seed: int = 5) -> Tensor:
    return torch.randint(1, VOCABULARY, shape, generator=torch.Generator().manual_seed(seed))


def fed(task: str, length: int = 6) -> dict[str, Tensor]:
    return {"input_ids": ids(2, 3, length) if task == "ForMultipleChoice" else ids(2, length)}


def labelled(task: str, length: int = 6) -> dict[str, Tensor]:
    """What a task is fed, with labels."""
    if task == "ForQuestionAnswering":
        return {
            **fed(task, length),
            "start_positions": torch.tensor([0, 2]),
            "end_positions": torch.tensor([1, 3]),
        }
    words = task in {"ForPreTraining", "ForMaskedLM", "ForTokenClassification"}
    labels = ids(2, length, seed=6) % 2 if words else torch.tensor([1, 0])
    also = {"next_sentence_label": torch.tensor([0, 1])} if task == "ForPreTraining" else {}
    return {**fed(task, length), "labels": labels, **also}


def main_output(answer: Any) -> Tensor:
    """The tensor a task is about."""
    for name in ("logits", "prediction_logits", "start_logits", "last_hidden_state"):
        if name in answer:
            return answer[name]
    raise AssertionError(answer.keys())
