"""The names of a recipe as they stand in training.json, which goes with the model.

Where a user's files lie is nobody's business, so that of a file or folder only the last part stays:

    /home/anna/tickets/train.csv   train.csv
    runs/minilm/model              ./model
    nyu-mll/glue:mnli              nyu-mll/glue:mnli
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from entailment.checkpoint.folder import BUNDLED
from entailment.tables.reading import READABLE
from entailment.train.parts import PACKAGED, RANDOM, DataPart
from entailment.train.recipe import Recipe
from entailment.train.sources import Source


def without_folders(recipe: Recipe) -> Recipe:
    """A recipe with public names."""
    model, tokenizer, teacher = recipe.model, recipe.model.tokenizer, recipe.teacher
    if teacher is not None and teacher.model is not None:
        teacher = replace(teacher, model=public_start(teacher.model))
    return replace(
        recipe,
        model=replace(
            model,
            start=public_start(model.start),
            tokenizer=None if tokenizer is None else public_name(tokenizer),
        ),
        data=None if recipe.data is None else _data(recipe.data),
        local=None if recipe.local is None else _data(recipe.local),
        teacher=teacher,
    )


def public_start(name: str) -> str:
    """The same of a model to start or to learn from, which may be one of the words for it."""
    return name if name in (RANDOM, PACKAGED, BUNDLED) else public_name(name)


def public_name(name: str) -> str:
    """A name of the hub as it is; of a file or folder the last part.

    A folder's begins with "./", so that nobody takes it for a name of the hub.
    """
    path = Path(name).expanduser()
    if path.suffix.lower() in READABLE:
        return path.name
    # A folder may be followed by a configuration, as a data set of the hub is.
    is_folder = path.is_absolute() or path.exists() or Path(name.rpartition(":")[0] or name).exists()
    return f"./{path.name if path.name not in ('', '..') else path.resolve().name}" if is_folder else name


def _data(part: DataPart) -> DataPart:
    def public(sources: tuple[Source, ...]) -> tuple[Source, ...]:
        return tuple(replace(source, name=public_name(source.name)) for source in sources)

    return replace(
        part,
        train=public(part.train),
        validation=public(part.validation),
        evaluation=public(part.evaluation),
    )
