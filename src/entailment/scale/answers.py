"""What an answer looks like: as a line of JSON, and as a row of a table.

As JSON an answer has only the keys that say something. As a row of a table, .csv or .parquet, it has all
columns of the job, and each score one of its own. Both hold the same, and either can be made of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from entailment.scale.kept import SCORE, Type, from_cell, to_cell
from entailment.tables import Row

Answer = dict[str, Any]


@dataclass(frozen=True)
class Layout:
    """The columns of a job's answers.

    Attributes:
        kept: columns of the input, and their types.
        scores: labels or classes that have a score each, in the order of the columns.
        labels: whether answers have ``labels``, all that are true of a text.
        abstains: whether answers say ``abstained``, and then the ``best`` label.
    """

    kept: Mapping[str, Type]
    scores: tuple[str, ...]
    labels: bool = False
    abstains: bool = False

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Layout:
        """What `dataclasses.asdict` made of one; KeyError or TypeError if it is something else."""
        return cls(
            dict(value["kept"]), tuple(value["scores"]), bool(value["labels"]), bool(value["abstains"])
        )

    @property
    def columns(self) -> list[str]:
        """The header of the table."""
        return [
            "row",
            *self.kept,
            "label",
            "score",
            *(["labels"] if self.labels else []),
            *(f"{SCORE}{name}" for name in self.scores),
            *(["abstained", "best"] if self.abstains else []),
            "truncated",
            "refused",
        ]

    def cells(self, answer: Answer) -> Row:
        """An answer as a row of the table; KeyError or TypeError where it is no answer of this job."""
        row: Row = {column: answer.get(column) for column in self.columns}
        row.update({column: to_cell(answer[column], type) for column, type in self.kept.items()})
        if answer.get("refused") is None:
            row.update({f"{SCORE}{name}": answer["scores"][name] for name in self.scores})
            row.update({column: answer[column] for column in ("label", "score")})
        return row

    def answer(self, cells: Row) -> Answer:
        """The answer that `cells` made a row of."""
        kept = {column: from_cell(cells[column], type) for column, type in self.kept.items()}
        if cells["refused"] is not None:
            return {"row": cells["row"], "refused": cells["refused"], **kept}
        answer: Answer = {"row": cells["row"], **kept, "label": cells["label"], "score": cells["score"]}
        if self.labels:
            answer["labels"] = cells["labels"]
        if self.scores:
            answer["scores"] = {name: cells[f"{SCORE}{name}"] for name in self.scores}
        for column in ("abstained", "best", "truncated"):
            if cells.get(column) is not None:
                answer[column] = cells[column]
        return answer

    def schema(self) -> Any:
        """The columns as pyarrow has them, which must be installed."""
        import pyarrow as pa

        types = {
            "boolean": pa.bool_(),
            "integer": pa.int64(),
            "number": pa.float64(),
            "text": pa.string(),
            "json": pa.string(),
        }
        own = {
            "row": pa.int64(),
            "label": pa.string(),
            "labels": pa.list_(pa.string()),
            "abstained": pa.bool_(),
            "best": pa.struct([("label", pa.string()), ("score", pa.float64())]),
            "truncated": pa.struct([("read", pa.int64()), ("total", pa.int64())]),
            "refused": pa.string(),
        }
        own |= {column: types[type] for column, type in self.kept.items()}
        return pa.schema([(column, own.get(column, pa.float64())) for column in self.columns])
