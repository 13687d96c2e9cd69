"""How large a model is and how much it computes, from its configuration alone.

What is counted, and how it compares with what Sun et al. 2020, "MobileBERT" (arXiv:2004.02984) state, at 128
tokens:

    `parameters`   every number in the arrays of a sequence classifier: embeddings, encoder, pooler and head
    `flops`        every arithmetic operation, one each, of the same forward: a multiplication and an addition
                   are two, and a product of [m, k] with [k, n] is 2 m k n. Biases, norms, activations,
                   softmax and residual sums count as well; looking rows up does not

    model                          parameters    paper      FLOPs      paper
    BERT_BASE                         109.5 M    109 M    22.42 B     22.5 B
    MobileBERT                         24.8 M   25.3 M     5.43 B      5.7 B
    MobileBERT, keys unshared          25.6 M   25.3 M     5.63 B      5.7 B
    IB-BERT, the teacher              294.5 M    293 M

How the paper counted we can only infer. Its BERT_BASE leaves no doubt that an addition and a multiplication
are two. Its MobileBERT is larger than the published checkpoint, by 2 % and 5 %. That one computes queries and
keys from a shared bottleneck of width 128; where they read the state of width 512 themselves
(`key_query_shared_bottleneck=False`, third row; 25.36 M without pooler and head) both figures are met within
1.3 %, so that may be what was counted.
"""

from __future__ import annotations

from math import prod

from entailment.checkpoint.config import Config, DistilBertConfig, MobileBertConfig
from entailment.checkpoint.fields import ACTIVATIONS
from entailment.checkpoint.names import arrays_of

#: Operations on one number: gelu(x) = x / 2 * (1 + erf(x / sqrt 2)), and so on; erf, tanh and exp are one.
ACTIVATION = {"gelu": 5, "gelu_tanh": 9, "relu": 1, "silu": 4, "tanh": 1}

#: Of one number: mean, centring, square, variance, division, factor and shift.
LAYER_NORM = 7

#: Of one number: factor and shift.
NO_NORM = 2

#: Of one attention score: scaling, maximum, subtraction, exp, sum, division.
SCORE = 6

#: What is computed of one token of a text only.
HEAD = ("pooler", "pre_classifier", "classifier")


def parameters(config: Config) -> int:
    """Every number in the arrays of a sequence classifier of this configuration."""
    return sum(prod(shape) for _, shape in arrays_of(config).values())


def flops(config: Config, tokens: int = 128) -> int:
    """Arithmetic operations of one forward of a sequence classifier over one text.

    Args:
        config: the architecture; attention is counted as full.
        tokens: how many tokens the text has.
    """
    once = per_token = 0
    for name, (_, shape) in arrays_of(config).items():
        if name.startswith(HEAD):
            once += _linear(name, shape, config)
        elif name.endswith("norm.weight"):
            per_token += shape[0] * _norm(config)
        elif not name.startswith("embeddings") or _widens(name, config):
            per_token += _linear(name, shape, config)
    per_token += config.hidden_size * (1 if isinstance(config, DistilBertConfig) else 2)  # embeddings summed
    width = config.true_hidden_size if isinstance(config, MobileBertConfig) else config.hidden_size
    products = 2 * 2 * width  # of a token with each other: its scores, and what it reads
    per_pair = config.num_hidden_layers * (products + SCORE * config.num_attention_heads)
    return once + tokens * per_token + tokens**2 * per_pair


def _linear(name: str, shape: tuple[int, ...], config: Config) -> int:
    """Product, bias, and what follows the layer of this weight: an activation or a residual sum."""
    if not name.endswith(".weight") or len(shape) != 2:
        return 0
    outputs, inputs = shape
    behind = 0
    if name.endswith(".up.weight"):
        hidden_act = config.activation if isinstance(config, DistilBertConfig) else config.hidden_act
        behind = ACTIVATION[ACTIVATIONS[hidden_act]]
    elif name.endswith((".down.weight", "attention.output.weight", "bottleneck.output.weight")):
        behind = 1  # the residual
    elif name.startswith(("pooler", "pre_classifier")):
        behind = 1  # tanh, relu
    return outputs * (2 * inputs + 1 + behind)


def _norm(config: Config) -> int:
    no_norm = isinstance(config, MobileBertConfig) and config.normalization_type == "no_norm"
    return NO_NORM if no_norm else LAYER_NORM


def _widens(name: str, config: Config) -> bool:
    """Whether this is the layer behind MobileBERT's word embeddings, and used: it may be there and not be."""
    return (
        isinstance(config, MobileBertConfig)
        and name == "embeddings.transformation.weight"
        and (config.trigram_input or config.embedding_size != config.hidden_size)
    )
