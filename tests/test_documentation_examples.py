"""The documentation's PyTorch examples and the four cards' usage run with the import line changed, and
nothing else.

The checkpoints they name are tiny folders of those names in the working directory, with a vocabulary that has
the examples' words; so shapes, attributes and losses are asserted, and not what a trained model would say.
"""

from __future__ import annotations

import doctest
import json
import math
import re
import string
from pathlib import Path
from typing import Any

import pytest

import entailment

torch = pytest.importorskip("torch", reason="the extra torch is not installed")

EXAMPLES = Path(__file__).with_name("documentation_examples.md")
WORDS = """
the capital of france is paris hello my dog cute who was jim henson a nice puppet in italy pizza served formal
settings such as at restaurant presented unsliced sky blue due to shorter wavelength light it eaten with fork
and knife while held hand company based new york i liked movie good man eats something black race car starts
up front crowd people driving down lonely road eating
"""
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PIECES = (*string.ascii_lowercase, *(f"##{letter}" for letter in string.ascii_lowercase), *string.punctuation)
VOCABULARY = tuple(dict.fromkeys((*SPECIAL, *PIECES, *WORDS.split())))
NLI = {0: "entailment", 1: "neutral", 2: "contradiction"}
EMOTIONS = {0: "others", 1: "happy", 2: "sad", 3: "angry"}
ENTITIES = {0: "O", 1: "I-ORG", 2: "I-LOC"}
CHECKPOINTS = {
    "google/mobilebert-uncased": ("MobileBertForPreTraining", {}),
    "lordtt13/emo-mobilebert": ("MobileBertForSequenceClassification", EMOTIONS),
    "mrm8488/mobilebert-finetuned-ner": ("MobileBertForTokenClassification", ENTITIES),
    "csarron/mobilebert-uncased-squad-v2": ("MobileBertForQuestionAnswering", {}),
    "typeform/mobilebert-uncased-mnli": ("MobileBertForSequenceClassification", NLI),
    "typeform/distilbert-base-uncased-mnli": ("DistilBertForSequenceClassification", NLI),
    "MoritzLaurer/MiniLM-L6-mnli": ("BertForSequenceClassification", NLI),
    "agentlans/TinyBERT_General_4L_312D-nli": ("BertForSequenceClassification", NLI),
}


def tiny_config(architecture: str, labels: dict[int, str]) -> Any:
    shared: dict[str, Any] = {"vocab_size": len(VOCABULARY), "id2label": labels, "initializer_range": 0.3}
    if architecture == "DistilBert":
        return entailment.DistilBertConfig(dim=16, n_layers=2, n_heads=2, hidden_dim=16, **shared)
    shared |= dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16)
    if architecture == "Bert":
        return entailment.BertConfig(**shared)
    return entailment.MobileBertConfig(embedding_size=8, intra_bottleneck_size=8, **shared)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the names of the examples are checkpoint folders."""
    root = tmp_path_factory.mktemp("hub")
    for name, (kind, labels) in CHECKPOINTS.items():
        torch.manual_seed(0)
        architecture = kind.partition("For")[0]
        getattr(entailment, kind)(tiny_config(architecture, labels)).save_pretrained(root / name)
        (root / name / "vocab.txt").write_text("".join(f"{piece}\n" for piece in VOCABULARY))
        settings = {
            "tokenizer_class": f"{architecture}Tokenizer",
            "do_lower_case": True,
            "model_max_length": 512,
        }
        (root / name / "tokenizer_config.json").write_text(json.dumps(settings))
    return root


def example(title: str) -> str:
    """The code under a heading, its import lines changed."""
    found = re.search(
        rf"^## {re.escape(title)}\n\n```\n(.*?)^```", EXAMPLES.read_text(), re.MULTILINE | re.DOTALL
    )
    assert found is not None, title
    return re.sub(r"from (transformers|sentence_transformers) import", "from entailment import", found[1])


@pytest.fixture
def run(hub: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs an example and returns its names; what its bare expressions gave is under "shown"."""
    monkeypatch.chdir(hub)

    def run_example(title: str, **given: Any) -> dict[str, Any]:
        code, names = example(title), {**given, "shown": []}
        if not code.startswith(">>>"):
            exec(code, names)  # noqa: S102
            return names
        for part in doctest.DocTestParser().get_examples(code):
            if part.want:
                names["shown"].append(eval(part.source, names))  # noqa: S307
            else:
                exec(part.source, names)  # noqa: S102
        return names

    return run_example


