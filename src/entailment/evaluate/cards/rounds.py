"""How a model was trained, where the recipe of the bundled model, `entailment.train.bundled`, recorded that.

The figures are those of training.json; the words are about what every run of that recipe does.
"""

from __future__ import annotations

from collections.abc import Sequence

from entailment.evaluate.cards import records
from entailment.evaluate.cards.facts import Facts
from entailment.evaluate.cards.markdown import block, code, escape, hidden, section, table
from entailment.evaluate.cards.records import Record
from entailment.evaluate.cards.results import DIGITS

MEASURED = (
    "Measured with ONNX Runtime in float32 on the weights as stored; none of these sets was trained on or "
    "tuned on. One command repeats a line: `entail evaluate --data DATA/FILE`, where FILE is "
    "`nli/NAME.parquet` or `zeroshot/NAME.parquet`."
)

LOSSES = (
    "Three losses are added: the cross-entropy of NLI pairs; that of labelled texts recast as entailment or "
    "not (Yin et al. 2019), the wrong labels of a text together weighing as much as the right one; and the "
    "cross-entropy between the entailment logits of a text's rival labels."
)
LOSS_OF_PAIRS = "The loss is the cross-entropy of NLI pairs."
LICENCES = "Sources whose licence forbids commercial use, or allows research alone, are left out."

LIMITS = (
    "English alone.",
    "The pairs were written by crowd workers and the texts come partly from social media; some sources hold "
    "hateful language.",
    "Several sources state no licence, and texts of others remain subject to the terms of their platforms: "
    "check before you redistribute a model that was trained on them.",
    "It is small, and errs on conclusions that need more than one step.",
)


def of_rounds(facts: Facts) -> bool:
    """Whether training.json is that recipe's."""
    return bool(records.parts(facts.training, "rounds"))


def procedure(facts: Facts) -> str:
    """The command, the settings of each round, what was learnt, and from how many rows of each source."""
    training, rounds = facts.training, records.parts(facts.training, "rounds")
    base, package = records.text(training, "base_model"), records.text(training, "base_package")
    heads = [f"round {number}" for number in range(1, len(rounds) + 1)]
    recast = _counts(rounds, "topic_sources")
    begun = f"From {base}{f' ({package})' if package else ''}" if base else "Made"
    return section(
        "Training",
        [
            f"{begun} with this command:",
            block(records.text(training, "command") or ""),
            table(("setting", *heads), _settings(rounds)),
            "A round keeps the weights that do best on the validation sets: accuracy on "
            "`nli/validation.parquet`, and how often the right label comes first on "
            "`topics/validation.parquet`, five sources that are not trained on.",
            _finish(training),
            f"{LOSSES if recast else LOSS_OF_PAIRS} {LICENCES}",
            hidden("NLI pairs by source", table(("source", *heads), _counts(rounds, "nli_sources"))),
            hidden("Recast texts by source", table(("source", *heads), recast)) if recast else "",
        ],
    )


def _finish(training: Record) -> str:
    """What was made of the rounds' weights; nothing where the model is the last round's as it was."""
    members, bits = records.texts(training, "mean_of"), records.count(training, "weight_bits")
    temperature = records.number(training, "temperature")
    done = []
    if len(members) > 1:
        done.append(
            f"The model is the mean of the weights of {' and '.join(map(escape, members))}, a greedy soup "
            "(Wortsman et al. 2022): to the weights of the best round those of every other were added that "
            "made them no worse."
        )
    if bits is not None:
        done.append(
            f"The weights of linear layers were then rounded to {bits} bits, so that they are the same in "
            "float32 and in int8."
        )
    if temperature is not None:
        done.append(
            f"The logits were divided by {temperature:.{DIGITS}f}, the temperature that gives the pairs and "
            "the choices between labels of the validation sets the lowest cross-entropy (Guo et al. 2017)."
        )
    measured = records.part(training, "validation")
    values = {name: records.number(measured, name) for name in measured}
    shown = ", ".join(
        f"{escape(name)} {value:.{DIGITS}f}" for name, value in values.items() if value is not None
    )
    if done and shown:
        done.append(f"What came of it validates at {shown}.")
    return " ".join(done)


def _settings(rounds: Sequence[Record]) -> list[tuple[str, ...]]:
    settings = [records.flat(records.part(each, "settings")) for each in rounds]
    rows = [(escape(name), *(escape(each.get(name, "")) for each in settings)) for name in _names(settings)]
    steps = [[records.count(each, key) for key in ("steps", "best_step")] for each in rounds]
    best = [", ".join(f"{each:,}" for each in pair if each is not None) for pair in steps]
    rows.append(("steps, and the best of them", *best))
    measured = [records.part(each, "validation") for each in rounds]
    for name in _names(measured):
        values = [records.number(each, name) for each in measured]
        shown = ("" if value is None else f"{value:.{DIGITS}f}" for value in values)
        rows.append((f"validation: {escape(name)}", *shown))
    return rows


def _counts(rounds: Sequence[Record], key: str) -> list[tuple[str, ...]]:
    """How many rows of each source were learnt from, and of all; nothing where there was none of the kind."""
    counted = [records.part(each, key) for each in rounds]
    found = {name: [records.count(each, name) or 0 for each in counted] for name in sorted(_names(counted))}
    rows = [(code(name), *(f"{count:,}" for count in counts)) for name, counts in found.items()]
    total = ("all", *(f"{sum(counts):,}" for counts in zip(*found.values(), strict=True)))
    return [*rows, total] if rows else []


def _names(records_: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(name for each in records_ for name in each))
