"""From a request to what the model says of it: limits, a place in the line, logits. All routes share it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from fastapi import Request
from opentelemetry import trace

from entailment.runtime.engine import Logits
from entailment.serve.batcher import Allow, Turn
from entailment.serve.refusals import RefusedError, too_large
from entailment.serve.responses import facts_of
from entailment.serve.service import Kept, Service, milliseconds
from entailment.tasks.classification import TEMPLATE, Classification, Questions, ask
from entailment.tasks.label_tokens import check_readable, note_alike
from entailment.tasks.model import PairModel
from entailment.tasks.nli import check_pair
from entailment.text.pairs import EncodedPair, Truncation

Labels = list[str] | list[list[str]]
Result = TypeVar("Result")

_SMALL = 256  # pairs: what is quicker done at once than handed to a thread


async def classify(
    service: Service,
    request: Request,
    texts: Sequence[str],
    labels: Labels,
    *,
    template: str = TEMPLATE,
    multi_label: bool = False,
    threshold: float | None = None,
) -> tuple[list[Classification], Turn, list[str]]:
    """One answer per text, the turn they took, and notes; arguments as `ZeroShotClassifier` takes them.

    Raises:
        InputError: as `ZeroShotClassifier` does.
        RefusedError: a limit is exceeded, or as `Batcher.score` does.
    """
    sets = _label_sets(labels)
    _check_count("texts", len(texts), service.settings.limits.texts)
    _check_count("labels", max(map(len, sets), default=0), service.settings.limits.labels)
    pairs = len(texts) * len(sets[0]) if len(sets) == 1 else sum(map(len, sets))
    names = [label for labels in sets for label in labels]
    service.check_sizes(texts=[*texts, *names], pairs=pairs, more=len(template) * len(names))

    notes = Kept()

    def put() -> tuple[Questions, list[tuple[str, str]]]:
        questions = ask(
            texts,
            labels,
            hypothesis_template=template,
            multi_label=multi_label,
            threshold=threshold,
            notes=notes,
        )
        for asked in dict.fromkeys(asked for _, asked in questions.rows):
            check_readable(asked, service.model.encoder, notes)
        return questions, questions.pairs()

    questions, asked = await service.batcher.aside(put, small=pairs <= _SMALL)
    with _turn(service, request, asked) as turn:
        encoded, logits = await service.batcher.score(turn, asked, questions.name_pair())

    def answer() -> list[Classification]:
        start, compared = 0, None
        for _, asked in questions.rows:
            if asked is not compared:
                note_alike(asked, encoded[start : start + len(asked)], notes)
                compared = asked
            start += len(asked)
        return list(questions.answers(encoded, logits, service.model.order, service.model.calibration))

    found = await service.batcher.aside(answer, small=pairs <= _SMALL)
    return found, turn, list(notes.messages.values())


async def judge(
    service: Service,
    request: Request,
    pairs: Sequence[tuple[str, str]],
    name_pair: Callable[[int], str],
) -> tuple[Sequence[EncodedPair], Logits, Turn]:
    """Pairs as the model read them, their logits, and the turn they took; errors as `classify`."""
    service.check_sizes(texts=[text for pair in pairs for text in pair], pairs=len(pairs))
    for row, pair in enumerate(pairs, start=1):
        check_pair(pair, row)
    with _turn(service, request, pairs) as turn:
        encoded, logits = await service.batcher.score(turn, pairs, name_pair)
    return encoded, logits, turn


async def check(
    service: Service,
    request: Request,
    document: str,
    claims: Sequence[str],
    work: Callable[[PairModel, Allow], Result],
) -> tuple[Result, Turn]:
    """What `work` makes of a model that waits in line, and the turn it took; errors as `classify`."""
    _check_count("claims", len(claims), service.settings.limits.labels)
    service.check_sizes(texts=[document, *claims], pairs=len(claims))
    with _turn(service, request, [(document, claim) for claim in claims]) as turn:
        return await service.batcher.check(turn, work), turn


def refuse_cut(cuts: Iterable[tuple[int, Truncation | None]]) -> None:
    """Refuses what the model did not read to its end, for clients that say ``truncate: false``.

    Args:
        cuts: the number of each text in the request, from 1, and how it was cut, if it was.
    """
    for number, cut in cuts:
        if cut is not None:
            message = (
                f"text {number} is longer than the model reads: {cut.read:,} of {cut.total:,} characters; "
                "shorten it, or send truncate: true"
            )
            raise RefusedError(422, "too_long", message)


@contextmanager
def _turn(service: Service, request: Request, pairs: Sequence[tuple[str, str]]) -> Iterator[Turn]:
    """A place in the line; what became of it goes into the request's line in the log, and its trace."""
    shared = service.facts.attention == "prefix"
    premises = {premise for premise, _ in pairs} if shared else (premise for premise, _ in pairs)
    characters = sum(map(len, premises)) + sum(len(hypothesis) for _, hypothesis in pairs)
    turn = service.turn(
        pairs=len(pairs), characters=characters, patience=request.headers.get("x-request-timeout")
    )
    try:
        with turn.place:
            yield turn
    finally:
        spent = milliseconds(turn, turn.started)
        facts = {
            "pairs": turn.pairs,
            "tokens": turn.tokens,
            "queue_ms": spent["queue"],
            "model_ms": spent["model"],
        }
        facts_of(request.scope).update(facts)
        trace.get_current_span().set_attributes(
            {f"entailment.{name}": value for name, value in facts.items()}
        )


def _label_sets(labels: Labels) -> list[list[str]]:
    """One set for all texts, or one per text; read as `label_sets` does, before anything is checked."""
    sets = [entry for entry in labels if isinstance(entry, list)]
    return sets or [[entry for entry in labels if isinstance(entry, str)]]


def _check_count(what: str, found: int, limit: int) -> None:
    if found > limit:
        raise too_large(what, found, limit)
