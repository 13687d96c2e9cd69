"""Labels as a source spells them -> as the recipe names them, checked; numbers are never guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches

from entailment.errors import LabelsError

UNLABELLED = None
"""What `label_reader` makes of a row that annotators could not agree on, or whose label is kept secret."""

LabelReader = Callable[[object, int], object]


def label_reader(
    name: str,
    label_names: Sequence[str] | None,
    class_names: Sequence[str],
    stated: Mapping[str, str],
) -> LabelReader:
    """A function of a row's label and number that gives the recipe's name for it, or UNLABELLED.

    A list of labels is read one by one. -1 where labels are classes, "-", "" and a missing value are
    unlabelled.

    Args:
        name: the source's, for messages.
        label_names: what the recipe calls its classes; None takes labels as they stand, numbers too.
        class_names: what the source's own numbers mean, by index; empty where it does not say.
        stated: their spelling -> ours.

    Raises:
        LabelsError: at once where `stated` names a class that the source or the recipe does not have, or a
            class of the source has no counterpart; from the reader for a label that has none.
    """
    for theirs, ours in stated.items():
        if class_names and theirs not in class_names:
            raise LabelsError(
                f"labels of {name} maps {theirs!r}, but its classes are {_quoted(class_names)}"
                f"{_near(theirs, class_names)}"
            )
        if label_names is not None and ours not in label_names:
            raise LabelsError(
                f"labels of {name} maps {theirs!r} to {ours!r}, but the recipe's labels are "
                f"{_quoted(label_names)}{_near(ours, label_names)}"
            )
    folded = {_fold(label): label for label in label_names or ()}

    def named(label: str, where: str) -> str:
        if label in stated:
            return stated[label]
        if label_names is None:
            return label
        if _fold(label) in folded:
            return folded[_fold(label)]
        raise LabelsError(
            f"{where} has the label {label!r:.100}, which is none of {_quoted(label_names)}: say what it is "
            f"with labels = {{ {label!r} = ... }}"
        )

    meaning = [named(label, f"{name}, class {index},") for index, label in enumerate(class_names)]

    def read(label: object, number: int) -> object:
        where = f"{name}, row {number}"
        if isinstance(label, (list, tuple)):
            return _all([read(each, number) for each in label])
        if label is None:
            return UNLABELLED
        if meaning and isinstance(label, int):
            if label == -1:
                return UNLABELLED
            if not 0 <= label < len(meaning):
                raise LabelsError(
                    f"{where} has the class {label}, but the classes are 0 to {len(meaning) - 1}"
                )
            return meaning[label]
        if label_names is None:
            return stated.get(str(label), label)
        if str(label) not in stated:
            if str(label).strip() in {"-1", "-1.0", "-", ""}:
                return UNLABELLED
            if not isinstance(label, str) or label.strip().isdecimal():
                raise LabelsError(
                    f"{where} has the label {label!r:.100}, and data sets disagree on what numbers mean: say "
                    f"it with labels = {{ '{label}' = {label_names[0]!r}, ... }}"
                )
        return named(str(label), where)

    return read


def _all(labels: list[object]) -> object:
    return UNLABELLED if any(label is UNLABELLED for label in labels) else labels


def _fold(label: str) -> str:
    return " ".join(label.casefold().replace("_", " ").replace("-", " ").split())


def _quoted(names: Sequence[str]) -> str:
    some = ", ".join(map(repr, names[:12]))
    return some + (", ..." if len(names) > 12 else "")


def _near(name: str, names: Sequence[str]) -> str:
    near = get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
