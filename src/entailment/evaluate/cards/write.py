"""A card as one text, and as README.md beside the checkpoint."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Any

from huggingface_hub import metadata_load
from huggingface_hub.repocard_data import model_index_to_eval_results

from entailment.checkpoint.calibration import calibration_of
from entailment.checkpoint.finite import require_finite
from entailment.checkpoint.folder import open_checkpoint
from entailment.checkpoint.json_files import write_json, write_whole
from entailment.checkpoint.weights import read_weights
from entailment.errors import CheckpointError, CorruptCheckpointError
from entailment.evaluate.cards import measured, procedure, rounds, sections
from entailment.evaluate.cards.facts import TRAINING_FILE, Facts, Stated, read_facts
from entailment.evaluate.cards.markdown import escape
from entailment.evaluate.cards.metadata import metadata
from entailment.evaluate.cards.results import (
    RESULTS_FILE,
    Result,
    as_result,
    read_evaluations,
    read_results,
)
from entailment.evaluate.report import calibrated_by

CARD_FILE = "README.md"

#: What tells our cards from those that somebody wrote.
MARK = "<!-- Written by `entail card` from the files beside it. -->"

_LOG = logging.getLogger("entailment")


def write_card(
    folder: Path, stated: Stated | None = None, evaluations: Sequence[Path] = (), *, force: bool = False
) -> Path:
    """Write README.md of a checkpoint folder from its files, whole or not at all.

    What an earlier card of ours said and no file records any more is logged.

    Args:
        folder: a checkpoint.
        stated: what its files do not record. Licence and languages that an earlier card of ours states hold
            until others are stated.
        evaluations: files of `entail evaluate`, which become results.json; with none of them results.json is
            taken as it is.
        force: also over a README.md that was not written here, and without regard to what it states.

    Raises:
        CheckpointError: the folder does not open, a file in it is damaged, weights are not finite, a result
            is that of other weights or of another calibration, README.md is somebody's work, or the folder
            cannot be written to.
        DataFileError: an evaluation is none, or was not measured in float32.
        InputError: what an earlier card of ours states is no licence or language.
    """
    path = folder / CARD_FILE
    before = _before(path) if path.is_file() and not force else {}
    stated = _still_stated(before, stated or Stated())
    read_facts(folder, stated)  # what is damaged is found before anything is written
    if any(folder.glob("*.safetensors")):  # other forms may need packages that a card does not
        require_finite(read_weights(folder), folder)
    if evaluations:
        found = read_evaluations(evaluations, folder.resolve().name)
        require_own(folder, [as_result(name, result) for name, result in found.items()])
        write_json(folder / RESULTS_FILE, found)
    else:
        require_own(folder, read_results(folder))
    facts = read_facts(folder, stated)
    text = card_text(facts)
    try:
        write_whole(path, text)
    except OSError as error:
        raise CheckpointError(f"cannot write {path}: {error.strerror or error}") from error
    if lost := _lost(before, facts):
        _LOG.warning("%s no longer states %s: no file beside it records them", path, ", ".join(lost))
    return path


def card_text(facts: Facts) -> str:
    """The whole card.

    Raises:
        CorruptCheckpointError: training.json holds something of another kind than `entail train` writes.
    """
    try:
        top, body = metadata(facts), _body(facts)
    except CorruptCheckpointError as error:
        raise CorruptCheckpointError(f"{TRAINING_FILE}: {error}") from error
    return f"---\n{top}\n---\n\n{MARK}\n\n" + "\n\n".join(part for part in body if part) + "\n"


def require_own(folder: Path, results: Iterable[Result]) -> None:
    """Results that say which weights they measured must mean these, calibrated as they are now.

    Raises:
        CheckpointError: one means others.
    """
    stated = [result for result in results if result.weights is not None]
    if not stated:
        return
    checkpoint = open_checkpoint(folder)
    own, calibration = checkpoint.fingerprint(), calibration_of(checkpoint)
    for result in stated:
        if result.weights != own:
            strange = f"other weights than {folder} holds"
        elif result.calibration == calibrated_by(calibration, result.task):
            continue
        elif result.calibration is None:
            strange = f"no calibration, and {folder} has one"
        else:
            strange = f"another calibration than {folder} has"
        raise CheckpointError(
            f"the result on {result.name} was measured with {strange}; measure again: `entail evaluate "
            f"{quote(str(folder))} --data FILE --report FOLDER` writes a report.json for `entail card "
            f"{quote(str(folder))} --evaluation`"
        )


def _before(path: Path) -> Mapping[str, Any]:
    """The metadata of an earlier card of ours."""
    if MARK not in path.read_text(encoding="utf-8", errors="replace"):
        raise CheckpointError(
            f"{path} was not written by `entail card`; keep it elsewhere, or replace it with --force"
        )
    try:
        return metadata_load(path) or {}
    except Exception as error:  # what the parser of YAML raises, among others
        raise CorruptCheckpointError(
            f"{path} begins with metadata that is no YAML; replace it with --force"
        ) from error


def _still_stated(before: Mapping[str, Any], stated: Stated) -> Stated:
    """What is stated now, and where nothing is, what the card before stated."""
    licence, languages = before.get("license"), before.get("language")
    known = [each for each in languages if isinstance(each, str)] if isinstance(languages, list) else []
    return replace(
        stated,
        licence=stated.licence or (licence if isinstance(licence, str) else None),
        languages=stated.languages or tuple(known),
    )


def _lost(before: Mapping[str, Any], facts: Facts) -> list[str]:
    """What the card before stated of training and results, and these files do not record."""
    lost = [] if facts.training else [key for key in ("base_model", "datasets") if key in before]
    try:
        _, results = model_index_to_eval_results(before["model-index"])
    except (AttributeError, KeyError, TypeError, ValueError):  # there are none, or somebody edited them
        results = []
    shown = {result.name for result in facts.results}
    names = dict.fromkeys(result.dataset_name for result in results if result.dataset_name not in shown)
    return [*lost, *([f"results on {', '.join(names)}"] if names else [])]


def _body(facts: Facts) -> list[str]:
    of_rounds = rounds.of_rounds(facts)
    if of_rounds:
        trained = [rounds.procedure(facts)]
    else:
        trained = [procedure.data(facts), procedure.procedure(facts), procedure.environment(facts)]
    return [
        f"# {escape(facts.title)}",
        sections.about(facts),
        sections.usage(facts),
        measured.results(facts, rounds.MEASURED if of_rounds else ""),
        measured.calibration(facts),
        measured.int8(facts),
        *trained,
        sections.limits(facts, rounds.LIMITS if of_rounds else ()),
    ]
