"""What a run is made of, besides its model, its data and its objective."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from entailment.errors import InputError

Schedule = Literal["linear", "cosine", "constant"]
Precision = Literal["float32", "bfloat16", "float16"]

SCHEDULES: tuple[Schedule, ...] = ("linear", "cosine", "constant")
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16", "float16")

LARGEST_SEED = 2**32 - 1
"""What every generator of random numbers takes; NumPy's refuse a negative seed."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The optimizer and the loop of a recipe. The defaults are those of the reference Trainer.

    Attributes:
        learning_rate: the peak, reached after the warm-up.
        schedule: what follows the warm-up: "linear" or "cosine" to zero at the last step, or "constant".
        warmup: share of all steps in which the rate climbs from zero.
        warmup_steps: the same as a number of steps; overrides `warmup`.
        weight_decay: decoupled (Loshchilov and Hutter 2019, arXiv:1711.05101), of matrices; biases and norms
            have none.
        betas: of AdamW's running means.
        epsilon: of AdamW.
        layer_decay: each layer's rate is this times that of the layer above it, the head's is
            `learning_rate`; 1.0 gives all the same (Howard and Ruder 2018, arXiv:1801.06146, section 3.2).
        clip: the largest norm of all gradients together; 0 clips nothing.
        epochs: passes over the data.
        max_steps: the run's length in steps, whatever `epochs` says.
        accumulation: batches whose gradients are averaged into one step.
        precision: what matrix products are computed in; weights and their updates are float32 always.
        ema: decay of the running mean of weights, which is then what is validated and kept; 0 for none.
        evaluations: how often in the whole run the model is validated, evenly spread, the last at its end;
            once a step at most.
        evaluate_every: the same as a number of steps; overrides `evaluations`.
        follow: what "best" means: a measure of the objective, or "score", the mean of those in which more is
            better. A `loss` or `perplexity` is minimised.
        patience: evaluations without a better one before the run stops; None runs to the end.
        seed: of dropout. The objective has the seed of the data.

    Raises:
        InputError: a value outside its range, by name.
    """

    learning_rate: float = 5e-5
    schedule: Schedule = "linear"
    warmup: float = 0.0
    warmup_steps: int | None = None
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    layer_decay: float = 1.0
    clip: float = 1.0
    epochs: int = 3
    max_steps: int | None = None
    accumulation: int = 1
    precision: Precision = "float32"
    ema: float = 0.0
    evaluations: int = 3
    evaluate_every: int | None = None
    follow: str = "score"
    patience: int | None = None
    seed: int = 42

    def __post_init__(self) -> None:
        beta_1, beta_2 = self.betas
        for name, within, expected in (
            ("learning_rate", 0 < self.learning_rate < math.inf, "more than 0"),
            ("schedule", self.schedule in SCHEDULES, f"one of {', '.join(SCHEDULES)}"),
            ("warmup", 0 <= self.warmup <= 1, "a share from 0 to 1"),
            ("warmup_steps", self.warmup_steps is None or self.warmup_steps >= 0, "0 or more"),
            ("weight_decay", 0 <= self.weight_decay < math.inf, "0 or more"),
            ("betas", 0 <= beta_1 < 1 and 0 <= beta_2 < 1, "two numbers from 0 to below 1"),
            ("epsilon", 0 < self.epsilon < math.inf, "more than 0"),
            ("layer_decay", 0 < self.layer_decay <= 1, "more than 0 and at most 1"),
            ("clip", 0 <= self.clip < math.inf, "0 (none) or more"),
            ("epochs", self.epochs >= 1, "1 or more"),
            ("max_steps", self.max_steps is None or self.max_steps >= 1, "1 or more"),
            ("accumulation", self.accumulation >= 1, "1 or more"),
            ("precision", self.precision in PRECISIONS, f"one of {', '.join(PRECISIONS)}"),
            ("ema", 0 <= self.ema < 1, "0 (none) to below 1"),
            ("evaluations", self.evaluations >= 1, "1 or more"),
            ("evaluate_every", self.evaluate_every is None or self.evaluate_every >= 1, "1 or more"),
            ("patience", self.patience is None or self.patience >= 1, "1 or more"),
            ("seed", 0 <= self.seed <= LARGEST_SEED, f"from 0 to {LARGEST_SEED}"),
        ):
            if not within:
                raise InputError(f"{name} is {getattr(self, name)!r}; it must be {expected}")
