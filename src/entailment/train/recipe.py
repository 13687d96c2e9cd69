"""A recipe: all that makes a trained checkpoint what it is, as one TOML file and as frozen dataclasses.

    recipe = load_recipe("minilm-l6-mnli", {"settings.epochs": 1})   # or the path of a file of your own
    print(to_toml(recipe))

A recipe is composed of small parts and inherits nothing, so that a copied file is whole:

    [model]     what training starts from, its labels and its longest input
    [data]      hub names; [local] the same from files of a folder
    [batches]   how rows are put together
    [settings]  the optimizer and the loop
    [teacher]   a model to learn from besides the rows; may be left out

The keys of a section are the fields of its dataclass (`parts.py`, `settings.py`); any other key is refused.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Literal, get_args

from entailment.errors import InputError
from entailment.train.examples import LABEL_NAMES
from entailment.train.parts import BatchPart, DataPart, ModelPart, TeacherPart
from entailment.train.settings import Settings
from entailment.train.toml import built, nearest, replaced, written

Task = Literal[
    "nli",
    "text-classification",
    "multi-label-classification",
    "regression",
    "token-classification",
    "question-answering",
    "multiple-choice",
    "masked-language-modeling",
    "next-sentence-prediction",
    "pre-training",
    "bundled",
]
TASKS: tuple[Task, ...] = get_args(Task)
LABELLED: tuple[Task, ...] = (
    "nli",
    "text-classification",
    "multi-label-classification",
    "token-classification",
)

CLASSIFYING: tuple[Task, ...] = ("nli", "text-classification")

#: The tasks that a teacher can teach.
TAUGHT: tuple[Task, ...] = ("nli", "text-classification", "masked-language-modeling", "pre-training")

#: The one recipe of the task "bundled".
BUNDLED_RECIPE = "entailment-mini"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything a training run is made of, but for the folder it lives in.

    Attributes:
        name: also the name of the model.
        description: one or two sentences for whom a list is shown.
        task: what is learnt.
        model: what it starts from.
        data: the sources by hub names; None where the recipe reads files only.
        local: the sources as files of a folder that the user names; None where it knows none.
        batches: how rows are put together.
        settings: the optimizer and the loop; its seed is also that of data and new weights.
        teacher: a model to learn from besides the rows (knowledge distillation); None for none.

    Raises:
        InputError: parts that contradict each other, by name.
    """

    name: str
    description: str = ""
    task: Task
    model: ModelPart
    data: DataPart | None = None
    local: DataPart | None = None
    batches: BatchPart = field(default_factory=lambda: BatchPart(rows=32))
    settings: Settings = field(default_factory=Settings)
    teacher: TeacherPart | None = None

    def __post_init__(self) -> None:
        if self.data is None and self.local is None:
            raise InputError("there is neither [data] nor [local]: say where the rows come from")
        if self.batches.label_smoothing and self.task not in CLASSIFYING:
            raise InputError(_for_classes("label_smoothing", self.task))
        if self.batches.r_drop:
            self._check_r_drop()
        if self.task in LABELLED and len(self.model.labels) < 2:
            raise InputError(f"task {self.task} needs model.labels: a name for each of two classes or more")
        if self.model.attention == "prefix" and self.task not in ("nli", "bundled"):
            raise InputError(f"attention is prefix, which task {self.task} does not have: it is for nli")
        if self.model.attention == "prefix" and self.task == "nli":
            self._check_prefix()
        if self.teacher is not None:
            self._check_teacher(self.teacher)

    def _check_r_drop(self) -> None:
        """Refuse what two readings of a batch cannot be compared with, or would not differ in."""
        if self.task not in CLASSIFYING:
            raise InputError(_for_classes("r_drop", self.task))
        if self.teacher is not None:
            raise InputError("r_drop and a teacher do not go together: leave one of them out")
        if self.model.dropout == 0:
            raise InputError("r_drop compares what dropout makes of a batch, and model.dropout is 0")

    def _check_prefix(self) -> None:
        """Refuse what batches of premises with their hypotheses do not have."""
        if self.model.labels != LABEL_NAMES:
            raise InputError(
                f"with prefix attention model.labels are {', '.join(LABEL_NAMES)}, in this order"
            )
        if self.batches.tokens is None or not self.batches.grouped or self.batches.label_smoothing:
            raise InputError(
                "with prefix attention batches are grouped, measured in tokens and not smoothed: "
                "[batches] has tokens = 4096, say, and neither rows nor label_smoothing"
            )

    def _check_teacher(self, teacher: TeacherPart) -> None:
        """Refuse what this task, attention or way of validating cannot be taught with."""
        if self.task not in TAUGHT:
            raise InputError(f"a teacher teaches {', '.join(TAUGHT)}, and the task is {self.task}")
        if self.model.attention == "prefix" and teacher.method != "soft-targets":
            raise InputError(
                f"method {teacher.method} compares what layers compute, and with prefix attention that is "
                'something else than with full attention: the method for it is "soft-targets"'
            )
        once = self.settings.evaluations == 1 and self.settings.evaluate_every is None
        if teacher.leaves_head and not once:
            raise InputError(
                f"with share = 1 method {teacher.method} teaches no head, so that no measure says which "
                "weights are best: set settings.evaluations = 1, which keeps the last"
            )

    def limited(self, rows: int) -> Recipe:
        """The same with at most so many rows of each source: for a trial."""
        return replace(
            self,
            data=None if self.data is None else self.data.limited(rows),
            local=None if self.local is None else self.local.limited(rows),
        )

    def stated(self, data_folder: Path | None) -> DataPart:
        """The section that a user with this data folder trains by.

        Raises:
            InputError: the recipe knows no files and a folder is given, or the other way round.
        """
        if data_folder is not None:
            if self.local is None:
                raise InputError(f"recipe {self.name} names no files for a data folder: it has no [local]")
            return self.local
        if self.data is None:
            raise InputError(f"recipe {self.name} reads files: say with --data-folder where they are")
        return self.data

    def sources(self, data_folder: Path | None) -> DataPart:
        """Where the rows come from, for a user with this data folder.

        Raises:
            InputError: the recipe knows no files and a folder is given, or the other way round.
        """
        part = self.stated(data_folder)
        return part if data_folder is None else part.under(data_folder)


