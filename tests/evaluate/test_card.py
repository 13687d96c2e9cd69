"""Model cards: what was recorded is there, what was not is not, and the hub's own parser reads them."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import ModelCard, metadata_load
from markdown_it import MarkdownIt
from tests.evaluate.card_files import TRAINING, hub_reads, report, results_of, trained, write
from tests.tiny import tiny_distilbert, tiny_mobilebert

from entailment import open_checkpoint
from entailment.checkpoint.calibration import Calibration, Scaling, Threshold, write_calibration
from entailment.checkpoint.quantization import Gate, Int8Input, Quantization, fingerprint, write_quantization
from entailment.errors import CheckpointError, CorruptCheckpointError
from entailment.evaluate.cards.facts import Stated, read_facts
from entailment.evaluate.cards.procedure import duration
from entailment.evaluate.cards.write import MARK, card_text, write_card

STATED = Stated(name="org/tiny-nli", licence="mit", languages=("en",))


def card_of(folder: Path, stated: Stated | None = None) -> str:
    return card_text(read_facts(folder, stated))


def body_of(text: str) -> str:
    return ModelCard(text).text


def metadata_of(text: str) -> set[str]:
    """The names of what the hub reads."""
    return {name for name, value in vars(hub_reads(text)).items() if value is not None}


def assert_whole(text: str) -> None:
    """No slot, no missing value, no table with a row of another width."""
    body = body_of(text)
    assert not re.search(r"[{}]|\bNone\b|\b[Nn]a[Nn]\b|\b[Uu]nknown\b", re.sub(r"`[^`]*`", "", body))
    for block in re.findall(r"(?:^\|.*\n)+", body, re.MULTILINE):
        widths = {len(re.split(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block
    assert "\n\n\n" not in body


def test_the_guard_finds_what_it_should() -> None:
    top = "---\nlicense: mit\n---\n\n"
    assert_whole(top + "| a | b |\n| --- | --- |\n| `{}` | none of them |\n")
    ragged, gap = "| a | b |\n| --- | --- |\n| 1 |\n", "a\n\n\nb\n"
    for bad in ("{name}\n", "loss nan\n", "None\n", "Unknown\n", ragged, gap):
        with pytest.raises(AssertionError):
            assert_whole(top + bad)


def test_what_was_recorded_is_there(tmp_path: Path) -> None:
    folder = trained(tmp_path / "model")
    path = write_card(folder, STATED, [report(tmp_path / "report.json")])
    text = path.read_text(encoding="utf-8")
    assert_whole(text)
    for fact in (
        "# tiny-nli",
        "2 layers of width 32",
        "0 entailment, 1 neutral, 2 contradiction",
        'ZeroShotClassifier("org/tiny-nli")(',
        'pipeline("zero-shot-classification", model="org/tiny-nli")(',
        "Measured with `entail evaluate` of entailment 0.1.0.",
        "| `pairs` | 3,000 | 0.7123 | 0.7000 | 0.6900 | 0.6950 | 0.6100 | 0.0321 |",
        "| `nyu-mll/glue:mnli` | train | 10,000 | 9,900 | duplicate 88, unlabelled 12 | cc-by-3.0 |",
        "| `own.jsonl` |",
        "| `stanfordnlp/snli` | validation | 50 | 50 |",
        "A tiny encoder on pairs.",
        "    entail train tiny-nli --out out\n",
        "| learning rate | 2e-05 |",
        "| betas | 0.9, 0.999 |",
        "| batches rows | 32 |",
        "- float16 is not to be had on a CPU; bfloat16 is used",
        "| steps | 100 of 200 |",
        "| tokens | 123,456 |",
        "| time | 1 h 7 min |",
        "| best accuracy | 0.8125 |",
        "| 50 | 0.75 |  |",
        "| energy kwh | 0.125 |",
        "| hardware name | Some Processor |",
        "| versions torch | 2.4.1 |",
        "lower-cased",
        "Gururangan et al. 2018",
    ):
        assert fact in text, fact
    for absent in ("/home/somebody", "carbon kg", "max steps", "dropout", "in evaluation set"):
        assert absent not in text, absent


def test_the_hub_reads_the_metadata(tmp_path: Path) -> None:
    folder = trained(tmp_path / "model")
    path = write_card(folder, STATED, [report(tmp_path / "report.json")])
    found = metadata_load(path)
    assert found is not None
    assert {key: found[key] for key in ("language", "license", "base_model", "datasets", "pipeline_tag")} == {
        "language": ["en"],
        "license": "mit",
        "base_model": "google/bert_tiny",
        "datasets": ["nyu-mll/glue"],
        "pipeline_tag": "zero-shot-classification",
    }
    assert found["library_name"] == "transformers"
    assert found["widget"][0]["candidate_labels"] == "sports, politics, cooking"
    text = str(ModelCard.load(path))
    assert hub_reads(text).model_name == "tiny-nli"
    assert {each.metric_name: each.metric_value for each in results_of(text)} == {
        "accuracy": 0.7123,
        "macro precision": 0.7,
        "macro recall": 0.69,
        "macro F1": 0.695,
    }
    assert {(each.dataset_type, each.dataset_split) for each in results_of(text)} == {("pairs", None)}


def test_a_language_that_yaml_takes_for_a_no(tmp_path: Path) -> None:
    text = card_of(trained(tmp_path / "model"), Stated(languages=("no",)))
    assert hub_reads(text).language == ["no"]
    assert hub_reads(text).get("widget") is None  # its texts are English


def test_what_was_not_recorded_is_left_out(tmp_path: Path) -> None:
    text = card_of(trained(tmp_path / "bare", training=None))
    assert_whole(text)
    assert metadata_of(text) == {"library_name", "pipeline_tag", "tags", "widget"}
    titles = re.findall(r"^#+ .*", body_of(text), re.MULTILINE)
    assert titles == ["# bare", "## How to use it", "## Limits and biases"]


def test_every_part_of_a_record_may_be_missing(tmp_path: Path) -> None:
    folder = trained(tmp_path / "model")
    for missing in _paths(TRAINING):
        training = copy.deepcopy(TRAINING)
        part = training
        for key in missing[:-1]:
            part = part[key]
        del part[missing[-1]]
        write(folder / "training.json", training)
        assert_whole(card_of(folder))


def _paths(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [path for key, each in value.items() for path in ((*above, key), *_paths(each, (*above, key)))]
    if isinstance(value, list):
        return [path for index, each in enumerate(value) for path in _paths(each, (*above, index))]
    return []


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("run", []),
        ("data", {"train": ["nyu-mll/glue"]}),
        ("data", {"train": [{"name": "x/y", "rows": "many"}]}),
        ("run", {"seconds": float("nan")}),
        ("base_model", 7),
        ("notes", [1]),
        ("name", ["tiny"]),
    ],
)
def test_a_record_of_another_kind_is_refused(tmp_path: Path, part: str, value: object) -> None:
    folder = trained(tmp_path / "model", {**TRAINING, part: value})
    with pytest.raises(CorruptCheckpointError, match=r"training\.json: .* should be"):
        card_of(folder)


@pytest.mark.parametrize(
    "text",
    ["a | b", "<script>alert(1)</script>", "`x` [a](http://b)", "---\nlicense: mit", "a\n# b", "![x](y)"],
)
def test_names_are_shown_and_never_interpreted(tmp_path: Path, text: str) -> None:
    training = copy.deepcopy(TRAINING)
    training["data"]["train"][0] |= {"name": text, "licence": text, "split": text, "dropped": {text: 1}}
    training |= {"name": text, "base_model": text, "command": text}
    training["recipe"]["description"] = text
    training["run"]["hardware"]["name"] = text
    shown = card_of(trained(tmp_path / "model", training))
    assert_whole(shown.replace(text, ""))
    page = MarkdownIt("commonmark").enable("table").render(body_of(shown))
    for raw in ("<script", "<a ", "<img"):
        assert raw not in page
    assert page.count("<h1>") == 1
    assert not {"license", "base_model", "datasets"} & metadata_of(shown)


def test_a_recipe_that_was_changed_is_not_described_by_its_own_words(tmp_path: Path) -> None:
    described = "A tiny encoder on pairs."
    assert described in card_of(trained(tmp_path / "model", TRAINING))
    changed = {**TRAINING, "command": "entail train tiny-nli --set settings.epochs=1 --out out"}
    shown = card_of(trained(tmp_path / "other", changed))
    assert described not in shown
    assert "By the recipe `tiny-nli`, changed as the command says." in shown


def test_a_folder_is_no_name_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = {**TRAINING, "base_model": "runs/earlier"}
    folder = trained(tmp_path / "model", training)
    assert hub_reads(card_of(folder)).base_model == "runs/earlier"
    (tmp_path / "runs" / "earlier").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    text = card_of(folder)
    assert hub_reads(text).base_model is None
    assert "From `earlier` with this command" in text


def test_a_folder_that_was_recorded_is_none_anywhere(tmp_path: Path) -> None:
    """`entail train` began in another working directory than the card is written in."""
    training = copy.deepcopy(TRAINING) | {"base_model": "./base"}
    training["data"]["train"] = [{"name": name} for name in ("./tickets", "./tickets:plain", "tickets.csv")]
    text = card_of(trained(tmp_path / "model", training))
    assert not {"base_model", "datasets"} & metadata_of(text)
    assert "From `base` with this command" in text
    for shown in ("| `tickets` |", "| `tickets:plain` |", "| `tickets.csv` |"):
        assert shown in text


def test_a_name_of_the_hub_with_a_revision(tmp_path: Path) -> None:
    training = copy.deepcopy(TRAINING) | {"base_model": "google/bert_tiny@refs/pr/1"}
    names = [
        "eriktks/conll2003@refs/convert/parquet",
        "nyu-mll/glue:mnli@main",
        "nyu-mll/glue:rte",
        "t@1.csv",
    ]
    training["data"]["train"] = [{"name": name} for name in names]
    text = card_of(trained(tmp_path / "model", training))
    assert hub_reads(text).base_model == "google/bert_tiny"
    assert hub_reads(text).datasets == ["eriktks/conll2003", "nyu-mll/glue"]
    assert "From `google/bert_tiny@refs/pr/1` with this command" in text
    for name in names:
        assert f"| `{name}` |" in text


def test_the_bundled_model_has_no_name_on_the_hub(tmp_path: Path) -> None:
    text = card_of(trained(tmp_path / "model", {**TRAINING, "base_model": "bundled"}))
    assert hub_reads(text).base_model is None
    assert "From `bundled` with this command" in text


def test_prefix_attention_is_offered_to_nobody_who_would_answer_wrongly(tmp_path: Path) -> None:
    text = card_of(trained(tmp_path / "model", attention="prefix"), STATED)
    assert_whole(text)
    data = hub_reads(text)
    assert (data.library_name, data.get("widget")) == ("entailment", None)
    assert "prefix-attention" in (data.tags or [])
    assert "transformers" not in text
    assert "would answer wrongly" in text


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (("entailment", "not_entailment"), "entails a hypothesis or does not"),
        (("contradiction", "entailment"), "entails a hypothesis or contradicts it"),
    ],
)
def test_two_classes(tmp_path: Path, labels: tuple[str, ...], says: str) -> None:
    text = card_of(trained(tmp_path / "model", training=None, labels=labels))
    assert says in text
    assert ", ".join(f"{index} {name}".replace("_", r"\_") for index, name in enumerate(labels)) in text


@pytest.mark.parametrize(
    ("architecture", "pipeline", "auto"),
    [
        ("BertForSequenceClassification", "text-classification", "AutoModelForSequenceClassification"),
        ("BertForTokenClassification", "token-classification", "AutoModelForTokenClassification"),
        ("BertForQuestionAnswering", "question-answering", "AutoModelForQuestionAnswering"),
        ("BertForMultipleChoice", "multiple-choice", "AutoModelForMultipleChoice"),
        ("BertForMaskedLM", "fill-mask", "AutoModelForMaskedLM"),
        ("BertModel", "feature-extraction", "AutoModel"),
    ],
)
def test_other_heads(tmp_path: Path, architecture: str, pipeline: str, auto: str) -> None:
    folder = trained(tmp_path / "model", training=None, labels=("good", "bad"))
    config = open_checkpoint(folder).config.to_dict() | {"architectures": [architecture]}
    text = card_of(Path(write(folder / "config.json", config).parent))
    assert_whole(text)
    assert hub_reads(text).pipeline_tag == pipeline
    assert f'{auto}.from_pretrained("model")' in text
    assert "premise" not in text


def test_other_architectures(tmp_path: Path) -> None:
    assert "A DistilBERT encoder (2 layers of width 32" in card_of(tiny_distilbert(tmp_path / "distilbert"))
    assert "A MobileBERT encoder (2 layers of width 32" in card_of(tiny_mobilebert(tmp_path / "mobilebert"))


def test_calibration_and_int8_are_those_of_these_weights(tmp_path: Path) -> None:
    folder = trained(tmp_path / "model")
    print_of = fingerprint(open_checkpoint(folder).weights())
    fitted = Scaling(
        temperature=1.25,
        bias={"neutral": -0.5},
        threshold=Threshold(value=0.75, target=0.9, precision=0.91, coverage=0.6),
        data="validation.jsonl",
        rows=2000,
        loss=0.6,
        loss_before=0.65,
        ece=0.01,
        ece_before=0.06,
    )
    write_calibration(folder, Calibration(pairs=fitted), print_of)
    gate = Gate(pairs=2000, agreement=0.995, accuracy=0.8, float32_accuracy=None, float32_layers=())
    inputs = {"layers.0.attention.query": Int8Input(scale=0.02, zero_point=128, outliers=())}
    write_quantization(folder, {8: Quantization(weight_bits=8, inputs=inputs, gate=gate)}, print_of)
    text = card_of(folder)
    assert_whole(text)
    assert (
        "| the class of a pair | `validation.jsonl` | 2,000 | 1.2500 | 0.6000 | 0.6500 | 0.0100 | 0.0600 |"
        in text
    )
    assert "neutral -0.5000" in text
    assert "0.7500 or more were right in 0.9100 of cases (wanted: 0.9); those were 0.6000 of the rows" in text
    assert "| 8 bits | 2,000 | 0.9950 | 0.8000 |  |" in text
    write_calibration(folder, Calibration(pairs=fitted), "other")
    with pytest.raises(CheckpointError, match="other weights"):
        card_of(folder)


def test_a_card_that_somebody_wrote_is_kept(tmp_path: Path) -> None:
    folder = trained(tmp_path / "model")
    (folder / "README.md").write_text("# By hand\n", encoding="utf-8")
    with pytest.raises(CheckpointError, match="--force"):
        write_card(folder, evaluations=[report(tmp_path / "report.json")])
    assert sorted(path.name for path in folder.iterdir() if path.suffix == ".md") == ["README.md"]
    assert not (folder / "results.json").exists()
    text = write_card(folder, force=True).read_text(encoding="utf-8")
    assert MARK in text
    assert write_card(folder).read_text(encoding="utf-8") == text  # over our own without asking


def test_what_was_stated_once_holds_until_something_else_is(tmp_path: Path) -> None:
    folder = trained(tmp_path / "model")
    write_card(folder, STATED)
    kept = hub_reads(write_card(folder, Stated(languages=("de",))).read_text(encoding="utf-8"))
    assert (kept.license, kept.language) == ("mit", ["de"])
    path = folder / "README.md"
    path.write_text(path.read_text(encoding="utf-8").replace("license: mit", "license: ["), encoding="utf-8")
    with pytest.raises(CorruptCheckpointError, match="no YAML"):
        write_card(folder)
    assert hub_reads(write_card(folder, force=True).read_text(encoding="utf-8")).license is None


def test_the_weights_are_not_touched(tmp_path: Path) -> None:
    folder = trained(tmp_path / "model")
    before = open_checkpoint(folder).weights()
    write_card(folder, STATED)
    after = open_checkpoint(folder).weights()
    assert all(np.array_equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.25, "0.25 s"), (59, "59 s"), (90, "2 min"), (3599, "1 h 0 min"), (7260, "2 h 1 min")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said
