"""Labelled rows that a model is measured on or fitted to: pairs or texts, of a file or of a known suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from entailment.cli.inputs import naming
from entailment.cli.notes import note, progress
from entailment.cli.options import LabelSet, read_labels
from entailment.errors import DataFileError, LabelsError
from entailment.tables import Row, columns_of, read_rows

if TYPE_CHECKING:
    from entailment.evaluate.predict import Predictions
    from entailment.evaluate.suites import Suite
    from entailment.tasks.model import PairModel

NLI_COLUMNS = ("premise", "hypothesis", "label")
TEXT_COLUMNS = ("text", "label")
GENRE = "genre"  # the column of MNLI, by which a report groups unasked

Read = Callable[[Sequence[str]], Iterator[Row]]  # the rows, with these columns alone


@dataclass(frozen=True)
class Labelled:
    """What is put to every model alike.

    Attributes:
        name: of the file or suite.
        read: its rows, from the start at each call.
        columns: all that the first row has.
        candidates: the labels of texts; None for pairs.
        label_names: what label numbers mean, by index; None where no file says.
        usual_group: the column that a report groups by unasked; None if there is none.
    """

    name: str
    read: Read
    columns: tuple[str, ...]
    candidates: LabelSet | None
    label_names: tuple[str, ...] | None
    usual_group: str | None

    @property
    def template(self) -> str | None:
        """Of the hypotheses about texts; None for pairs."""
        from entailment.tasks.classification import TEMPLATE

        if self.candidates is None:
            return None
        return TEMPLATE if self.candidates.template is None else self.candidates.template

    def check_group(self, column: str | None) -> None:
        """Refuses a column that is not there; DataFileError."""
        if column is not None and column not in self.columns:
            raise DataFileError(
                f"{self.name} has no column {column!r} to group by; it has {', '.join(self.columns)}"
            )

    def put_to(
        self,
        model: PairModel,
        limit: int | None = None,
        *,
        group_by: str | None = None,
        template: str | None = None,
        keep_texts: bool = False,
    ) -> Predictions:
        """The model's answers to the first `limit` rows, or to all."""
        from entailment.evaluate.predict import predict_nli, predict_zero_shot

        columns = NLI_COLUMNS if self.candidates is None else TEXT_COLUMNS
        rows = self.read(columns if group_by is None or group_by in columns else (*columns, group_by))
        unit = "pairs" if self.candidates is None else "texts"
        with progress(unit, limit) as advance, naming(Path(self.name)):
            if self.candidates is None:
                return predict_nli(
                    model,
                    rows,
                    limit,
                    label_names=self.label_names,
                    group_by=group_by,
                    keep_texts=keep_texts,
                    progress=lambda _: advance(1),
                )
            return predict_zero_shot(
                model,
                rows,
                self.candidates.labels,
                template or self.template or "",
                limit,
                label_names=self.label_names,
                group_by=group_by,
                keep_texts=keep_texts,
                progress=lambda _: advance(1),
            )


def open_labelled(data: Path, labels_file: Path | None) -> Labelled:
    """Find out what a file or a suite holds; its labels may be said by another file.

    Raises:
        DataFileError: it holds no rows, or neither pairs nor texts with labels; a label that is no name.
        LabelsError: texts with one candidate label.
    """
    from entailment.evaluate.suites import SUITES

    found = read_labels(labels_file) if labels_file else None
    suite = None if data.exists() else SUITES.get(str(data))
    read = _reader(data, SUITES) if suite is None else _suite_reader(suite)
    columns = columns_of(data) if suite is None else next((tuple(row) for row in read(())), None)
    if columns is None:
        raise DataFileError(f"{data} holds no rows")
    pairs = _holds_pairs(data, columns)
    if not pairs and found is None:
        found = _beside(data)
    candidates = None if pairs else found or _occurring(data)
    if candidates is not None and len({label.strip() for label in candidates.labels}) < 2:
        raise LabelsError(f"{data} has one candidate label: there is nothing to choose from")
    return Labelled(
        name=str(data),
        read=read,
        columns=columns,
        candidates=candidates,
        label_names=found.labels if found else None,
        usual_group=suite.group_by if suite else GENRE if GENRE in columns else None,
    )


def _reader(data: Path, suites: Mapping[str, Suite]) -> Read:
    if not data.exists() and not data.suffix:
        raise DataFileError(f"no such file: {data}; known by name are {', '.join(suites)}")
    return lambda columns: read_rows(data, columns=columns)


def _suite_reader(suite: Suite) -> Read:
    from entailment.evaluate.suites import suite_rows

    return lambda _: suite_rows(suite)


def _holds_pairs(data: Path, there: Sequence[str]) -> bool:
    """Whether a file has the columns of NLI, not those of labelled texts; DataFileError if it has neither."""
    for columns in (NLI_COLUMNS, TEXT_COLUMNS):
        if set(columns) <= set(there):
            return columns is NLI_COLUMNS
    raise DataFileError(
        f"{data} has neither premise, hypothesis and label nor text and label; it has {', '.join(there)}"
    )


def _beside(data: Path) -> LabelSet | None:
    """The labels of texts where the caller names none: those of a file beside the data, if there is one."""
    beside = data.with_name(f"{data.stem}.labels.json")
    if not beside.is_file():
        return None
    note(f"labels and template are those of {beside}")
    return read_labels(beside)


def _occurring(data: Path) -> LabelSet:
    """The labels of texts where no file says them: those that occur."""
    from entailment.evaluate.gold import label_name

    rows = enumerate(read_rows(data, columns=["label"]), start=1)
    with naming(data):
        labels = sorted({label_name(row["label"], number) for number, row in rows})
    note(f"no --labels-file: the candidate labels are the {len(labels)} that occur in {data}")
    return LabelSet(tuple(labels))


def read_templates(path: Path) -> tuple[str, ...]:
    """The templates in a file, one a line; each checked before a model is opened."""
    from entailment.errors import TemplateError
    from entailment.tasks.candidates import parse_template

    lines = (str(row["text"]).strip() for row in read_rows(path, format=".txt"))
    found = tuple(dict.fromkeys(line for line in lines if line))
    if not found:
        raise DataFileError(f"{path} holds no templates; write one a line, as in: This text is about {{}}.")
    for template in found:
        try:
            parse_template(template)
        except TemplateError as error:
            raise TemplateError(f"{path}: {error}") from error
    return found