def recipe_names() -> tuple[str, ...]:
    """The names of the recipes that come with the package, sorted."""
    folder = resources.files("entailment.train") / "recipes"
    return tuple(sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".toml")))


def load_recipe(
    name: str | Path, changes: Mapping[str, object] | Iterable[tuple[str, object]] = ()
) -> Recipe:
    """A recipe of the package by its name, or any other by the path of its TOML file.

    Args:
        name: "minilm-l6-mnli", or "recipes/mine.toml".
        changes: dotted key -> value, put in before anything is checked: {"settings.epochs": 1}.

    Raises:
        InputError: no such recipe, not valid TOML, or a part that is refused; the message names the key.
    """
    text, shown = _text_of(name)
    try:
        values: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{shown} is not valid TOML: {error}") from error
    for path, value in changes.items() if isinstance(changes, Mapping) else changes:
        values = replaced(values, path, value)
    recipe = built(Recipe, values, shown)
    if recipe.task == "bundled":
        _check_bundled(recipe, shown)
    return recipe


def to_toml(recipe: Recipe) -> str:
    """A recipe as the TOML that `load_recipe` reads back equal."""
    text = written(recipe)
    if recipe.task != "bundled":
        return text
    sections = text.split("\n\n")
    return "\n\n".join(part for part in sections if not part.startswith(("[batches]", "[settings]"))) + "\n"


def parse_change(text: str) -> tuple[str, object]:
    """``settings.epochs=1`` as a dotted key and a TOML value; what is no TOML value is taken as a text.

    Raises:
        InputError: there is no "=", or nothing before it.
    """
    key, equals, value = text.partition("=")
    if not equals or not all(part.strip() for part in key.split(".")):
        raise InputError(f"--set {text!r} should be KEY=VALUE, as in settings.epochs=1")
    try:
        parsed: object = tomllib.loads(f"value = {value}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        parsed = value
    return key.strip(), parsed


def _for_classes(key: str, task: Task) -> str:
    return f"{key} is for {' and '.join(CLASSIFYING)}, and the task is {task}"


def _check_bundled(recipe: Recipe, shown: str) -> None:
    """Refuse whatever `train.bundled`, which has its rounds written in it, would not do."""
    text, name = _text_of(BUNDLED_RECIPE)
    packaged = built(Recipe, tomllib.loads(text), name)
    if replace(recipe, model=replace(recipe.model, attention=packaged.model.attention)) != packaged:
        raise InputError(
            f"{shown}: of {BUNDLED_RECIPE} nothing but model.attention can be changed, for its rounds "
            "are written in entailment.train.bundled; copy another recipe for settings of your own"
        )


def _text_of(name: str | Path) -> tuple[str, str]:
    """A recipe's text, and what messages call it."""
    path = Path(name)
    if path.suffix == ".toml":
        try:
            return path.read_text(encoding="utf-8"), str(path)
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is not UTF-8: {error}") from error
    known = recipe_names()
    if str(name) not in known:
        raise InputError(
            f"there is no recipe {str(name)!r}{nearest(str(name), known)} (a file of your own ends in .toml)"
        )
    file = resources.files("entailment.train") / "recipes" / f"{name}.toml"
    return file.read_text(encoding="utf-8"), f"recipe {name}"
