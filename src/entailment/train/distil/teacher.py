"""A teacher opened; one that could not teach the student is refused, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from entailment.checkpoint.config import Config
from entailment.checkpoint.folder import open_checkpoint
from entailment.checkpoint.labels import canonical
from entailment.checkpoint.quantization import fingerprint
from entailment.checkpoint.weights import read_weights
from entailment.errors import InputError
from entailment.models.filling import config_of
from entailment.models.load import load_model
from entailment.text.tokenizer import Tokenizer
from entailment.train.distil.methods import Pairs, checked_pairs, sizes
from entailment.train.parts import TeacherPart
from entailment.train.public import public_start
from entailment.train.recipe import LABELLED, Recipe
from entailment.train.starts import CLASSES


@dataclass(frozen=True)
class Teacher:
    """A teacher that fits its student.

    Attributes:
        model: its classes are in the student's order.
        part: the recipe's section.
        pairs: the layers of student and teacher that are compared.
        name: for others, without where its folder is.
        fingerprint: of its weights.
    """

    model: nn.Module
    part: TeacherPart
    pairs: Pairs
    name: str
    fingerprint: str

    def facts(self) -> dict[str, object]:
        """What training.json says of it."""
        part = self.part
        return {
            "name": self.name,
            "fingerprint": self.fingerprint,
            "method": part.method,
            "temperature": part.temperature,
            "share": part.share,
        }

    def sentence(self) -> str:
        """The same for a reader."""
        return (
            f"a teacher, {self.name} (fingerprint {self.fingerprint[:12]}), was learnt from by the method "
            f"{self.part.method}, at temperature {self.part.temperature:g}: {self.part.share:g} of the loss"
        )


def open_teacher(recipe: Recipe, part: TeacherPart, student: nn.Module, tokenizer_folder: Path) -> Teacher:
    """Open the teacher of a recipe for its student.

    Args:
        recipe: with the task and its labels.
        part: its section.
        student: the model that will be trained.
        tokenizer_folder: of the student's tokenizer, by which both will read.

    Raises:
        CheckpointError: it cannot be used, or has no head for the task.
        InputError: it is not stated, or other classes, vocabularies, lengths, layers, heads or widths than
            the student's, which the method cannot bridge.
    """
    if part.model is None:
        raise InputError(
            f"recipe {recipe.name} has no teacher yet: name a checkpoint folder or hub model, as in "
            "--set teacher.model=runs/teacher/model"
        )
    checkpoint = open_checkpoint(part.model)
    _check_reading(recipe, part.model, checkpoint.config)
    _check_vocabulary(
        part.model, Tokenizer.from_folder(checkpoint.folder), Tokenizer.from_folder(tokenizer_folder)
    )
    if recipe.task in LABELLED:
        model: nn.Module = load_model(part.model)
        _order_classes(model, recipe, part.model)
    else:
        model = _with_words(recipe, part.model, config_of(student).vocab_size)
    pairs = checked_pairs(part, sizes(student), sizes(model))
    model.requires_grad_(False)
    weights = fingerprint(read_weights(checkpoint.folder))
    return Teacher(model.eval(), part, pairs, public_start(part.model), weights)


def _check_reading(recipe: Recipe, name: str, config: Config) -> None:
    if config.attention == "prefix" and recipe.model.attention != "prefix":
        raise InputError(
            f"the teacher {name} has prefix attention, and the student full attention: what one reads, the "
            'other cannot; set model.attention to "prefix", or name another teacher'
        )
    if recipe.model.max_length > config.max_position_embeddings:
        raise InputError(
            f"model.max_length is {recipe.model.max_length}, but the teacher {name} has "
            f"{config.max_position_embeddings} positions"
        )


def _check_vocabulary(name: str, theirs: Tokenizer, ours: Tokenizer) -> None:
    """Refuse a teacher for which an id is another token."""
    one, other = _tokens(theirs), _tokens(ours)
    different = sorted(index for index in one.keys() | other.keys() if one.get(index) != other.get(index))
    if different:
        index = different[0]
        raise InputError(
            f"the teacher {name} has another vocabulary: {len(different)} ids differ, and token {index} is "
            f"{one.get(index)!r} there and {other.get(index)!r} for the student; they must mean the same"
        )


def _tokens(tokenizer: Tokenizer) -> Mapping[int, str]:
    files = tokenizer.files
    return {index: token for token, index in files.vocabulary.items()} | {
        index: added.content for index, added in files.added.items()
    }


def _order_classes(model: nn.Module, recipe: Recipe, name: str) -> None:
    """Put a teacher's classes into the student's order, by their names."""
    config = config_of(model)
    theirs = _names([config.id2label[index] for index in range(config.num_labels)], recipe)
    ours = _names(list(recipe.model.labels), recipe)
    if sorted(theirs) != sorted(ours):
        raise InputError(
            f"the teacher {name} has the classes {', '.join(theirs)}, and the recipe's are "
            f"{', '.join(ours)}: a teacher has the same ones by name, in any order"
        )
    order = [theirs.index(each) for each in ours]
    classifier = cast(Any, model).classifier
    with torch.no_grad():
        classifier.weight.copy_(classifier.weight[order].clone())
        classifier.bias.copy_(classifier.bias[order].clone())


def _names(names: list[str], recipe: Recipe) -> list[str]:
    """Names in one spelling, unless that makes two the same: of inference whatever the family's, of others
    without regard to case.
    """
    known = canonical if recipe.task == "nli" else lambda name: None
    alike = [known(name) or name.casefold() for name in names]
    return alike if len(set(alike)) == len(alike) else names


def _with_words(recipe: Recipe, name: str, vocab_size: int) -> nn.Module:
    """A teacher with the heads of pre-training."""
    model: nn.Module = CLASSES[recipe.task].from_pretrained(name)
    missing = cast(Any, model).loading_report.initialised
    if missing or (recipe.task == "pre-training" and not hasattr(model, "seq_relationship")):
        lacks = ", ".join(missing) or "next sentences"
        raise InputError(f"the teacher {name} has no head that could teach {recipe.task}: it lacks {lacks}")
    theirs = config_of(model).vocab_size
    if theirs != vocab_size:
        raise InputError(
            f"the teacher {name} has embeddings for {theirs} tokens, and the student for {vocab_size}: what "
            "tells words must have one number of them"
        )
    return model
