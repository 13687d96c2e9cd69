"""A card as one text, and as README.md beside the checkpoint."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote

from huggingface_hub import metadata_load

from entailment.checkpoint.finite import require_finite
from entailment.checkpoint.folder import open_checkpoint
from entailment.checkpoint.json_files import write_json
from entailment.checkpoint.weights import read_weights
from entailment.errors import CheckpointError, CorruptCheckpointError
from entailment.evaluate.cards import measured, procedure, rounds, sections
from entailment.evaluate.cards.facts import TRAINING_FILE, Facts, Stated, read_facts
from entailment.evaluate.cards.markdown import escape
from entailment.evaluate.cards.metadata import metadata
from entailment.evaluate.cards.results import RESULTS_FILE, read_evaluations, read_results

CARD_FILE = "README.md"

#: What tells our cards from those that somebody wrote.
MARK = "<!-- Written by `entail card` from the files beside it. -->"


def write_card(
    folder: Path, stated: Stated | None = None, evaluations: Sequence[Path] = (), *, force: bool = False
) -> Path:
    """Write README.md of a checkpoint folder from its files, whole or not at all.

    Args:
        folder: a checkpoint.
        stated: what its files do not record. Licence and languages that an earlier card of ours states hold
            until others are stated.
        evaluations: files of `entail evaluate`, which become results.json; with none of them results.json is
            taken as it is.
        force: also over a README.md that was not written here, and without regard to what it states.

    Raises:
        CheckpointError: the folder does not open, a file in it is damaged, weights are not finite, a result
            is that of other weights, README.md is somebody's work, or the folder cannot be written to.
        DataFileError: an evaluation is none.
        InputError: what an earlier card of ours states is no licence or language.
    """
    path = folder / CARD_FILE
    if path.is_file() and not force:
        stated = _still_stated(path, stated or Stated())
    read_facts(folder, stated)  # what is damaged is found before anything is written
    if any(folder.glob("*.safetensors")):  # other forms may need packages that a card does not
        require_finite(read_weights(folder), folder)
    if evaluations:
        found = read_evaluations(evaluations, folder.resolve().name)
        _require_weights(folder, {name: result.get("weights") for name, result in found.items()})
        write_json(folder / RESULTS_FILE, found)
    else:
        _require_weights(folder, {result.name: result.weights for result in read_results(folder)})
    text = card_text(read_facts(folder, stated))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    except OSError as error:
        raise CheckpointError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
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


def _require_weights(folder: Path, measured: Mapping[str, str | None]) -> None:
    """Results that say which weights they measured must mean these.

    Raises:
        CheckpointError: one means others.
    """
    if not any(measured.values()):
        return
    own = open_checkpoint(folder).fingerprint()
    strange = next((name for name, weights in measured.items() if weights not in (None, own)), None)
    if strange is not None:
        raise CheckpointError(
            f"the result on {strange} was measured with other weights than {folder} holds; measure "
            f"these: `entail evaluate {quote(str(folder))} --data FILE --report FOLDER` writes a report.json"
        )


def _still_stated(path: Path, stated: Stated) -> Stated:
    """What is stated now, and where nothing is, what the card before stated."""
    if MARK not in path.read_text(encoding="utf-8", errors="replace"):
        raise CheckpointError(
            f"{path} was not written by `entail card`; keep it elsewhere, or replace it with --force"
        )
    try:
        before = metadata_load(path) or {}
    except Exception as error:  # what the parser of YAML raises, among others
        raise CorruptCheckpointError(
            f"{path} begins with metadata that is no YAML; replace it with --force"
        ) from error
    licence, languages = before.get("license"), before.get("language")
    known = [each for each in languages if isinstance(each, str)] if isinstance(languages, list) else []
    return replace(
        stated,
        licence=stated.licence or (licence if isinstance(licence, str) else None),
        languages=stated.languages or tuple(known),
    )


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
