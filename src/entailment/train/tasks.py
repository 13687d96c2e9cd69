"""What each task learns from and by: its columns, and the objective of a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from entailment.errors import InputError
from entailment.text.auto import AutoTokenizer
from entailment.text.tokenizer import Tokenizer
from entailment.train.objective import Objective
from entailment.train.objectives import answers, choices, masked, texts, tokens
from entailment.train.objectives.pairs import PAIR, TEXT, Classification
from entailment.train.objectives.prefix import PrefixPairs
from entailment.train.recipe import Recipe, Task

Row = Mapping[str, object]

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
}


def objective_of(
    recipe: Recipe, train: Sequence[Row], validation: Sequence[Row], tokenizer_folder: Path
) -> Objective[Any, Any]:
    """The objective of a recipe over rows that `gather` has read.

    Raises:
        DataFileError: a row is not what the task needs.
        InputError: the task is "bundled".
    """
    part, batches, seed = recipe.model, recipe.batches, recipe.settings.seed
    if recipe.task in ("nli", "text-classification"):
        return _classes(recipe, train, validation, Tokenizer.from_folder(tokenizer_folder))
    shared: dict[str, Any] = {
        "max_length": part.max_length,
        "rows": batches.rows,
        "tokens": batches.tokens,
        "grouped": batches.grouped,
        "seed": seed,
    }
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    match recipe.task:
        case "multi-label-classification":
            return texts.MultiLabel(train, validation, tokenizer, labels=part.labels, **shared)
        case "regression":
            return texts.Regression(train, validation, tokenizer, **shared)
        case "token-classification":
            return tokens.TokenClassification(train, validation, tokenizer, labels=part.labels, **shared)
        case "question-answering":
            return answers.QuestionAnswering(train, validation, tokenizer, **shared)
        case "multiple-choice":
            return choices.MultipleChoice(train, validation, tokenizer, **shared)
        case "masked-language-modeling":
            return masked.MaskedLanguageModeling(train, validation, tokenizer, **shared)
        case task:
            raise InputError(f"the task {task} has no objective: entailment.train.bundled learns it")


def _classes(
    recipe: Recipe, train: Sequence[Row], validation: Sequence[Row], tokenizer: Tokenizer
) -> Objective[Any, Any]:
    part, batches, seed = recipe.model, recipe.batches, recipe.settings.seed
    if part.attention == "prefix" and batches.tokens is not None:
        return PrefixPairs(
            train, validation, tokenizer, max_length=part.max_length, tokens=batches.tokens, seed=seed
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
        rows=batches.rows,
        tokens=batches.tokens,
        grouped=batches.grouped,
        label_smoothing=batches.label_smoothing,
        seed=seed,
    )
