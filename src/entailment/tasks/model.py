"""A checkpoint opened for pairs of texts: tokenizer, engine, and which logit means what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from entailment.checkpoint.calibration import UNCALIBRATED, Calibration, calibration_of
from entailment.checkpoint.labels import LabelOrder, order_from_names, order_from_probe, order_stated
from entailment.checkpoint.probe_pairs import PROBE_PAIRS
from entailment.errors import CheckpointError, CorruptCheckpointError, InputError, LabelOrderError, TextError
from entailment.tasks.lists import refuse_unordered

if TYPE_CHECKING:
    from entailment.checkpoint.config import Config
    from entailment.checkpoint.folder import Checkpoint
    from entailment.runtime.engine import Engine, Precision
    from entailment.text.pairs import EncodedPair

MAX_LENGTH = 512  # tokens of a pair unless the caller or the model says less
SHORTEST = 8  # tokens that a pair may be limited to
HYPOTHESIS_RESERVE = 64  # tokens kept free for the hypothesis with prefix attention


class Encoder(Protocol):
    """Turns pairs of texts into token ids; `entailment.text.pairs.PairEncoder` is the one in use."""

    def encode(self, pairs: Sequence[tuple[str, str]]) -> list[EncodedPair]:
        """One encoded pair per pair, in their order."""
        ...


@dataclass(frozen=True)
class PairModel:
    """A model that maps a pair of texts to logits.

    Attributes:
        name: what it was opened as, for messages.
        encoder: texts to token ids.
        engine: token ids to logits.
        labels: which logit is entailment; None where nobody has needed to know yet, or where it has no such
            logit.
        class_names: the checkpoint's own names of its logits, by index; empty if unknown.
        activation: what a `CrossEncoder` applies to logits, as the checkpoint asks: "sigmoid", "identity",
            another by its name; None where it does not say.
        calibration: what makes probabilities of logits as sure as they may be; raw logits stay as they are.

    Raises:
        CheckpointError: the calibration has biases, for other classes than those of `labels`.
    """

    name: str
    encoder: Encoder
    engine: Engine
    labels: LabelOrder | None
    class_names: tuple[str, ...] = ()
    activation: str | None = None
    calibration: Calibration = UNCALIBRATED

    def __post_init__(self) -> None:
        # Here, for the order of some is known from the start and that of others only once they are probed.
        if self.labels is not None:
            try:
                self.calibration.check_names(self.labels.names)
            except CheckpointError as error:
                raise CheckpointError(f"{self.name}: {error}") from error

    @property
    def order(self) -> LabelOrder:
        """The label order; LabelOrderError if none is known."""
        if self.labels is None:
            raise LabelOrderError(
                f"{self.name}: it is not known which logit means entailment; load_model finds out, or takes "
                "it as label_order"
            )
        return self.labels

    def run(
        self, pairs: Sequence[tuple[str, str]], name_pair: Callable[[int], str] = "pair {}".format
    ) -> tuple[list[EncodedPair], NDArray[np.float32]]:
        """Encode N pairs of texts and return them with their logits [N, K], in the order given.

        Raises:
            TextError: a text without tokens, or a hypothesis too long; begins with `name_pair` of the index.
            NonFiniteLogitsError: the engine answered NaN or infinity.
        """
        encoded = self.encode(pairs, name_pair)
        return encoded, self.engine.logits(encoded)

    def encode(
        self, pairs: Sequence[tuple[str, str]], name_pair: Callable[[int], str] = "pair {}".format
    ) -> list[EncodedPair]:
        """Encode N pairs of texts, in the order given; the first half of `run`.

        Raises:
            TextError: as `run` does.
        """
        try:
            return self.encoder.encode(pairs)
        except TextError:
            self._name_culprit(pairs, name_pair)
            raise

    def _name_culprit(self, pairs: Sequence[tuple[str, str]], name_pair: Callable[[int], str]) -> None:
        """The encoder counts the pairs of a chunk, the user all texts from the first: say whose it is."""
        for index, pair in enumerate(pairs):
            try:
                self.encoder.encode([pair])
            except TextError as error:
                raise TextError(f"{name_pair(index)}: {str(error).replace(' of pair 0', '')}") from error


def load_model(
    name: str | Path | None = None,
    *,
    label_order: Sequence[str] | None = None,
    threads: int | None = None,
    max_length: int | None = None,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    offline: bool = False,
    needs_order: bool = True,
    precision: Precision = "float32",
    packed: bool = True,
    calibrated: bool = True,
    engine: Callable[[Checkpoint], Engine] | None = None,
) -> PairModel:
    """Open a checkpoint and find out which logit means entailment.

    The order comes from `label_order` if given, else from the names in ``id2label``, else from the logits of
    a few plain pairs (the probe, run once here).

    Args:
        name: a folder, a hub name (``org/model`` or ``org/model@revision``), or None for the model in the
            package.
        label_order: one name per logit, by index, e.g. ``["contradiction", "entailment", "neutral"]``.
        threads: CPU threads of the engine; None leaves the choice to it.
        max_length: tokens of a pair, special tokens included; None: 512, or fewer where the model has fewer
            positions or its tokenizer states a smaller ``model_max_length``.
        revision: branch, tag or commit on the hub.
        cache_dir: where downloads are kept.
        offline: use what is in the cache and open no connection.
        needs_order: False skips the probe, for users of raw logits alone; then `labels` may be None.
        precision: "int8" is faster, and close: how close, `entail quantize` measured for this checkpoint.
        packed: False opens sooner, for a single short call; every batch takes longer.
        calibrated: False leaves `calibration.json` unread, if there is one.
        engine: makes what runs the checkpoint, in place of an `OnnxEngine` with the options above.

    Raises:
        CheckpointError: the folder or name cannot be used (see errors.py for the kinds), its texts are meant
            to begin with a prompt, or the biases of its calibration are for other classes than its logits are
            opened as.
        LabelOrderError: nobody can tell which logit means entailment, or `label_order` does not fit the
            model.
        InputError: `max_length` or `threads` is out of range.
    """
    # What follows loads the tokenizer and ONNX Runtime; tasks on an engine of one's own need neither.
    from entailment.checkpoint.folder import open_checkpoint
    from entailment.runtime.engine import OnnxEngine
    from entailment.tasks import saved_settings
    from entailment.text.call_options import length_limit
    from entailment.text.pairs import PairEncoder
    from entailment.text.tokenizer import Tokenizer

    checkpoint = open_checkpoint(name, revision=revision, cache_dir=cache_dir, offline=offline)
    config = checkpoint.config
    saved = saved_settings.read_saved(checkpoint.folder)
    saved_settings.check_prompt(checkpoint.name, saved)
    tokenizer = Tokenizer.from_folder(checkpoint.folder)
    stated = length_limit(tokenizer.files.settings.get("model_max_length"))
    limit = _length_limit(max_length, config, stated, checkpoint.name)
    reserve = HYPOTHESIS_RESERVE if config.attention == "prefix" else 0
    encoder = PairEncoder(tokenizer, max_length=limit, hypothesis_reserve=reserve)
    labels: LabelOrder | None
    try:
        if label_order is not None:
            labels = order_stated(_names(label_order), config.num_labels)
        else:
            labels = order_from_names(config.id2label, config.label2id)
    except LabelOrderError as error:
        if needs_order or label_order is not None:
            raise LabelOrderError(f"{checkpoint.name}: {error}") from error
        labels = None  # odd names do not matter to raw logits
    model = PairModel(
        name=checkpoint.name,
        encoder=encoder,
        engine=engine(checkpoint)
        if engine
        else OnnxEngine.from_checkpoint(checkpoint, threads=threads, precision=precision, packed=packed),
        labels=labels,
        class_names=tuple(config.id2label[index] for index in sorted(config.id2label)),
        activation=saved_settings.stated_activation(saved, config),
        calibration=calibration_of(checkpoint) if calibrated else UNCALIBRATED,
    )
    return with_order(model) if needs_order else model


def with_order(model: PairModel) -> PairModel:
    """Return the model with its label order known, probing it if need be.

    Raises:
        LabelOrderError: the model has no NLI classes, or the probe could not decide.
        CheckpointError: the biases of its calibration are for other classes than the probe found.
    """

    if model.labels is not None:
        return model
    classes = model.engine.num_labels
    if classes not in (2, 3):
        raise LabelOrderError(
            f"{model.name}: a model with {classes} logit{'s' if classes > 1 else ''} cannot tell entailment "
            "from its opposite; CrossEncoder gives its raw scores"
        )
    _, logits = model.run([(premise, hypothesis) for premise, hypothesis, _ in PROBE_PAIRS])
    try:
        return replace(model, labels=order_from_probe(logits, classes, model.class_names))
    except LabelOrderError as error:
        raise LabelOrderError(f"{model.name}: {error}") from error


def as_model(
    model: str | Path | PairModel | None,
    *,
    label_order: Sequence[str] | None = None,
    threads: int | None = None,
    max_length: int | None = None,
    needs_order: bool = True,
    precision: Precision | None = None,
) -> PairModel:
    """A model as the tasks take it: one already open, or a name to open with these options."""
    if not isinstance(model, PairModel):
        return load_model(
            model,
            label_order=label_order,
            threads=threads,
            max_length=max_length,
            needs_order=needs_order,
            precision="float32" if precision is None else precision,
        )
    if any(option is not None for option in (label_order, threads, max_length, precision)):
        raise InputError(
            "label_order, threads, max_length and precision belong to load_model where the model is already "
            "open"
        )
    return with_order(model) if needs_order else model


def _names(label_order: Sequence[str]) -> Sequence[str]:
    refuse_unordered(label_order, "label_order", LabelOrderError)
    if not isinstance(label_order, Iterable):
        raise LabelOrderError(
            "label_order must be a list with one name per logit, as in ['contradiction', 'entailment', "
            f"'neutral'], not {label_order!r:.60}"
        )
    return label_order


def _length_limit(max_length: int | None, config: Config, stated: int, name: str) -> int:
    positions = config.max_position_embeddings
    if max_length is None:
        if stated < SHORTEST:
            raise CorruptCheckpointError(
                f"{name}: tokenizer_config.json states a model_max_length of {stated}, which leaves a pair "
                f"of texts no room; give max_length, from {SHORTEST} to {positions}"
            )
        return min(MAX_LENGTH, positions, stated)
    if (
        isinstance(max_length, bool)
        or not isinstance(max_length, int)
        or not SHORTEST <= max_length <= positions
    ):
        raise InputError(
            f"max_length must be a whole number from {SHORTEST} to {positions} for this model, not "
            f"{max_length!r}"
        )
    return max_length
