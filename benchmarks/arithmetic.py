"""How many operations of matrix products a batch takes: what a share of the machine's peak is a share of.

Two counts. `nominal` is the whole network on every token. `performed` leaves out what our graph does not
compute: in the last layer only the tokens that pairs are pooled from ask, so queries, attention output and
feed-forward network run for one token of a pair, keys and values for all. A product [m, k] x [k, n] counts as
2 m k n; norms, activations and softmax count as nothing, which is why 100 % cannot be reached.
"""

from __future__ import annotations

from entailment.checkpoint.config import BertConfig


def nominal(config: BertConfig, tokens: int) -> int:
    """Operations of one pair of so many tokens, full attention, all layers on all tokens."""
    return config.num_hidden_layers * _layer(config, asking=tokens, tokens=tokens) + _head(config)


def performed(config: BertConfig, tokens: int) -> int:
    """Operations of one pair of so many tokens as our graph computes it."""
    whole = (config.num_hidden_layers - 1) * _layer(config, asking=tokens, tokens=tokens)
    return whole + _layer(config, asking=1, tokens=tokens) + _head(config)


def _layer(config: BertConfig, *, asking: int, tokens: int) -> int:
    H, I = config.hidden_size, config.intermediate_size  # noqa: E741
    keys_and_values = 2 * H * H * tokens
    query_and_output = 2 * H * H * asking
    feed_forward = 2 * H * I * asking
    attention = 2 * H * asking * tokens  # scores, and what they read
    return 2 * (keys_and_values + query_and_output + feed_forward + attention)


def _head(config: BertConfig) -> int:
    return 2 * (config.hidden_size**2 + config.hidden_size * config.num_labels)