def finite(loss: Any) -> bool:
    return bool(loss.shape == () and loss.isfinite() and loss > 0)


def test_config(run: Any) -> None:
    names = run("config")
    assert names["configuration"] == entailment.MobileBertConfig()
    assert names["model"].num_parameters() == 24_844_544


def test_model(run: Any) -> None:
    assert run("model")["last_hidden_states"].shape == (1, 8, 16)


def test_pre_training(run: Any) -> None:
    names = run("pre-training")
    assert names["prediction_logits"].shape == (1, 8, len(VOCABULARY))
    assert names["seq_relationship_logits"].shape == (1, 2)


def test_masked_language_model(run: Any) -> None:
    names = run("masked language model")
    assert names["logits"].shape == (1, 9, len(VOCABULARY))
    assert names["mask_token_index"].tolist() == [6]
    word, loss = names["shown"]
    assert word in VOCABULARY or f"##{word}" in VOCABULARY
    assert math.isfinite(loss)
    assert (names["labels"] != -100).sum() == 1
    assert names["labels"][0, 6] == VOCABULARY.index("paris")


def test_next_sentence(run: Any) -> None:
    names = run("next sentence")
    assert names["logits"].shape == (1, 2)
    assert finite(names["loss"])


def test_single_label(run: Any) -> None:
    names = run("single label")
    assert names["logits"].shape == (1, 4)
    label, loss = names["shown"]
    assert label in EMOTIONS.values()
    assert math.isfinite(loss)
    assert names["model"].config.id2label == EMOTIONS


def test_several_labels(run: Any) -> None:
    names = run("several labels")
    assert names["labels"].shape == names["logits"].shape == (1, 4)
    assert names["labels"].sum() == len(names["predicted_class_ids"])
    assert finite(names["loss"])


def test_multiple_choice(run: Any) -> None:
    names = run("multiple choice")
    assert names["logits"].shape == (1, 2)
    assert finite(names["loss"])
    assert names["model"].loading_report.initialised == ("classifier.bias", "classifier.weight")


def test_token_classes(run: Any) -> None:
    names = run("token classes")
    classes, loss = names["shown"]
    assert len(classes) == names["inputs"]["input_ids"].shape[1] == names["logits"].shape[1]
    assert set(classes) <= set(ENTITIES.values())
    assert math.isfinite(loss)


def test_question(run: Any) -> None:
    names = run("question")
    assert names["outputs"].start_logits.shape == names["outputs"].end_logits.shape == (1, 14)
    answer, loss = names["shown"]
    assert isinstance(answer, str)
    assert math.isfinite(loss)


@pytest.mark.parametrize("family", ["DistilBERT", "MobileBERT"])
def test_cards_of_one_line(run: Any, family: str) -> None:
    names = run(f"card {family}")
    assert names["model"].config.id2label == NLI
    answer = names["model"](**names["tokenizer"]("A man eats", "The man is eating", return_tensors="pt"))
    assert answer.logits.shape == (1, 3)


def test_card_of_minilm(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    names = run("card MiniLM", device="cpu")
    assert set(names["prediction"]) == set(NLI.values())
    assert sum(names["prediction"].values()) == pytest.approx(100, abs=0.2)
    assert "entailment" in capsys.readouterr().out


def test_card_of_tinybert(run: Any) -> None:
    names = run("card TinyBERT, sentence transformers")
    assert names["scores"].shape == (2, 3)
    again = run("card TinyBERT, transformers")
    assert again["labels"] == names["labels"]
    assert set(names["labels"]) <= set(NLI.values())
    torch.testing.assert_close(again["scores"], torch.from_numpy(names["scores"]), atol=1e-4, rtol=0)


def test_every_example_is_run() -> None:
    titles = re.findall(r"^## (.*)$", EXAMPLES.read_text(), re.MULTILINE)
    source = Path(__file__).read_text()
    assert len(titles) == 15
    assert all(f'"{title}"' in source or title in ("card DistilBERT", "card MobileBERT") for title in titles)
