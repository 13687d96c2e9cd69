"""`entail check`: which claims does a document support, contradict, leave open?"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from entailment.cli.inputs import checked, checked_text
from entailment.cli.opening import open_model
from entailment.cli.options import PATH, finite, model_options
from entailment.cli.output import STDIN, Form, check_output, deliver
from entailment.errors import DataFileError
from entailment.tables import Row, columns_of, read_rows
from entailment.tables.reading import refuse_nul

if TYPE_CHECKING:
    from entailment.runtime.engine import Precision
    from entailment.tasks.check import Finding


@click.command(short_help="Which claims does a document support?")
@click.argument("document", metavar="DOCUMENT")
@click.option("--claim", "typed", multiple=True, metavar="TEXT", help="A claim; give it as often as needed.")
@click.option(
    "--claims",
    "claims_file",
    metavar="FILE",
    help="A claim a line of .txt, or the column claim of .jsonl, .csv, .parquet; - is stdin: JSON lines if "
    "it begins with {, else a claim a line, also of CSV.",
)
@click.option("--output", type=PATH, metavar="FILE", help="Write the findings to .jsonl or .csv.")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    callback=finite,
    metavar="X",
    help="Leave a claim open where the winning class scores less than X.",
)
@click.option("--model", metavar="M", help="A folder or a hub name.  [default: the bundled model]")
@model_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object a claim on stdout.")
def check(
    document: str,
    typed: tuple[str, ...],
    claims_file: str | None,
    output: Path | None,
    threshold: float | None,
    model: str | None,
    threads: int | None,
    precision: Precision | None,
    device: str,
    label_order: tuple[str, ...] | None,
    as_json: bool,
) -> None:
    """Which claims does DOCUMENT (a text file of any length; - is stdin) support, contradict, leave open?

    \b
    entail check report.txt --claim "Sales fell in spring." --claim "The plant was closed."
    entail check report.md --claims answer.txt --threshold 0.7 --output findings.csv

    Findings have the keys claim, verdict (supported, contradicted, open), scores (by class) and evidence: the
    text of the sentence that decides, its start and end in characters of the document, its label and score.
    With --claims and stdout not a terminal, the lines are those of --json.
    """
    if bool(typed) == (claims_file is not None):
        raise click.UsageError('give either --claim "TEXT", once or more, or --claims FILE')
    if document == STDIN and claims_file == STDIN:
        raise click.UsageError("the document and the claims cannot both come from standard input")
    check_output(output, document, claims_file)
    claims = _typed(typed) if claims_file is None else _claims_of(claims_file)
    text = _document_of(document)

    from entailment.tasks.check import DocumentChecker

    checker = DocumentChecker(
        open_model(model, threads=threads, label_order=label_order, precision=precision, device=device)
    )
    findings = checker(text, claims, threshold=threshold)
    form = _form(checker.model.order.names, threshold)
    deliver(findings, form, output=output, as_json=as_json, many=claims_file is not None)


def _typed(claims: tuple[str, ...]) -> list[str]:
    alone = len(claims) == 1
    return [
        checked_text(claim, "the claim" if alone else f"claim {number}")
        for number, claim in enumerate(claims, start=1)
    ]


def _claims_of(path: str) -> list[str]:
    found = list(_claims_in(path))
    if not found:
        raise DataFileError(f"{_name(path)} holds no claims")
    return found


def _claims_in(path: str) -> Iterator[str]:
    # Another column of .parquet may hold what Python cannot.
    alone = path.lower().endswith(".parquet") and "claim" in (columns_of(path) or ())
    for number, row in enumerate(read_rows(path, columns=["claim"] if alone else None), start=1):
        where = f"{_name(path)}, row {number}"
        if list(row) == ["text"]:  # a line of plain text: an empty one only parts the others
            if str(row["text"]).strip():
                yield checked(row, "text", where)
        elif "claim" in row:
            yield checked(row, "claim", where)
        else:
            raise DataFileError(f"{where} has no column 'claim'; it has {', '.join(row)}")


def _document_of(path: str) -> str:
    """The whole of a text file."""
    if not path:
        raise DataFileError("the name of the document is empty")
    try:
        content = sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes()
    except FileNotFoundError:
        raise DataFileError(f"no such file: {path}") from None
    except OSError as error:
        raise DataFileError(f"cannot read {path}: {error.strerror or error}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataFileError(
            f"{_name(path)} is not UTF-8 text: byte {error.start + 1} is 0x{content[error.start]:02x}; "
            "save it as plain text in UTF-8"
        ) from None
    refuse_nul(text, _name(path))
    return checked_text(text, _name(path))


def _name(path: str) -> str:
    return "standard input" if path == STDIN else path


def _form(classes: tuple[str, ...], threshold: float | None) -> Form[Finding]:
    columns = ["claim", "verdict", *(f"score:{name}" for name in classes), "evidence", "start", "end"]

    def cells(finding: Finding) -> Row:
        evidence = finding["evidence"]
        return {
            "claim": finding["claim"],
            "verdict": finding["verdict"],
            **{f"score:{name}": finding["scores"][name] for name in classes},
            "evidence": evidence and evidence["text"],
            "start": evidence and evidence["start"],
            "end": evidence and evidence["end"],
        }

    def show(findings: Iterable[Finding]) -> None:
        from entailment.cli import show

        rows = (
            (
                (finding["claim"], evidence["text"] if (evidence := finding["evidence"]) else ""),
                _label(finding),
                max(finding["scores"].values()),
            )
            for finding in findings
        )
        widest = "contradicted" if threshold is None else "open (contradiction)"
        show.answers(["claim", "evidence"], rows, len(widest))

    return Form(unit="claims", row=lambda finding: dict(finding), columns=columns, cells=cells, show=show)


def _label(finding: Finding) -> str:
    """The verdict, and the class its score is of where a threshold kept that class from the verdict."""
    evidence = finding["evidence"]  # is of the winning class
    return f"open ({evidence['label']})" if evidence and finding["verdict"] == "open" else finding["verdict"]
