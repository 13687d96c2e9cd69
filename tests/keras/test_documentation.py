"""The reference documentation's TensorFlow examples run with the import line changed.

They are read from where `tests/test_documentation_examples.py` reads its own, under the same terms: tiny
checkpoints of the names that the examples open, so that shapes, attributes and losses are asserted.
"""

from __future__ import annotations

import doctest
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.keras.tiny_keras import model
from tests.models.hub import EMOTIONS, ENTITIES, vocabulary_of
from tests.test_documentation_examples import REFERENCE, SETTING, STATED, ours, sections, token_classes

Names = dict[str, Any]

pytestmark = pytest.mark.skipif(
    not STATED and not REFERENCE.is_dir(),
    reason=f"no reference documents in {REFERENCE}: say with {SETTING} which folder they are in",
)

CHECKPOINTS: dict[str, tuple[str, dict[int, str], bool]] = {
    "google/mobilebert-uncased": ("ForPreTraining", {}, True),
    "vumichien/emo-mobilebert": ("ForSequenceClassification", EMOTIONS, False),
    "vumichien/mobilebert-finetuned-ner": ("ForTokenClassification", ENTITIES, False),
    "vumichien/mobilebert-uncased-squad-v2": ("ForQuestionAnswering", {}, False),
}


@pytest.fixture(scope="module")
def examples() -> dict[str, str]:
    """The code under each heading of a TensorFlow class, in one piece: later parts use names of earlier."""
    document = sections((REFERENCE / "mobilebert-documentation.md").read_text(encoding="utf-8"))
    found = {}
    for title, text in document.items():
        if title.startswith("TFMobileBert"):
            parts = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
            found[title] = ours("\n".join(part for part in parts if ">>>" in part))
    return found


@pytest.fixture(scope="module")
def vocabulary(examples: dict[str, str]) -> tuple[str, ...]:
    return vocabulary_of(" ".join(examples.values()))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, vocabulary: tuple[str, ...]) -> Path:
    """A folder in which the names of the examples are checkpoint folders: safetensors, and tf_model.h5."""
    root = tmp_path_factory.mktemp("hub")
    settings = {"tokenizer_class": "MobileBertTokenizer", "do_lower_case": True, "model_max_length": 512}
    for name, (task, labels, safe) in CHECKPOINTS.items():
        made = model(task, vocab_size=len(vocabulary), id2label=labels, max_position_embeddings=64)
        made.save_pretrained(root / name, safe_serialization=safe)
        (root / name / "vocab.txt").write_text("".join(f"{piece}\n" for piece in vocabulary))
        (root / name / "tokenizer_config.json").write_text(json.dumps(settings))
    return root


def executed(code: str) -> Names:
    """The names an example leaves; what its bare expressions gave is under "shown"."""
    names: Names = {"shown": []}
    for part in doctest.DocTestParser().get_examples(code):
        if part.want:
            names["shown"].append(eval(part.source, names))  # noqa: S307
        else:
            exec(part.source, names)  # noqa: S102
    return names


def encoder(names: Names, words: int) -> None:
    assert names["last_hidden_states"].shape == (1, 8, 16)


def pre_training(names: Names, words: int) -> None:
    assert names["prediction_scores"].shape == (1, 8, words)
    assert names["seq_relationship_scores"].shape == (1, 2)


def masked_words(names: Names, words: int) -> None:
    assert names["logits"].shape == (1, 9, words)
    assert names["mask_token_index"].numpy().tolist() == [[6]]
    assert [type(shown) for shown in names["shown"]] == [str, float]
    assert math.isfinite(names["shown"][1])


def next_sentence(names: Names, words: int) -> None:
    assert names["logits"].shape == (1, 2)


def sequence(names: Names, words: int) -> None:
    assert names["logits"].shape == (1, 4)
    assert names["shown"][0] in EMOTIONS.values()
    assert math.isfinite(names["shown"][1])


def choices(names: Names, words: int) -> None:
    assert names["logits"].shape == (1, 2)
    assert names["model"].loading_report.initialised == ("classifier.bias", "classifier.weight")


def question(names: Names, words: int) -> None:
    assert names["outputs"].start_logits.shape == names["outputs"].end_logits.shape == (1, 14)
    assert names["outputs"].loss.shape == (1,)
    assert [type(shown) for shown in names["shown"]] == [str, float]


CHECKS: dict[str, Callable[[Names, int], None]] = {
    "TFMobileBertModel": encoder,
    "TFMobileBertForPreTraining": pre_training,
    "TFMobileBertForMaskedLM": masked_words,
    "TFMobileBertForNextSentencePrediction": next_sentence,
    "TFMobileBertForSequenceClassification": sequence,
    "TFMobileBertForMultipleChoice": choices,
    "TFMobileBertForTokenClassification": lambda names, _: token_classes(names),
    "TFMobileBertForQuestionAnswering": question,
}


def test_every_example_has_its_check(examples: dict[str, str]) -> None:
    assert list(examples) == list(CHECKS)
    assert all("from entailment import" in code and ">>>" in code for code in examples.values())


@pytest.mark.parametrize("title", CHECKS)
def test_an_example(
    title: str,
    examples: dict[str, str],
    vocabulary: tuple[str, ...],
    hub: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(hub)
    CHECKS[title](executed(examples[title]), len(vocabulary))
