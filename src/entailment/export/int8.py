"""int8: ranges from real pairs, fragile layers left in float32, and nothing accepted that was not measured.

The inputs of linear layers get their ranges from calibration pairs (`int8_input`). Then the int8 model judges
other pairs beside the float32 model. As long as it disagrees too often, the layers whose rounding changes the
logits of the calibration pairs most, for the arithmetic they save, go back to float32, a few at a time. The
first try that is accurate enough is taken, and its figures are those of the pairs that chose it: the fewer
pairs and the more tries, the more they flatter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
import numpy.typing as npt

from entailment.checkpoint.config import Config
from entailment.checkpoint.quantization import WEIGHT_BITS, Gate, Quantization, WeightBits
from entailment.errors import InputError
from entailment.graphs.builder import Product, Weights, float32_product
from entailment.graphs.products import Int8Product
from entailment.runtime.engine import Logits, OnnxEngine, build_graph
from entailment.runtime.processor import exact_weight_bits
from entailment.runtime.ranges import InputRange, input_ranges, int8_input
from entailment.text.pairs import EncodedPair

LEAST_AGREEMENT = 0.99
"""To be exceeded by one standard error, for the pairs that judge also choose among the tries."""
FEWEST_JUDGED = 99
"""With fewer pairs `LEAST_AGREEMENT` lies within one standard error even where all of them agree."""
LARGEST_LOSS = 0.003
"""Of accuracy, from 0 to 1."""

PAIRS_TO_RANK = 64
LEFT_OUT = (1, 2, 3, 4, 6, 8, 10, 12, 16, 20)
"""How many layers are left in float32, try by try, after a first try with none."""

Say = Callable[[str], object]


@dataclass(frozen=True, eq=False)
class Judged:
    """Pairs that both models judge.

    Attributes:
        pairs: the pairs.
        gold: int64 [N], the index of the logit that is right for each, or None if nobody knows.
    """

    pairs: Sequence[EncodedPair]
    gold: npt.NDArray[np.int64] | None


def quantize(
    config: Config,
    weights: Weights,
    calibration: Sequence[EncodedPair],
    judged: Judged,
    say: Say = lambda _: None,
) -> dict[WeightBits, Quantization]:
    """How a model can compute in int8, for each number of weight bits that is accurate enough.

    Args:
        config: the architecture.
        weights: float32 arrays by our names.
        calibration: pairs that ranges are taken from.
        judged: other pairs, at least `FEWEST_JUDGED`, on which the int8 model must give the label of the
            float32 model in `LEAST_AGREEMENT` of all cases and a standard error more, and lose at most
            `LARGEST_LOSS` of its accuracy.
        say: told in a line what was found, as it is found.

    Returns:
        At least one plan, by the bits of its weights; none for more bits than this processor computes
        exactly, for what it measured would not be so elsewhere.

    Raises:
        InputError: there are no pairs or too few that judge, the model has no labels to agree on, or no plan
            is accurate enough; then the message has the figures.
        NonFiniteLogitsError: the float32 model answers NaN or infinity.
        UnsupportedModelError: the architecture does not compute in int8.
    """
    if not calibration or not judged.pairs:
        raise InputError("there are no pairs to take ranges from, or none to judge")
    if config.num_labels < 2:
        raise InputError(
            "a model with one logit gives every pair the same label: int8 cannot be judged by it"
        )
    if (count := len(judged.pairs)) < FEWEST_JUDGED:
        raise InputError(
            f"int8 cannot be judged by so few pairs ({count}): at least {FEWEST_JUDGED} are needed, for with "
            f"fewer {LEAST_AGREEMENT:.0%} agreement lies within one standard error even where all agree"
        )
    ranges = input_ranges(config, weights, calibration)
    trial = _Trial(config, weights, calibration, judged)
    # What is computed for the answers alone takes no time worth saving.
    most_rows = max(each.rows for each in ranges.values())
    inputs = {name: int8_input(each) for name, each in ranges.items() if 2 * each.rows > most_rows}
    found: dict[WeightBits, Quantization] = {}
    failures: list[str] = []
    for bits in (bits for bits in WEIGHT_BITS if bits <= exact_weight_bits()):
        tried: list[Gate] = []
        for attempt in trial.attempts(Quantization(bits, inputs, trial.nothing_measured), ranges):
            tried.append(attempt.gate)
            kept = len(attempt.gate.float32_layers)
            say(f"{bits}-bit weights, layers left in float32: {kept}; {figures(attempt.gate)}")
            if accurate_enough(attempt.gate):
                found[bits] = attempt
                break
        else:
            best = max(tried, key=lambda gate: gate.agreement)
            failures.append(f"{bits}-bit weights: {figures(best)}")
    if not found:
        raise InputError(
            f"int8 is not accurate enough for this model ({'; '.join(failures)}): asked for are at least "
            f"{LEAST_AGREEMENT:.0%} agreement, one standard error included, and at most "
            f"{LARGEST_LOSS * 100:.1f} points of accuracy lost. Use float32"
        )
    return found


def accurate_enough(gate: Gate) -> bool:
    """Whether an int8 model may be used."""
    loss = 0.0
    if gate.accuracy is not None and gate.float32_accuracy is not None:
        loss = gate.float32_accuracy - gate.accuracy
    # 0.703 - 0.7 is a bit more than 0.003.
    return gate.agreement - _standard_error(gate) >= LEAST_AGREEMENT and loss <= LARGEST_LOSS + 1e-9


def _standard_error(gate: Gate) -> float:
    """That of the agreement, from 0 to 1.

    Where all N pairs agree, the usual formula gives 0, be there one pair or a million. Wilson's bound (1927)
    is then 1 - 1 / (N + 1), one standard error below. As soon as a pair disagrees, the formula gives more.
    """
    return max(sqrt(gate.agreement * (1 - gate.agreement) / gate.pairs), 1 / (gate.pairs + 1))


def figures(gate: Gate) -> str:
    """What was measured, in words."""
    text = f"{gate.agreement:.2%} agreement on {gate.pairs:,} pairs"
    if gate.accuracy is None or gate.float32_accuracy is None:
        return text
    return f"{text}, accuracy {gate.accuracy:.4f} (float32 {gate.float32_accuracy:.4f})"


class _Trial:
    """The float32 model's verdicts, and int8 models beside it."""

    def __init__(
        self, config: Config, weights: Weights, calibration: Sequence[EncodedPair], judged: Judged
    ) -> None:
        self._config, self._weights, self._judged = config, weights, judged
        # Layers are ranked by other pairs than those that judge the outcome.
        self._few = calibration[:PAIRS_TO_RANK]
        self._float32_few = self._logits(float32_product, self._few)
        self._float32 = self._logits(float32_product, judged.pairs)
        self.nothing_measured = Gate(0, 0.0, None, self._accuracy(self._float32), ())

    def attempts(self, plan: Quantization, ranges: Mapping[str, InputRange]) -> Iterator[Quantization]:
        """The plan, then with more and more layers in float32; each with what was measured."""
        yield self._measured(plan, ())
        order = self._fragile_first(plan, ranges)
        for left_out in (order[:count] for count in LEFT_OUT if count < len(order)):
            kept = {name: how for name, how in plan.inputs.items() if name not in left_out}
            yield self._measured(replace(plan, inputs=kept), left_out)

    def _fragile_first(self, plan: Quantization, ranges: Mapping[str, InputRange]) -> tuple[str, ...]:
        """The layers of a plan; first those that change logits most for the arithmetic they save."""

        def harm(name: str) -> float:
            alone = replace(plan, inputs={name: plan.inputs[name]})
            change = self._logits(Int8Product(alone), self._few) - self._float32_few
            return float((change**2).mean()) / (len(ranges[name].lowest) * ranges[name].outputs)

        return tuple(sorted(plan.inputs, key=lambda name: -harm(name)))

    def _measured(self, plan: Quantization, in_float32: tuple[str, ...]) -> Quantization:
        """The plan, with what was measured."""
        logits = self._logits(Int8Product(plan), self._judged.pairs)
        agreement = float((logits.argmax(axis=1) == self._float32.argmax(axis=1)).mean())
        gate = replace(
            self.nothing_measured,
            pairs=len(logits),
            agreement=agreement,
            accuracy=self._accuracy(logits),
            float32_layers=in_float32,
        )
        return replace(plan, gate=gate)

    def _accuracy(self, logits: Logits) -> float | None:
        gold = self._judged.gold
        return None if gold is None else float((logits.argmax(axis=1) == gold).mean())

    def _logits(self, product: Product, pairs: Sequence[EncodedPair]) -> Logits:
        return OnnxEngine(build_graph(self._config, self._weights, product), self._config).logits(pairs)
