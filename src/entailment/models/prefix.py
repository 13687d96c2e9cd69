"""Prefix attention: the premise is read once, and every hypothesis about it reads that reading.

In `[CLS] premise [SEP] hypothesis [SEP]` a premise token attends to the premise alone; a hypothesis token
attends to the premise and to its own hypothesis, in both directions. The pair is pooled from the last [SEP],
the one token of the pair that has seen both. This is ordinary masked attention over the joined pair, with
positions 0.. and token types 0 and 1, computed without repeating the premise; the mask is a prefix LM's
(Raffel et al. 2020, arXiv:1910.10683, section 3.2.1) with a two-way second part.

Legend of shapes: P premises, L hypotheses of each, S premise tokens, T hypothesis tokens, H hidden, A heads,
D head width, K classes. Both token axes are padded on the right.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from entailment.checkpoint.config import BertConfig
from entailment.checkpoint.head_settings import head_dropout
from entailment.models import pretrained, surgery
from entailment.models.bert import BertAttention, BertEmbeddings, BertLayer
from entailment.models.initial import initialise


class PrefixBertForSequenceClassification(nn.Module):
    """The weights of `BertForSequenceClassification`; the attention and the pooled token differ."""

    config_class = BertConfig
    prefix_attention = True
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    num_parameters = surgery.num_parameters
    device = surgery.device

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = pretrained.checked(config, BertConfig)
        self.embeddings = BertEmbeddings(config)
        self.layers = nn.ModuleList(BertLayer(config) for _ in range(config.num_hidden_layers))
        self.pooler = nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout = nn.Dropout(head_dropout(config))
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        initialise(self, config.initializer_range)

    def classify(self, state: Tensor) -> Tensor:
        """Pooler and classifier on the state of the token that stands for the pair: [..., H] -> [..., K]."""
        logits: Tensor = self.classifier(self.dropout(torch.tanh(self.pooler(state))))
        return logits

    def forward(
        self, premise_ids: Tensor, premise_lengths: Tensor, hypothesis_ids: Tensor, hypothesis_lengths: Tensor
    ) -> Tensor:
        """Score L hypotheses about each of P premises.

        Args:
            premise_ids: [P, S], each `[CLS] premise [SEP]` and padding.
            premise_lengths: [P], tokens without padding.
            hypothesis_ids: [P, L, T], each `hypothesis [SEP]` and padding.
            hypothesis_lengths: [P, L], tokens without padding, at least 1.

        Returns:
            Logits [P, L, K].
        """
        S, T = premise_ids.shape[1], hypothesis_ids.shape[2]
        device = premise_ids.device
        premise_at = torch.arange(S, device=device)
        hypothesis_at = torch.arange(T, device=device)
        premise_mask = premise_at < premise_lengths[:, None]  # [P, S]
        hypothesis_mask = hypothesis_at < hypothesis_lengths[..., None]  # [P, L, T]
        # A hypothesis continues the positions of its premise, as in the joined pair. Padding is clamped into
        # the table.
        hypothesis_positions = (premise_lengths[:, None] + hypothesis_at).clamp(
            max=self.config.max_position_embeddings - 1
        )[:, None, :]  # [P, 1, T]

        zero, one = (
            torch.zeros((), dtype=torch.long, device=device),
            torch.ones((), dtype=torch.long, device=device),
        )
        premise = self.embeddings(premise_ids, premise_at, zero)  # [P, S, H]
        hypothesis = self.embeddings(hypothesis_ids, hypothesis_positions, one)  # [P, L, T, H]
        last = (hypothesis_lengths - 1)[..., None, None].expand(
            -1, -1, 1, hypothesis.shape[-1]
        )  # [P, L, 1, H]

        for i, module in enumerate(self.layers):
            layer = cast(BertLayer, module)
            final = i == len(self.layers) - 1
            attention = layer.attention
            keys, values = attention.heads(attention.key(premise)), attention.heads(attention.value(premise))
            # In the last layer only each hypothesis's [SEP] is read afterwards.
            asking = hypothesis.gather(2, last) if final else hypothesis  # [P, L, T or 1, H]
            read = attend_to_prefix(
                attention, asking, hypothesis, keys, values, premise_mask, hypothesis_mask
            )
            if not final:
                premise = layer.feed_forward(attend_to_self(attention, premise, keys, values, premise_mask))
            hypothesis = layer.feed_forward(attention.close(read, asking))
        return self.classify(hypothesis[:, :, 0])


def attend_to_self(
    attention: BertAttention, premise: Tensor, keys: Tensor, values: Tensor, mask: Tensor
) -> Tensor:
    """Ordinary self-attention of the premise, from keys and values [P, A, S, D] at hand: [P, S, H] -> [P, S,
    H].

    Written out rather than fused: on a CPU in bfloat16 the fused kernel's backward pass is the slower one.
    """
    queries = attention.heads(attention.query(premise)) / math.sqrt(keys.shape[-1])
    scores = queries @ keys.transpose(-1, -2)  # [P, A, S, S]
    weights = scores.masked_fill(~mask[:, None, None, :], torch.finfo(scores.dtype).min).softmax(-1)
    weights = F.dropout(weights, attention.probability_dropout, attention.training)
    return attention.close((weights @ values).transpose(1, 2).flatten(-2), premise)


def attend_to_prefix(
    attention: BertAttention,
    asking: Tensor,
    hypothesis: Tensor,
    premise_keys: Tensor,
    premise_values: Tensor,
    premise_mask: Tensor,
    hypothesis_mask: Tensor,
) -> Tensor:
    """What each asking token reads from the premise and its own hypothesis, in one softmax over both.

    Args:
        attention: the layer's attention.
        asking: [P, L, Q, H], the hypothesis tokens that ask.
        hypothesis: [P, L, T, H], the hypothesis tokens that answer.
        premise_keys: [P, A, S, D].
        premise_values: [P, A, S, D].
        premise_mask: [P, S], True for tokens.
        hypothesis_mask: [P, L, T], True for tokens.

    Returns:
        [P, L, Q, H], before the output projection.
    """
    _, L, Q, H = asking.shape
    S, A = premise_keys.shape[2], attention.num_heads

    def heads(x: Tensor) -> Tensor:  # [P, L, T, H] -> [P, L, A, T, D]
        return x.unflatten(-1, (A, -1)).transpose(2, 3)

    queries = heads(attention.query(asking)) / math.sqrt(H // A)  # [P, L, A, Q, D]
    # The premise's keys are shared: all hypotheses of a premise ask them as one long block of queries.
    shared = queries.transpose(1, 2).flatten(2, 3)  # [P, A, L*Q, D]
    to_premise = shared @ premise_keys.transpose(-1, -2)  # [P, A, L*Q, S]
    to_premise = to_premise.unflatten(2, (L, Q)).transpose(1, 2)  # [P, L, A, Q, S]
    to_own = queries @ heads(attention.key(hypothesis)).transpose(-1, -2)  # [P, L, A, Q, T]

    hidden = torch.finfo(to_own.dtype).min
    to_premise = to_premise.masked_fill(~premise_mask[:, None, None, None, :], hidden)
    to_own = to_own.masked_fill(~hypothesis_mask[:, :, None, None, :], hidden)
    weights = torch.cat([to_premise, to_own], dim=-1).softmax(-1)  # [P, L, A, Q, S+T]
    weights = F.dropout(weights, attention.probability_dropout, attention.training)
    on_premise, on_own = weights.split([S, hypothesis.shape[2]], dim=-1)

    from_premise = on_premise.transpose(1, 2).flatten(2, 3) @ premise_values  # [P, A, L*Q, D]
    from_own = on_own @ heads(attention.value(hypothesis))  # [P, L, A, Q, D]
    context = from_premise.unflatten(2, (L, Q)).transpose(1, 2) + from_own
    return context.transpose(2, 3).flatten(-2)  # [P, L, Q, H]
