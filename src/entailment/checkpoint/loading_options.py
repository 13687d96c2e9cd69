"""What `from_pretrained` of a model takes by name, in torch and Keras, and the checkpoint that it opens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypedDict

from entailment.checkpoint.arguments import refuse_unknown
from entailment.checkpoint.config import CONFIGS, Config
from entailment.checkpoint.folder import Checkpoint, open_checkpoint
from entailment.checkpoint.open_config import changed, settings_of
from entailment.errors import InputError

ANY = "a BertConfig, DistilBertConfig or MobileBertConfig"

#: What the configuration of some architecture may be told by name.
SETTINGS = frozenset().union(*map(settings_of, CONFIGS.values()))


class SharedOptions(TypedDict, total=False):
    """Arguments of `from_pretrained` beside the name; what is left out or None is as the checkpoint says.

    Beside these it takes every setting of the checkpoint's configuration; here are those that change a model
    without changing its weights.

    Attributes:
        config: instead of the checkpoint's own.
        revision: branch, tag or commit of a hub name.
        cache_dir: where downloads are kept.
        local_files_only: open no connection.
        token: of the hub; None for that of `hf auth login` or `HF_TOKEN`, False for none at all.
        num_labels: classes of the head, where the checkpoint's own number is not wanted.
        id2label: names of the classes.
        label2id: the way back.
        problem_type: "regression", "single_label_classification" or "multi_label_classification".
        output_attentions: return attentions unless a call says otherwise.
        output_hidden_states: return hidden states unless a call says otherwise.
        return_dict: False: return tuples unless a call says otherwise.
        hidden_dropout_prob, attention_probs_dropout_prob, classifier_dropout: of BERT and MobileBERT.
        dropout, attention_dropout, qa_dropout, seq_classif_dropout: of DistilBERT.
        ignore_mismatched_sizes: initialise and report a head whose shapes differ, instead of refusing it.
    """

    config: Config | None
    revision: str | None
    cache_dir: str | Path | None
    local_files_only: bool
    token: str | bool | None
    num_labels: int | None
    id2label: Mapping[int, str] | None
    label2id: Mapping[str, int] | None
    problem_type: str | None
    output_attentions: bool | None
    output_hidden_states: bool | None
    return_dict: bool | None
    hidden_dropout_prob: float | None
    attention_probs_dropout_prob: float | None
    classifier_dropout: float | None
    dropout: float | None
    attention_dropout: float | None
    qa_dropout: float | None
    seq_classif_dropout: float | None
    ignore_mismatched_sizes: bool


def is_config(config: Config, expected: str = ANY) -> Config:
    """The configuration of any architecture, if it is one.

    Raises:
        InputError: it is something else than was `expected`, the name of a checkpoint perhaps.
    """
    if not isinstance(config, Config):
        raise InputError(
            f"config must be {expected}, not {config!r:.80}; AutoConfig.from_pretrained opens that of a "
            "checkpoint"
        )
    return config


def opened(
    name: str | Path | None, options: SharedOptions, known: Iterable[str], expected: str = ANY
) -> tuple[Checkpoint, Config]:
    """The checkpoint of a name, and its configuration with what the caller said otherwise.

    Args:
        name: a folder, a hub name, or None for the model inside the package.
        options: as they were given.
        known: the names that there are.
        expected: which configurations there may be, for a message.

    Raises:
        CheckpointError: the folder cannot be used, or a value is wrong.
        InputError: an option that there is not, or a configuration that is none.
    """
    stated = {key: value for key, value in options.items() if key in SETTINGS and value is not None}
    loading = {key: value for key, value in options.items() if key not in SETTINGS}
    refuse_unknown(loading, {*known, "output_loading_info"}, "from_pretrained of a model")
    checkpoint = open_checkpoint(
        name,
        revision=options.get("revision"),
        cache_dir=options.get("cache_dir"),
        offline=options.get("local_files_only", False),
        token=options.get("token"),
    )
    given = options.get("config")
    config = is_config(checkpoint.config if given is None else given, expected)
    for other in stated.keys() - settings_of(type(config)):
        raise InputError(f"{other} is no setting of a {config.model_type}, as {checkpoint.name} is one")
    return checkpoint, changed(config, stated)
