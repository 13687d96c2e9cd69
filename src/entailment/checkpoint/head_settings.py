"""What the task heads, in torch and in Keras, read from a configuration."""

from __future__ import annotations

from entailment.checkpoint.config import BertConfig, Config, MobileBertConfig
from entailment.errors import UnsupportedModelError


def head_dropout(config: BertConfig | MobileBertConfig) -> float:
    """Dropout before a classifier: its own, or the encoder's where it has none."""
    return config.hidden_dropout_prob if config.classifier_dropout is None else config.classifier_dropout


def two_labels(config: Config) -> int:
    """The two outputs of question answering, where an answer starts and where it ends.

    Raises:
        UnsupportedModelError: the configuration has another number of labels.
    """
    if config.num_labels != 2:
        raise UnsupportedModelError(
            f"question answering has 2 labels, start and end, but the configuration has {config.num_labels}: "
            "give num_labels=2"
        )
    return 2
