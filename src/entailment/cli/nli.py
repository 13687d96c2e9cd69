"""`entail nli`: does a premise entail, contradict or leave open a hypothesis?"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from entailment.cli.inputs import checked_text, pairs_of
from entailment.cli.opening import open_model
from entailment.cli.options import PATH, model_options
from entailment.cli.output import Form, check_output, deliver
from entailment.tables import Row

if TYPE_CHECKING:
    from entailment.runtime.engine import Precision
    from entailment.tasks.nli import NLI, NLIResult

Pair = tuple[str, str]


@click.command(short_help="Premise and hypothesis: entailment, neutral or contradiction?")
@click.argument("premise", required=False)
@click.argument("hypothesis", required=False)
@click.option(
    "--input",
    "input_",
    metavar="FILE",
    help="Pairs from the columns premise and hypothesis of .jsonl, .csv, .parquet; - is stdin (JSON lines).",
)
@click.option("--output", type=PATH, metavar="FILE", help="Write the answers to .jsonl or .csv.")
@click.option("--model", metavar="M", help="A folder or a hub name.  [default: the bundled model]")
@model_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object a pair on stdout.")
def nli(
    premise: str | None,
    hypothesis: str | None,
    input_: str | None,
    output: Path | None,
    model: str | None,
    threads: int | None,
    precision: Precision | None,
    device: str,
    label_order: tuple[str, ...] | None,
    as_json: bool,
) -> None:
    """Does PREMISE entail HYPOTHESIS, contradict it, or leave it open?

    \b
    entail nli "A man is playing a guitar on stage." "Someone is making music."
    entail nli --input claims.jsonl --output verdicts.jsonl

    Answers have the keys premise, hypothesis, label, scores (by class), and truncated where the end of a
    premise was not read. With --input and stdout not a terminal, the lines are those of --json.
    """
    typed = [text for text in (premise, hypothesis) if text is not None]
    if len(typed) == 1:
        raise click.UsageError("give both PREMISE and HYPOTHESIS, each in quotes")
    if bool(typed) == (input_ is not None):
        raise click.UsageError("give either PREMISE and HYPOTHESIS, or --input FILE")
    check_output(output, input_)
    if input_ is None:
        pairs = iter([(checked_text(typed[0], "the premise"), checked_text(typed[1], "the hypothesis"))])
    else:
        pairs = pairs_of(input_)

    from entailment.tasks.nli import NLI

    answerer = NLI(
        open_model(model, threads=threads, label_order=label_order, precision=precision, device=device)
    )
    form = _form(answerer.model.order.names)
    if input_ is None:
        form = replace(form, show=_show_one)
    deliver(_answers(answerer, pairs), form, output=output, as_json=as_json, many=input_ is not None)


@dataclass(frozen=True)
class _Answer:
    pair: Pair
    result: NLIResult

    @property
    def ranked(self) -> list[tuple[str, float]]:
        return sorted(self.result.scores.items(), key=lambda item: -item[1])


def _answers(answerer: NLI, pairs: Iterable[Pair]) -> Iterator[_Answer]:
    waiting: deque[Pair] = deque()

    def passed_on() -> Iterator[Pair]:
        for pair in pairs:
            waiting.append(pair)
            yield pair

    for result in answerer.stream(passed_on()):
        yield _Answer(waiting.popleft(), result)


def _form(classes: tuple[str, ...]) -> Form[_Answer]:
    columns = ["premise", "hypothesis", "label", "score", *(f"score:{name}" for name in classes), "truncated"]

    def row(answer: _Answer) -> Row:
        premise, hypothesis = answer.pair
        scores = dict(answer.ranked)
        line: Row = {
            "premise": premise,
            "hypothesis": hypothesis,
            "label": answer.result.label,
            "scores": scores,
        }
        if (cut := answer.result.truncated) is not None:
            line["truncated"] = {"read": cut.read, "total": cut.total}
        return line

    def cells(answer: _Answer) -> Row:
        line = row(answer)
        scores = answer.result.scores
        line.pop("scores")
        line["score"] = scores[answer.result.label]
        line.update({f"score:{name}": scores[name] for name in classes})
        line.setdefault("truncated", None)
        return line

    def show(answers: Iterable[_Answer]) -> None:
        from entailment.cli import show

        rows = ((answer.pair, *answer.ranked[0]) for answer in answers)
        show.answers(["premise", "hypothesis"], rows, max(map(len, classes)))

    return Form(unit="pairs", row=row, columns=columns, cells=cells, show=show)


def _show_one(answers: Iterable[_Answer]) -> None:
    from entailment.cli import show

    for answer in answers:
        show.scores({"premise": answer.pair[0], "hypothesis": answer.pair[1]}, answer.ranked)
