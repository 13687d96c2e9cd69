"""The reference documentation's PyTorch examples and the four cards' usage run with the import line changed.

They are read from the folder of reference documents, which is no part of this project: ENTAILMENT_REFERENCE
says where it lies, else `shared/reference` beside the checkout is taken, and without either these tests are
skipped. `models/test_usage.py` makes the same calls in examples of our own.

The checkpoints the examples name are tiny folders of those names in the working directory, with a vocabulary
that has the examples' words; so shapes, attributes and losses are asserted, not what a trained model says.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.models.hub import EMOTIONS, ENTITIES, HIDDEN, NLI, make_hub, vocabulary_of

import entailment

SETTING = "ENTAILMENT_REFERENCE"
STATED = os.environ.get(SETTING)
REFERENCE = Path(STATED or Path(__file__).parents[2] / "shared" / "reference").absolute()
IMPORT = "from (?:transformers|sentence_transformers) import"
Names = dict[str, Any]

pytestmark = pytest.mark.skipif(
    not STATED and not REFERENCE.is_dir(),
    reason=f"no reference documents in {REFERENCE}: say with {SETTING} which folder they are in",
)


def snippets(text: str) -> list[str]:
    """The code of a document that imports what we stand in for, and nothing of TensorFlow.

    A card that lost its fences is plain lines: there code goes from such an import to the first print.
    """
    found = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    if not found:
        found = re.findall(rf"^{IMPORT}.*?^print\(.*?\)$", text, re.MULTILINE | re.DOTALL)
    return [code for code in found if re.search(IMPORT, code) and "tensorflow" not in code]


def sections(text: str) -> dict[str, str]:
    """The text under each heading of the second level."""
    parts = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def ours(code: str) -> str:
    """The code with its import lines changed, and with the indentation that was lost.

    That is a space before the first line, and the body of a block: one statement of one line in a snippet.
    """
    code = re.sub(r"^((?:with|for|if) .*:\n)(?=\S)", r"\1    ", code.strip(), flags=re.MULTILINE)
    return re.sub(IMPORT, "from entailment import", code)


@pytest.fixture(scope="module")
def examples() -> dict[str, list[str]]:
    """Every example, by the heading of the documentation or the name of the card it is found under."""
    documents = sections((REFERENCE / "mobilebert-documentation.md").read_text(encoding="utf-8"))
    documents |= {path.stem: path.read_text(encoding="utf-8") for path in REFERENCE.glob("card-*.md")}
    found = {title: [ours(code) for code in snippets(text)] for title, text in documents.items()}
    return {title: codes for title, codes in found.items() if codes}


@pytest.fixture(scope="module")
def vocabulary(examples: dict[str, list[str]]) -> tuple[str, ...]:
    return vocabulary_of(" ".join(code for codes in examples.values() for code in codes))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, vocabulary: tuple[str, ...]) -> Path:
    """A folder in which the names of the examples are checkpoint folders."""
    root = tmp_path_factory.mktemp("hub")
    make_hub(root, vocabulary)
    return root


@pytest.fixture
def run(
    hub: Path,
    examples: dict[str, list[str]],
    vocabulary: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str, int], Names]:
    """Runs an example and returns its names.

    What its bare expressions gave is under "shown", what it printed under "printed". "vocabulary" is there
    for the checks, and "device" because a card leaves it open.
    """
    monkeypatch.chdir(hub)

    def run_example(title: str, index: int) -> Names:
        code, printed = examples[title][index], io.StringIO()
        names: Names = {"shown": [], "vocabulary": vocabulary, "device": "cpu"}
        with contextlib.redirect_stdout(printed):
            if not code.startswith(">>>"):
                exec(code, names)  # noqa: S102
            for part in doctest.DocTestParser().get_examples(code):
                if part.want:
                    names["shown"].append(eval(part.source, names))  # noqa: S307
                else:
                    exec(part.source, names)  # noqa: S102
        return {**names, "printed": printed.getvalue()}

    return run_example


def finite(loss: Any) -> bool:
    return bool(loss.shape == () and loss.isfinite() and loss > 0)


def config(names: Names) -> None:
    assert names["configuration"] == entailment.MobileBertConfig()
    assert names["model"].num_parameters() == 24_844_544


def encoder(names: Names) -> None:
    assert names["last_hidden_states"].shape == (1, 8, HIDDEN)


def pre_training(names: Names) -> None:
    assert names["prediction_logits"].shape == (1, 8, len(names["vocabulary"]))
    assert names["seq_relationship_logits"].shape == (1, 2)


def masked_words(names: Names) -> None:
    assert names["logits"].shape == (1, 9, len(names["vocabulary"]))
    assert names["mask_token_index"].tolist() == [6]
    word, loss = names["shown"]
    assert word in names["vocabulary"] or f"##{word}" in names["vocabulary"]
    assert math.isfinite(loss)
    assert (names["labels"] != -100).sum() == 1
    assert names["labels"][0, 6] == names["vocabulary"].index("paris")


def next_sentence(names: Names) -> None:
    assert names["logits"].shape == (1, 2)
    assert finite(names["loss"])


def single_label(names: Names) -> None:
    assert names["logits"].shape == (1, 4)
    label, loss = names["shown"]
    assert label in EMOTIONS.values()
    assert math.isfinite(loss)
    assert names["model"].config.id2label == EMOTIONS


def several_labels(names: Names) -> None:
    assert names["labels"].shape == names["logits"].shape == (1, 4)
    assert names["labels"].sum() == len(names["predicted_class_ids"])
    assert finite(names["loss"])


def multiple_choice(names: Names) -> None:
    assert names["logits"].shape == (1, 2)
    assert finite(names["loss"])
    assert names["model"].loading_report.initialised == ("classifier.bias", "classifier.weight")


def token_classes(names: Names) -> None:
    classes, loss = names["shown"]
    assert len(classes) == names["inputs"]["input_ids"].shape[1] == names["logits"].shape[1]
    assert set(classes) <= set(ENTITIES.values())
    assert math.isfinite(loss)


def question(names: Names) -> None:
    assert names["outputs"].start_logits.shape == names["outputs"].end_logits.shape == (1, 14)
    answer, loss = names["shown"]
    assert isinstance(answer, str)
    assert math.isfinite(loss)


def card_that_only_opens(names: Names) -> None:
    assert names["model"].config.id2label == NLI
    answer = names["model"](**names["tokenizer"]("Two texts", "of our own", return_tensors="pt"))
    assert answer.logits.shape == (1, 3)


def card_of_minilm(names: Names) -> None:
    assert set(names["prediction"]) == set(NLI.values())
    assert sum(names["prediction"].values()) == pytest.approx(100, abs=0.2)
    assert "entailment" in names["printed"]


def card_of_tinybert(names: Names) -> None:
    assert names["scores"].shape == (2, 3)
    assert set(names["labels"]) <= set(NLI.values())
    assert names["printed"] == f"{names['labels']}\n"


# By title, a check for each example found there, in their order.
CHECKS: dict[str, tuple[Callable[[Names], None], ...]] = {
    "MobileBertConfig": (config,),
    "MobileBertModel": (encoder,),
    "MobileBertForPreTraining": (pre_training,),
    "MobileBertForMaskedLM": (masked_words,),
    "MobileBertForNextSentencePrediction": (next_sentence,),
    "MobileBertForSequenceClassification": (single_label, several_labels),
    "MobileBertForMultipleChoice": (multiple_choice,),
    "MobileBertForTokenClassification": (token_classes,),
    "MobileBertForQuestionAnswering": (question,),
    "card-distilbert-mnli": (card_that_only_opens,),
    "card-mobilebert-mnli": (card_that_only_opens,),
    "card-minilm-l6-mnli": (card_of_minilm,),
    "card-tinybert-nli": (card_of_tinybert, card_of_tinybert),
}


def test_every_example_has_its_check(examples: dict[str, list[str]]) -> None:
    assert {title: len(codes) for title, codes in examples.items()} == {
        title: len(checks) for title, checks in CHECKS.items()
    }
    assert sum(map(len, examples.values())) == 15


@pytest.mark.parametrize(
    ("title", "index"), [(title, index) for title, checks in CHECKS.items() for index in range(len(checks))]
)
def test_an_example(run: Callable[[str, int], Names], title: str, index: int) -> None:
    CHECKS[title][index](run(title, index))


def test_both_ways_of_the_tinybert_card_agree(run: Callable[[str, int], Names]) -> None:
    one, other = run("card-tinybert-nli", 0), run("card-tinybert-nli", 1)
    assert one["labels"] == other["labels"]
    torch.testing.assert_close(other["scores"], torch.from_numpy(one["scores"]), atol=1e-4, rtol=0)
