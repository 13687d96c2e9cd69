"""What every card says: what the model is, how it is used, and its limits."""

from __future__ import annotations

import json
from collections.abc import Sequence

from entailment.checkpoint.folder import BUNDLED
from entailment.checkpoint.labels import LabelOrder
from entailment.evaluate.cards.facts import Facts
from entailment.evaluate.cards.markdown import code, escape, listed, section
from entailment.evaluate.cards.metadata import EXAMPLE_LABELS, EXAMPLE_TEXT
from entailment.evaluate.cards.results import DIGITS

SHAPES = {
    "bert": "An encoder of BERT's shape",
    "distilbert": "A DistilBERT encoder",
    "mobilebert": "A MobileBERT encoder",
}

EXAMPLE_PAIR = '"The shop opens at nine on Sundays.", "The shop is closed on Sunday mornings."'
EXAMPLE = f"{json.dumps(EXAMPLE_TEXT)}, {json.dumps(EXAMPLE_LABELS)}"

#: What a head does, by the hub's name of its task.
DOES = {
    "text-classification": "sorts texts into its classes",
    "token-classification": "gives each word of a text a class",
    "question-answering": "marks the answer to a question in a text",
    "multiple-choice": "chooses how a text goes on",
    "fill-mask": "fills masked words of a text",
    "feature-extraction": "turns texts into vectors",
}


def about(facts: Facts) -> str:
    """What the model is, in a paragraph or two, and what its outputs mean."""
    config = facts.config
    size = f"{config.num_hidden_layers} layers of width {config.hidden_size}"
    if facts.parameters is not None:
        millions = facts.parameters >= 1_000_000
        count = f"{facts.parameters / 1e6:.1f} million" if millions else f"{facts.parameters:,}"
        size += f", {count} parameters"
    if facts.lowercase:
        size += ", not case-sensitive"
    does = DOES.get(facts.pipeline or "") if facts.order is None else _inference(facts.order)
    paragraphs = [f"{SHAPES[config.model_type]} ({size})" + (f" that {does}." if does else ".")]
    if config.attention == "prefix":
        paragraphs.append(
            "Its attention is `prefix`: premise tokens do not see the hypothesis, so a text is read once "
            "however many labels are asked, and the logits of a label do not depend on the other labels. "
            "Other libraries ignore this and would answer wrongly."
        )
    return "\n\n".join([*paragraphs, *_outputs(facts)])


def usage(facts: Facts) -> str:
    """How to run it: with this library, and with transformers where that can."""
    called = "" if facts.address == BUNDLED else _quoted(facts.address)
    parts = []
    if facts.order is not None:
        parts.append(
            _python(
                "from entailment import NLI, ZeroShotClassifier",
                "",
                f"ZeroShotClassifier({called})({EXAMPLE})",
                f"NLI({called})({EXAMPLE_PAIR})",
            )
        )
    if facts.config.attention == "full" and called:
        parts += _with_transformers(facts, called)
    if facts.order is None:
        parts.append(f"It reads at most {facts.max_length} tokens.")
    else:
        parts.append(
            f"It reads at most {facts.max_length} tokens a pair; entailment cuts the end of a longer "
            "premise, and reports that."
        )
    return section("How to use it", parts)


def limits(facts: Facts, special: Sequence[str] = ()) -> str:
    """What it cannot do: what was measured, what is known of such models, and `special` of this one."""
    items = [*_measured_limits(facts), *special]
    if facts.lowercase:
        items.append("It reads everything lower-cased: what only capitals tell is lost.")
    if facts.order is not None:
        items += [
            "Models of inference err on numbers, negation and long premises (Naik et al. 2018), and take "
            "shared words for entailment (McCoy et al. 2019).",
            "In pairs that crowd workers wrote, the hypothesis alone often gives its label away (Gururangan "
            "et al. 2018): accuracy on such pairs says less about others.",
            "Such pairs also hold stereotypes of gender, age and origin (Rudinger et al. 2017), and trained "
            "models repeat them (Dev et al. 2020). Do not let this model alone decide anything about a "
            "person.",
            "People disagree about many pairs (Pavlick and Kwiatkowski 2019); a single label hides that.",
            "Zero-shot scores compare the labels that were asked. Where none of them fits, one of them still "
            "scores best: use `threshold`. Wording matters, and models differ in it (Ma et al. 2021): try a "
            "template that reads as a sentence with your labels in it.",
        ]
    else:
        items.append(
            "It may repeat the stereotypes of its training texts. Do not let this model alone decide "
            "anything about a person, and measure it on texts of your own first."
        )
    return section("Limits and biases", [listed(items)])


def _inference(order: LabelOrder) -> str:
    if order.not_entailment is not None:
        whether = "entails a hypothesis or does not"
    elif order.neutral is None:
        whether = "entails a hypothesis or contradicts it"
    else:
        whether = "entails a hypothesis, leaves it open, or contradicts it"
    return f"tells whether a premise {whether}, and so sorts texts into labels it was never trained on"


def _outputs(facts: Facts) -> list[str]:
    labels = [facts.config.id2label[index] for index in sorted(facts.config.id2label)]
    if facts.pipeline not in ("zero-shot-classification", "text-classification", "token-classification"):
        return []
    shown = [f"{index} {escape(label)}" for index, label in enumerate(labels)]
    return [f"Logits: {', '.join(shown)}."] if shown else []


def _measured_limits(facts: Facts) -> list[str]:
    if len(facts.results) < 2:
        return []
    worst = min(facts.results, key=lambda result: result.measures["accuracy"])
    unsure = max(facts.results, key=lambda result: result.measures["ece"])
    return [
        f"Of the sets above it is right least often on {code(worst.name)} (accuracy "
        f"{worst.measures['accuracy']:.{DIGITS}f}), and its probabilities are furthest from its accuracy on "
        f"{code(unsure.name)} (calibration error {unsure.measures['ece']:.{DIGITS}f})."
    ]


def _with_transformers(facts: Facts, called: str) -> list[str]:
    if facts.order is not None:
        run = f'pipeline("zero-shot-classification", model={called})({EXAMPLE})'
        return ["With transformers:", _python("from transformers import pipeline", "", run)]
    if facts.head is None:
        return []
    auto = f"AutoModel{facts.head.removeprefix('Model')}"
    lines = (
        f"from transformers import {auto}, AutoTokenizer",
        "",
        f"tokenizer = AutoTokenizer.from_pretrained({called})",
        f"model = {auto}.from_pretrained({called})",
    )
    return [_python(*lines)]


def _python(*lines: str) -> str:
    return "\n".join(("```python", *lines, "```"))


def _quoted(name: str) -> str:
    return json.dumps(" ".join(name.split()), ensure_ascii=False)
