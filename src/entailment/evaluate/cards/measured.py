"""What a card says of measurements: on data sets, of probabilities, and of int8."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from entailment.checkpoint.calibration import Scaling
from entailment.evaluate.cards.facts import Facts
from entailment.evaluate.cards.markdown import code, escape, listed, section, table
from entailment.evaluate.cards.results import DIGITS, MEASURES, Result


def results(facts: Facts, note: str = "") -> str:
    """What was measured on data sets; `note` says what else is known of how."""
    nli = [result for result in facts.results if result.task == "nli"]
    texts = [result for result in facts.results if result.task == "zero-shot"]
    versions = sorted({result.version for result in facts.results if result.version is not None})
    parts = [note]
    if versions:
        parts.append(f"Measured with `entail evaluate` of entailment {', '.join(map(escape, versions))}.")
    if nli:
        parts += ["Natural language inference:", _nli_table(nli)]
    if texts:
        mean = sum(result.measures["macro_f1"] for result in texts) / len(texts)
        parts += [
            f"Zero-shot classification (mean macro F1 **{mean:.{DIGITS}f}**):",
            _zero_shot_table(texts),
        ]
    parts.append(
        "The expected calibration error is over 15 equal-width bins of the winning class's probability (Guo "
        "et al. 2017)."
    )
    return section("Results", parts) if facts.results else ""


def calibration(facts: Facts) -> str:
    """What was fitted on validation rows to make probabilities honest, if anything was."""
    questions = {
        "the class of a pair": facts.calibration.pairs,
        "the label of a text": facts.calibration.labels,
    }
    fitted = {question: scaling for question, scaling in questions.items() if scaling is not None}
    if not fitted:
        return ""
    head = ("question", "fitted on", "rows", "temperature", "loss", "before", "calibration error", "before")
    rows = [
        (
            question,
            code(each.data),
            f"{each.rows:,}",
            *(_share(value) for value in (each.temperature, each.loss, each.loss_before, each.ece)),
            _share(each.ece_before),
        )
        for question, each in fitted.items()
    ]
    return section(
        "Calibration",
        [
            "Logits are divided by a temperature (Guo et al. 2017) that was fitted on validation rows and is "
            "recorded in `calibration.json`. Libraries that do not read that file give other probabilities.",
            table(head, rows),
            listed([line for question, each in fitted.items() for line in _fitted_besides(question, each)]),
        ],
    )


def int8(facts: Facts) -> str:
    """What was measured before the model was allowed to compute in int8, if it was."""
    if not facts.int8:
        return ""

    rows = [
        (
            f"{bits} bits",
            f"{gate.pairs:,}",
            *map(_share, (gate.agreement, gate.accuracy, gate.float32_accuracy)),
        )
        for bits, gate in sorted(facts.int8.items())
    ]
    return section(
        "In int8",
        [
            'With `precision="int8"` it computes faster. The share of pairs that are answered as in float32, '
            "and the accuracies, on the pairs that the plan in `quantization.json` was chosen by:",
            table(("weights", "pairs", "agreement", "accuracy", "accuracy in float32"), rows),
        ],
    )


def _fitted_besides(question: str, scaling: Scaling) -> Iterator[str]:
    if scaling.bias:
        added = ", ".join(f"{escape(name)} {value:+.4f}" for name, value in scaling.bias.items())
        yield f"For {question}, then added to the logits: {added}."
    if (found := scaling.threshold) is not None:
        yield (
            f"For {question}, answers with a probability of {_share(found.value)} or more were right in "
            f"{_share(found.precision)} of cases (wanted: {found.target:g}); those were "
            f"{_share(found.coverage)} of the rows."
        )


def _nli_table(found: Sequence[Result]) -> str:
    shown = [key for key in MEASURES if any(key in result.measures for result in found)]
    rows = [
        (
            code(result.name),
            f"{result.count:,}",
            *(f"{result.measures[key]:.{DIGITS}f}" if key in result.measures else "" for key in shown),
        )
        for result in found
    ]
    return table(("set", "pairs", *(MEASURES[key] for key in shown)), rows)


def _zero_shot_table(found: Sequence[Result]) -> str:
    shown = ("accuracy", "macro_f1", "ece")
    rows = [
        (
            code(result.name),
            f"{result.count:,}",
            "" if result.labels is None else f"{result.labels:,}",
            "" if result.template is None else code(result.template),
            *(f"{result.measures[key]:.{DIGITS}f}" for key in shown),
        )
        for result in found
    ]
    return table(("set", "texts", "labels", "template", *(MEASURES[key] for key in shown)), rows)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.{DIGITS}f}"
