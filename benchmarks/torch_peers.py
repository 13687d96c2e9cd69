"""Peers that run in PyTorch: transformers, its zero-shot pipeline, and sentence-transformers' CrossEncoder.

The number of threads is that of the process: `torch.set_num_threads`, which the command calls once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.scoring import Inputs, Logits, PairTokenizer, Peer
from benchmarks.workloads import Pair

Classify = Callable[[Sequence[str], Sequence[str], str, int], object]


class PairLogits(nn.Module):
    """A model of transformers as a function of three tensors [B, T]: what exporters take."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        from transformers import AutoModelForSequenceClassification

        self.model: Any = AutoModelForSequenceClassification.from_pretrained(str(folder)).eval()

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Logits [B, K]."""
        logits: Tensor = self.model(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).logits
        return logits


class PrefixPairLogits(nn.Module):
    """The bundled model as a function of the same tensors: a mask over the joined pair does what prefix
    attention does. It is what the accuracy of the peers' conversions is measured on, so that all of them
    have the same trained weights as ours.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        from transformers import BertForSequenceClassification

        self.model: Any = BertForSequenceClassification.from_pretrained(str(folder)).eval()

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Logits [B, K]."""
        asking, read = token_type_ids[:, :, None], token_type_ids[:, None, :]  # [B, T, 1], [B, 1, T]
        seen = (read <= asking) & (attention_mask[:, None, :] > 0)  # [B, T, T]
        scores = (~seen)[:, None].to(torch.float32) * -1e9  # [B, 1, T, T]
        bert = self.model.bert
        state = bert.embeddings(input_ids=input_ids, token_type_ids=token_type_ids)
        for layer in bert.encoder.layer:
            found = layer(state, scores)
            state = found[0] if isinstance(found, tuple) else found
        last = (attention_mask.sum(dim=1) - 1)[:, None, None].expand(-1, 1, state.shape[-1])
        pooled = torch.tanh(bert.pooler.dense(state.gather(1, last)[:, 0]))
        logits: Tensor = self.model.classifier(pooled)
        return logits


def transformers_scoring(folder: Path, module: nn.Module | None = None) -> Peer:
    """A model called as its documentation calls it, with the tokenizer's padded batches."""
    model = PairLogits(folder) if module is None else module

    def forward(inputs: Inputs) -> Logits:
        with torch.inference_mode():
            logits: Logits = model(*(torch.from_numpy(array) for array in inputs.values())).numpy()
        return logits

    return Peer("transformers", "float32", {"": PairTokenizer(folder).score(forward)})


def cross_encoder(folder: Path) -> Peer:
    """`CrossEncoder.predict`, which sorts by length itself."""
    from sentence_transformers import CrossEncoder

    encoder = CrossEncoder(str(folder), device="cpu")

    def score(pairs: Sequence[Pair], batch_size: int) -> Logits:
        return np.asarray(encoder.predict(list(pairs), batch_size=batch_size), dtype=np.float32)

    return Peer("sentence-transformers CrossEncoder", "float32", {"": score})


def zero_shot_pipeline(folder: Path) -> Classify:
    """The pipeline, from texts, labels, template and batch size to its answers."""
    from transformers import pipeline

    classifier = pipeline("zero-shot-classification", model=str(folder), device="cpu")

    def classify(texts: Sequence[str], labels: Sequence[str], template: str, batch_size: int) -> object:
        return classifier(list(texts), list(labels), hypothesis_template=template, batch_size=batch_size)

    return classify
