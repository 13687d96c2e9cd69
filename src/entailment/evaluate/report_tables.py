"""The tables of a report, the same in Markdown and HTML: only how they look differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from entailment.evaluate.report import Report

WIDEST_MATRIX = 20  # classes; of more, the most frequent confusions are listed
CONFUSIONS = 20
LONGEST_TEXT = 600  # characters of a text that is shown


@dataclass(frozen=True)
class Table:
    """A table of a report.

    Attributes:
        title: of the section.
        note: a sentence below the title.
        head: the columns' names; the first `words` columns hold words, the others numbers.
        rows: the cells, as text.
        words: how many columns hold words.
        shares: for a table whose cells are shaded: from 0 to 1, a row of them a row; else None.
    """

    title: str
    note: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1
    shares: tuple[tuple[float, ...], ...] | None = None


def title(report: Report) -> str:
    """The headline."""
    return f"{report.subject.model} on {report.subject.data}"


def summary(report: Report) -> str:
    """What was done, in a sentence or two."""
    subject, found = report.subject, report.evaluation
    rows = f"{found.count:,} {'pairs' if subject.task == 'nli' else 'texts'}, {len(found.classes)} classes"
    asked = "Natural language inference" if subject.task == "nli" else "Zero-shot classification"
    worded = f", asked as “{subject.template}”" if subject.template else ""
    computed = "" if subject.precision in (None, "float32") else f", in {subject.precision}"
    return f"{asked}: {rows}{worded}. Measured with entailment {subject.version}{computed}."


def tables(report: Report) -> list[Table]:
    """All of them, in order; those that have nothing to say are left out."""
    return [
        _figures(report),
        *_comparison(report),
        *_wordings(report),
        classes(report),
        *_groups(report),
        _confusion(report),
        _reliability(report),
        *_mistakes(report),
    ]


def asked_for(report: Report) -> list[Table]:
    """Those that are there only because somebody asked."""
    return [*_comparison(report), *_wordings(report), *_groups(report)]


def _figures(report: Report) -> Table:
    found = report.evaluation
    figures = {
        "accuracy": f"{found.accuracy:.4f}",
        "precision, macro": f"{found.macro_precision:.4f}",
        "recall, macro": f"{found.macro_recall:.4f}",
        "F1, macro": f"{found.macro_f1:.4f}",
        "precision, weighted": f"{found.weighted_precision:.4f}",
        "recall, weighted": f"{found.weighted_recall:.4f}",
        "F1, weighted": f"{found.weighted_f1:.4f}",
        "loss (cross-entropy, nats)": f"{found.loss:.4f}",
        "expected calibration error": f"{found.ece:.4f}",
        "runtime, seconds": f"{found.seconds:,.2f}",
        "samples per second": f"{found.samples_per_second:,.1f}",
    }
    return Table("Figures", "", ("measure", "value"), tuple(figures.items()))


def _comparison(report: Report) -> Iterator[Table]:
    found, other = report.comparison, report.subject.other_model
    if found is None or other is None:
        return
    rows = (
        (report.subject.model, f"{found.accuracy:.4f}", f"{found.only_first:,}"),
        (other, f"{found.other_accuracy:.4f}", f"{found.only_second:,}"),
    )
    yield Table(
        "Comparison",
        f"The difference in accuracy is {found.difference:+.4f}, 95 % interval {found.low:+.4f} to "
        f"{found.high:+.4f}, p = {found.p_value:.4f} (paired bootstrap: Koehn 2004; Berg-Kirkpatrick et al. "
        "2012).",
        ("model", "accuracy", "alone right on"),
        rows,
    )


def _wordings(report: Report) -> Iterator[Table]:
    if report.wordings:
        rows = ((one.template, _4(one.accuracy), _4(one.macro_f1), _4(one.ece)) for one in report.wordings)
        head = ("template", "accuracy", "macro F1", "calibration error")
        # To choose by these rows and to report on these rows flatters the choice.
        note = "The same rows in other words. Choose a template on rows that you do not report on."
        yield Table("Templates", note, head, tuple(rows))


def classes(report: Report) -> Table:
    """Precision, recall, F1 and rows of each class."""
    rows = (
        (name, _4(one.precision), _4(one.recall), _4(one.f1), f"{one.support:,}")
        for name, one in report.evaluation.per_class.items()
    )
    return Table("Classes", "", ("class", "precision", "recall", "F1", "rows"), tuple(rows))


def _groups(report: Report) -> Iterator[Table]:
    if report.groups:
        rows = (
            (one.name, f"{one.count:,}", _4(one.accuracy), _4(one.macro_f1), _4(one.ece))
            for one in report.groups
        )
        head = (report.subject.group_by or "group", "rows", "accuracy", "macro F1", "calibration error")
        yield Table("Groups", "", head, tuple(rows))


def _confusion(report: Report) -> Table:
    found = report.evaluation
    matrix = np.array(found.confusion_matrix, dtype=np.int64)
    if len(found.classes) <= WIDEST_MATRIX:
        rows = [
            (name, *(f"{count:,}" for count in counts))
            for name, counts in zip(found.classes, found.confusion_matrix, strict=True)
        ]
        shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        note = "A row is a gold class, a column what it was taken for."
        head = ("gold", *found.classes)
        return Table(
            "Confusion", note, head, tuple(rows), shares=tuple(tuple(line) for line in shares.tolist())
        )
    wrong = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-wrong, axis=None, kind="stable")[:CONFUSIONS]
    places = [divmod(int(index), len(matrix)) for index in order]
    listed = [
        (found.classes[gold], found.classes[taken], f"{wrong[gold, taken]:,}")
        for gold, taken in places
        if wrong[gold, taken]
    ]
    note = "The most frequent ones; the whole matrix is in report.json."
    return Table("Confusion", note, ("gold", "taken for", "rows"), tuple(listed), words=2)


def _reliability(report: Report) -> Table:
    rows = (
        (f"{one.low:.2f} to {one.high:.2f}", f"{one.count:,}", _4(one.confidence), _4(one.accuracy))
        for one in report.bins
        if one.count
    )
    note = (
        f"How often the model is right when it is so sure. Expected calibration error "
        f"{report.evaluation.ece:.4f}, over {len(report.bins)} equal bins (Guo et al. 2017)."
    )
    return Table("Reliability", note, ("confidence", "rows", "mean confidence", "accuracy"), tuple(rows))


def _mistakes(report: Report) -> Iterator[Table]:
    if report.mistakes:
        texts = ("premise", "hypothesis") if report.subject.task == "nli" else ("text",)
        rows = (
            (*map(_shown, one.texts), one.gold, one.predicted, _4(one.confidence), f"{one.row:,}")
            for one in report.mistakes
        )
        yield Table(
            "Worst errors",
            "The wrong answers that the model is surest of. Some may be errors of the labels.",
            (*texts, "gold", "predicted", "confidence", "row"),
            tuple(rows),
            words=len(texts) + 2,
        )


def _shown(text: str) -> str:
    """A text on one line, cut where it is very long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_TEXT else line[:LONGEST_TEXT] + " …"


def _4(share: float) -> str:
    return f"{share:.4f}"
