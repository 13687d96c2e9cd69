"""What is known of a checkpoint, from its own files and from its owner. What is not known is not there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from entailment.checkpoint.calibration import (
    CALIBRATION_FILE,
    UNCALIBRATED,
    Calibration,
    read_calibration,
)
from entailment.checkpoint.config import Config
from entailment.checkpoint.counts import parameters
from entailment.checkpoint.folder import Checkpoint, open_checkpoint
from entailment.checkpoint.hub import split_revision
from entailment.checkpoint.json_files import read_json
from entailment.checkpoint.labels import LabelOrder, order_from_names
from entailment.checkpoint.quantization import QUANTIZATION_FILE, Gate, read_quantizations
from entailment.errors import CorruptCheckpointError, InputError
from entailment.evaluate.cards import records
from entailment.evaluate.cards.results import Result, read_results
from entailment.tasks.model import MAX_LENGTH

TRAINING_FILE = "training.json"

_LICENCE = re.compile(r"[a-z0-9.-]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}")

#: What the hub calls the task of a head, by the end of its class's name.
PIPELINES = {
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering",
    "ForMultipleChoice": "multiple-choice",
    "ForMaskedLM": "fill-mask",
    "Model": "feature-extraction",
}


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What no file of a checkpoint records, and its owner states.

    Attributes:
        name: where others find the model, like "org/model"; None for the name of its folder.
        licence: an identifier of the hub, like "apache-2.0".
        languages: ISO 639 codes of two or three letters, like "en".

    Raises:
        CheckpointNotFoundError: the name is none that a model can have.
        InputError: the licence or a language is no such identifier.
    """

    name: str | None = None
    licence: str | None = None
    languages: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.name is not None:
            split_revision(self.name, None)
        if self.licence is not None and _LICENCE.fullmatch(self.licence) is None:
            raise InputError(
                f"the licence is {self.licence!r:.100}; state its identifier on the hub, in lower case, like "
                "apache-2.0 or mit"
            )
        for language in self.languages:
            if _LANGUAGE.fullmatch(language) is None:
                raise InputError(
                    f"a language is {language!r:.100}; state its ISO 639 code, two or three letters in lower "
                    "case, like en"
                )


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that a card may say.

    Attributes:
        title: what the model is called.
        address: what `NLI(...)` opens it by.
        stated: by its owner.
        config: of the checkpoint.
        order: what its logits mean, where it is a model of inference and says so.
        parameters: how many; None for heads other than that of sequence classification.
        max_length: tokens.
        lowercase: whether capitals are lost; None where no file says.
        training: training.json, or nothing.
        results: results.json.
        calibration: what was fitted on validation rows.
        int8: what was measured before int8 was accepted, by the bits of the weights.
    """

    title: str
    address: str
    stated: Stated
    config: Config
    order: LabelOrder | None
    parameters: int | None
    max_length: int
    lowercase: bool | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    results: tuple[Result, ...] = ()
    calibration: Calibration = UNCALIBRATED
    int8: Mapping[int, Gate] = field(default_factory=dict)

    @property
    def pipeline(self) -> str | None:
        """What the hub calls the model's task; None where its head is none of `PIPELINES`."""
        if self.order is not None:
            return "zero-shot-classification"
        return None if self.head is None else PIPELINES[self.head]

    @property
    def head(self) -> str | None:
        """The end of the name of the model's class; None where it is none of `PIPELINES`."""
        names = self.config.architectures[:1]
        return next((end for end in PIPELINES for name in names if name.endswith(end)), None)


def read_facts(folder: Path, stated: Stated | None = None) -> Facts:
    """Read everything that a checkpoint folder records.

    Raises:
        CheckpointError: it does not open, or one of its files is damaged or belongs to other weights.
    """
    stated = stated or Stated()
    checkpoint = open_checkpoint(folder)
    config = checkpoint.config
    training = _recorded(folder / TRAINING_FILE)
    name = folder.resolve().name
    classifies = any(each.endswith("ForSequenceClassification") for each in config.architectures)
    try:
        title = records.text(training, "name") or (stated.name or name).rpartition("/")[2]
        lowercase = _recorded(folder / "tokenizer_config.json").get("do_lower_case")
    except CorruptCheckpointError as error:
        raise CorruptCheckpointError(f"{folder / TRAINING_FILE}: {error}") from error
    calibration, int8 = _of_weights(checkpoint)
    return Facts(
        title=title,
        address=stated.name or name,
        stated=stated,
        config=config,
        order=order_from_names(config.id2label) if classifies else None,
        parameters=parameters(config) if classifies else None,
        max_length=min(MAX_LENGTH, config.max_position_embeddings),
        lowercase=lowercase if isinstance(lowercase, bool) else None,
        training=training,
        results=read_results(folder),
        calibration=calibration,
        int8=int8,
    )


def _recorded(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}


def _of_weights(checkpoint: Checkpoint) -> tuple[Calibration, dict[int, Gate]]:
    """What is bound to the weights, which are read only where there is something of the kind."""
    folder = checkpoint.folder
    calibrated, quantized = ((folder / name).is_file() for name in (CALIBRATION_FILE, QUANTIZATION_FILE))
    if not calibrated and not quantized:
        return UNCALIBRATED, {}
    print_of = checkpoint.fingerprint()
    plans = read_quantizations(folder, print_of) if quantized else {}
    calibration = read_calibration(folder, print_of) if calibrated else UNCALIBRATED
    return calibration, {bits: plan.gate for bits, plan in plans.items()}
