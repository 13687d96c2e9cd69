"""What each task learns from and by: its columns, and the objective of a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from entailment.errors import InputError
from entailment.text.auto import AutoTokenizer
from entailment.text.tokenizer import Tokenizer
from entailment.train.objective import Objective
from entailment.train.objectives import answers, choices, following, masked, texts, tokens
from entailment.train.objectives.padded import Order
from entailment.train.objectives.pairs import PAIR, TEXT, Classification
from entailment.train.objectives.prefix import PrefixPairs
from entailment.train.r_drop import RDrop
from entailment.train.recipe import Recipe, Task
from entailment.train.source_rows import Row

#: The columns that a task's rows must have, the text that leaks are searched by first.
COLUMNS: Mapping[Task, tuple[str, ...]] = {
    "nli": (*PAIR, "label"),
    "text-classification": (*TEXT, "label"),
    "multi-label-classification": texts.COLUMNS,
    "regression": texts.COLUMNS,
    "token-classification": tokens.COLUMNS,
    "question-answering": answers.COLUMNS,
    "multiple-choice": choices.COLUMNS,
    "masked-language-modeling": masked.COLUMNS,
    "next-sentence-prediction": following.COLUMNS,
    "pre-training": following.COLUMNS,
}


def objective_of(
    recipe: Recipe, train: Sequence[Row], validation: Sequence[Row], tokenizer_folder: Path
) -> Objective[Any, Any]:
    """The objective of a recipe over rows that `gather` has read.

    Raises:
        DataFileError: a row is not what the task needs.
        InputError: the task is "bundled".
    """
    if recipe.task in ("nli", "text-classification"):
        classes = _classes(recipe, train, validation, Tokenizer.from_folder(tokenizer_folder))
        return RDrop(classes, recipe.batches.r_drop) if recipe.batches.r_drop else classes
    labels, longest, order = recipe.model.labels, recipe.model.max_length, _order(recipe)
    rows = train, validation, AutoTokenizer.from_pretrained(tokenizer_folder)
    match recipe.task:
        case "multi-label-classification":
            return texts.MultiLabel(*rows, labels=labels, max_length=longest, order=order)
        case "regression":
            return texts.Regression(*rows, max_length=longest, order=order)
        case "token-classification":
            return tokens.TokenClassification(*rows, labels=labels, max_length=longest, order=order)
        case "question-answering":
            return answers.QuestionAnswering(*rows, max_length=longest, order=order)
        case "multiple-choice":
            return choices.MultipleChoice(*rows, max_length=longest, order=order)
        case "masked-language-modeling":
            return masked.MaskedLanguageModeling(*rows, max_length=longest, order=order)
        case "next-sentence-prediction":
            return following.NextSentence(*rows, max_length=longest, order=order)
        case "pre-training":
            masking = masked.Masking(rows[2], seed=order.seed)
            return following.NextSentence(*rows, max_length=longest, order=order, masking=masking)
        case task:
            raise InputError(f"the task {task} has no objective: entailment.train.bundled learns it")


def _classes(
    recipe: Recipe, train: Sequence[Row], validation: Sequence[Row], tokenizer: Tokenizer
) -> Objective[Any, Any]:
    part, order = recipe.model, _order(recipe)
    if part.attention == "prefix" and order.tokens is not None:
        return PrefixPairs(
            train, validation, tokenizer, max_length=part.max_length, tokens=order.tokens, seed=order.seed
        )
    columns: tuple[str, ...] = PAIR if recipe.task == "nli" else TEXT
    if recipe.task == "text-classification" and texts.PAIRED in train[0]:
        columns = (*TEXT, texts.PAIRED)
    return Classification(
        train,
        validation,
        tokenizer,
        columns=columns,
        labels=part.labels,
        max_length=part.max_length,
        order=order,
        label_smoothing=recipe.batches.label_smoothing,
    )


def _order(recipe: Recipe) -> Order:
    part = recipe.batches
    return Order(rows=part.rows, tokens=part.tokens, grouped=part.grouped, seed=recipe.settings.seed)
