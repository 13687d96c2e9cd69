"""Tiny models of every head with the tiny vocabulary, and a few steps of learning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tests.tiny import tiny_tokenizer, tiny_vocabulary
from torch import nn

from entailment.checkpoint.config import BertConfig
from entailment.models import bert
from entailment.text.auto import AutoTokenizer
from entailment.text.hub_tokenizers import FastTokenizer, SlowTokenizer
from entailment.train.objective import Objective

Tokenizer = SlowTokenizer | FastTokenizer


def tokenizer_in(folder: Path) -> Tokenizer:
    return AutoTokenizer.from_pretrained(tiny_tokenizer(folder))


def tiny_head(task: str, labels: Sequence[str] = (), **settings: Any) -> nn.Module:
    """`BertFor<task>` with random weights, without dropout."""
    torch.manual_seed(0)
    sizes = dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=4, intermediate_size=64)
    named = {"id2label": dict(enumerate(labels))} if labels else {}
    config = BertConfig(
        vocab_size=len(tiny_vocabulary()),
        max_position_embeddings=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.1,
        **{**sizes, **named, **settings},
    )
    model: nn.Module = getattr(bert, f"BertFor{task}")(config)
    return model.eval()


def measured(objective: Objective[nn.Module, Any], model: nn.Module) -> dict[str, float]:
    with torch.inference_mode():
        return objective.validate(model)


def learn(objective: Objective[nn.Module, Any], model: nn.Module, *, epochs: int, rate: float = 3e-3) -> None:
    """A few passes of AdamW."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    for epoch in range(epochs):
        for members in objective.plan(epoch):
            optimizer.zero_grad()
            objective.loss(model, objective.batch(epoch, members)).backward()
            optimizer.step()
