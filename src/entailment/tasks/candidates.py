"""Candidate labels and the template that turns them into hypotheses: checked before a model is asked."""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from entailment.errors import LabelsError, TemplateError
from entailment.tasks.chunks import Notes
from entailment.tasks.lists import refuse_names, refuse_unordered

# Labels for all texts (a list, or one string with commas), or one list of labels per text.
Labels = str | Iterable[str] | Iterable[Iterable[str]]


@dataclass(frozen=True)
class Template:
    """A hypothesis template, taken apart: a hypothesis is `before` + label + `after`."""

    before: str
    after: str

    def fill(self, label: str) -> str:
        """The hypothesis that claims `label`."""
        return self.before + label + self.after


def parse_template(template: str) -> Template:
    """Take a template with exactly one ``{}`` apart; ``{{`` and ``}}`` stand for literal braces.

    Raises:
        TemplateError: no slot, more than one, a numbered, named or formatted slot, or a lone brace.
    """
    if not isinstance(template, str):
        raise TemplateError(
            f"hypothesis_template must be a text with one {{}}, not {type(template).__name__}"
        )
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:
        raise _bad_template(template, f"has a broken brace ({error})") from error
    texts, slots = [""], 0
    for literal, field, spec, conversion in pieces:
        texts[-1] += literal
        if field is None:
            continue
        if field or spec or conversion:
            slot = field + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
            raise _bad_template(template, f"has the slot {{{slot}}}, which must be a bare {{}}")
        slots += 1
        texts.append("")
    if slots != 1:
        raise _bad_template(template, f"has {slots or 'no'} slot{'s' if slots > 1 else ''} for the label")
    return Template(before=texts[0], after=texts[1])


def _bad_template(template: str, fault: str) -> TemplateError:
    return TemplateError(
        f"hypothesis template {template!r} {fault}; write exactly one {{}} where the label goes, as in "
        "'This example is {}.', and literal braces as {{ and }}"
    )


def which_labels(labels: Labels | None, candidate_labels: Labels | None) -> Labels:
    """The labels, by whichever of their two names they were given; LabelsError for none, and for both."""
    if labels is not None and candidate_labels is not None:
        raise LabelsError("labels and candidate_labels are two names for one thing: give one of them")
    chosen = candidate_labels if labels is None else labels
    if chosen is None:
        raise LabelsError("there are no candidate labels: give at least one, as in labels=['sports']")
    return chosen


def label_sets(labels: Labels, notes: Notes) -> tuple[str, ...] | Iterator[tuple[str, ...]]:
    """Tell what the caller means: one set of labels for all texts, or an iterator over one set per text.

    A string is split at its commas. An iterable of strings is one set. An iterable of lists is one set per
    text and is read lazily, so it may be as long as the texts. Exact duplicates within a set (but for white
    space around them) are merged, the first spelling kept, and noted.

    Raises:
        LabelsError: no labels, an empty one, or something that is not a text; a per-text set raises when it
            is read.
    """
    if isinstance(labels, str):
        return one_set([part.strip() for part in labels.split(",")], notes)
    items = iter(_iterable(labels))
    first = list(islice(items, 1))
    rest: Iterator[object] = chain(first, items)
    if not first or isinstance(first[0], (str, bytes)) or not isinstance(first[0], Iterable):
        return one_set(rest, notes)
    refuse_unordered(labels, "lists of labels, one per text,", LabelsError)
    return (_text_set(item, row, notes) for row, item in enumerate(rest, start=1))


def one_set(labels: Iterable[object], notes: Notes, where: str = "") -> tuple[str, ...]:
    """Check one set of labels and merge its duplicates; `where` begins the error, e.g. ``"text 3: "``."""
    kept: dict[str, str] = {}
    given = list(labels)
    if not given:
        raise LabelsError(f"{where}there are no candidate labels: give at least one, as in ['sports']")
    for number, label in enumerate(given, start=1):
        if not isinstance(label, str):
            raise LabelsError(
                f"{where}label {number} of {len(given)} is {label!r:.100} ({type(label).__name__}); "
                "labels are texts, given as one list for all texts or as one list per text"
            )
        if not label.strip():
            raise LabelsError(f"{where}label {number} of {len(given)} is empty: {given!r:.200}; leave it out")
        if label.strip() in kept:
            notes.say(
                "duplicates", f"{where}the label {label.strip()!r} was given more than once; merged into one"
            )
        kept.setdefault(label.strip(), str(label))  # NumPy's own kind of text would show in the answer
    return tuple(kept.values())


def _text_set(labels: object, row: int, notes: Notes) -> tuple[str, ...]:
    where = f"labels of text {row}: "
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise LabelsError(
            f"{where}{labels!r:.200} is not a list; with one list per text, every text needs one"
        )
    return one_set(_iterable(labels), notes, where)


def _iterable(labels: object) -> Iterable[object]:
    refuse_names(labels, "candidate labels", LabelsError)  # a set is fine: labels come back by their scores
    if isinstance(labels, bytes) or not isinstance(labels, Iterable):
        raise LabelsError(
            f"candidate labels must be a list of texts or one text with commas, not {type(labels).__name__}"
        )
    return labels
