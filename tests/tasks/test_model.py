"""`load_model` and the tasks end to end, on tiny random checkpoints."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.runtime.int8 import UNMEASURED, planned_checkpoint
from tests.tasks.pair_fakes import fake_model
from tests.tiny import tiny_bert

from entailment.checkpoint.calibration import Calibration, Scaling, write_calibration
from entailment.checkpoint.folder import open_checkpoint
from entailment.checkpoint.probe_pairs import PROBE_PAIRS
from entailment.checkpoint.quantization import Quantization, fingerprint, write_quantization
from entailment.errors import (
    CheckpointError,
    CheckpointNotFoundError,
    InputError,
    LabelOrderError,
    LabelsError,
    TextError,
)
from entailment.runtime.processor import exact_weight_bits
from entailment.tasks.check import DocumentChecker
from entailment.tasks.cross_encoder import CrossEncoder
from entailment.tasks.model import load_model, with_order
from entailment.tasks.nli import NLI
from entailment.tasks.zero_shot import ZeroShotClassifier
from entailment.text import beginning
from entailment.text.pairs import PairEncoder
from entailment.text.tokenizer import Tokenizer

UNNAMED = ("LABEL_0", "LABEL_1", "LABEL_2")
NLI_NAMES = ("entailment", "neutral", "contradiction")
LABELS = ["sports", "politics", "food", "music"]
TEXTS = ["the striker scored twice in the final", "the minister lost the election", "a good soup with bread"]
PAIRS = [(text, f"this is {label}") for text in TEXTS for label in LABELS]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("checkpoints")
    return {
        "full": tiny_bert(root / "full"),
        "prefix": tiny_bert(root / "prefix", attention="prefix"),
        "two": tiny_bert(root / "two", labels=("not_entailment", "entailment")),
        "unnamed": tiny_bert(root / "unnamed", labels=UNNAMED),
        "one": tiny_bert(root / "one", labels=("LABEL_0",)),
        "foreign": tiny_bert(root / "foreign", labels=("negative", "neutral", "positive")),
    }


def test_the_order_comes_from_the_names(folders: dict[str, Path]) -> None:
    model = load_model(folders["full"])
    assert model.order.source == "names"
    assert model.order.names == NLI_NAMES
    assert model.class_names == NLI_NAMES
    assert load_model(folders["two"]).order.entailment == 1


def test_a_stated_order_beats_the_names(folders: dict[str, Path]) -> None:
    order = load_model(folders["full"], label_order=["contradiction", "entailment", "neutral"]).order
    assert (order.source, order.entailment, order.contradiction) == ("stated", 1, 0)


def test_biases_for_other_names_than_the_model_is_opened_with(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "two", labels=("entailment", "not_entailment"))
    scaling = Scaling(1.0, {"entailment": -1.0, "not_entailment": 1.0}, None, "rows", 2, 0.0, 0.0, 0.0, 0.0)
    write_calibration(folder, Calibration(pairs=scaling), open_checkpoint(folder).fingerprint())
    for order in (None, ["entailment", "not_entailment"], ["not_entailment", "entailment"]):
        assert load_model(folder, label_order=order).calibration.pairs == scaling
    other = ["entailment", "contradiction"]
    for needs_order in (True, False):
        with pytest.raises(CheckpointError) as error:
            load_model(folder, label_order=other, needs_order=needs_order)
        for part in (
            str(folder),
            "biases for entailment, not_entailment",
            "opened as entailment, contradict",
        ):
            assert part in str(error.value)
        assert "`entail calibrate`, or open the model with the label order that it was" in str(error.value)
    assert load_model(folder, label_order=other, calibrated=False).order.names == tuple(other)


def test_biases_are_checked_once_the_probe_has_found_the_order() -> None:
    scaling = Scaling(1.0, {"entailment": -1.0, "not_entailment": 1.0}, None, "rows", 2, 0.0, 0.0, 0.0, 0.0)
    gold = {(premise, hypothesis): label for premise, hypothesis, label in PROBE_PAIRS}
    known = fake_model(lambda *pair: tuple(6.0 * (name == gold[pair]) for name in NLI_NAMES), NLI_NAMES)
    unprobed = replace(known, labels=None, calibration=Calibration(pairs=scaling))
    with pytest.raises(CheckpointError, match="opened as entailment, neutral, contradiction"):
        with_order(unprobed)


def test_silent_names_and_an_undecided_probe_say_how_to_state_the_order(folders: dict[str, Path]) -> None:
    for open_task in (load_model, NLI, ZeroShotClassifier):
        with pytest.raises(LabelOrderError) as error:
            open_task(folders["unnamed"])
        assert str(folders["unnamed"]) in str(error.value)
        assert "label_order=[" in str(error.value)
    stated = NLI(folders["unnamed"], label_order=list(NLI_NAMES))
    assert set(stated("a dog", "a cat").scores) == set(NLI_NAMES)


def test_the_probe_decides_where_the_model_knows_inference() -> None:
    meant = {(premise, hypothesis): name for premise, hypothesis, name in PROBE_PAIRS}
    order = ("neutral", "contradiction", "entailment")
    model = fake_model(lambda p, h: [5.0 * (name == meant[p, h]) for name in order], None)
    probed = with_order(model)
    assert probed.order.names == order
    assert probed.order.source == "probe"
    assert with_order(probed) is probed


@pytest.mark.parametrize("order", [["entailment", "neutral"], ["a", "b", "c"], ["entailment"] * 3])
def test_a_stated_order_that_does_not_fit(folders: dict[str, Path], order: list[str]) -> None:
    for needs_order in (True, False):
        with pytest.raises(LabelOrderError, match="stated order"):
            load_model(folders["full"], label_order=order, needs_order=needs_order)


@pytest.mark.parametrize("order", [5, 0, True])
def test_a_stated_order_that_is_no_list(folders: dict[str, Path], order: Any) -> None:
    with pytest.raises(LabelOrderError, match=r"label_order must be a list .*, not (5|0|True)$"):
        load_model(folders["full"], label_order=order)


@pytest.mark.parametrize("threads", ["2", 1.5, True, 100_000])
def test_threads_that_no_machine_has(folders: dict[str, Path], threads: Any) -> None:
    with pytest.raises(InputError, match=r"threads is .*; it must be a whole number from 1 to"):
        load_model(folders["full"], threads=threads)


def test_raw_logits_need_no_order(folders: dict[str, Path]) -> None:
    for name, classes in [("unnamed", UNNAMED), ("foreign", ("negative", "neutral", "positive"))]:
        model = CrossEncoder(folders[name])
        assert model.label_names == classes
        assert model.predict(PAIRS).shape == (len(PAIRS), 3)
        with pytest.raises(LabelOrderError):
            model.rank("query", ["document"])
        with pytest.raises(LabelOrderError):
            NLI(folders[name])


def test_a_reranker_is_no_nli_model(folders: dict[str, Path]) -> None:
    with pytest.raises(LabelOrderError, match="1 logit cannot tell entailment"):
        NLI(folders["one"])
    scores = CrossEncoder(folders["one"]).predict(PAIRS)
    assert scores.shape == (len(PAIRS),)
    assert ((scores > 0) & (scores < 1)).all()


@pytest.mark.parametrize(
    ("stated", "raw"),
    [
        ({"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"}}, True),
        ({"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"}, True),
        ({"sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Sigmoid"}}, False),
        ({"sentence_transformers": {"version": "5.0"}}, False),
        ({"sentence_transformers": 3}, False),
    ],
)
def test_the_activation_a_checkpoint_states(
    folders: dict[str, Path], tmp_path: Path, stated: dict[str, object], raw: bool
) -> None:
    folder = tiny_bert(tmp_path / "model", labels=("LABEL_0",))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **stated}))
    sigmoid = CrossEncoder(folders["one"]).predict(PAIRS)
    expected = np.log(sigmoid / (1 - sigmoid)) if raw else sigmoid
    np.testing.assert_allclose(CrossEncoder(folder).predict(PAIRS), expected, atol=1e-4)


def test_length_of_pairs(folders: dict[str, Path]) -> None:
    encoders = [
        load_model(folders[name], max_length=most).encoder
        for name, most in [("full", None), ("full", 20), ("prefix", None)]
    ]
    assert all(isinstance(encoder, PairEncoder) for encoder in encoders)
    lengths = [(e.max_length, e.hypothesis_reserve) for e in encoders if isinstance(e, PairEncoder)]
    assert lengths == [(64, 0), (20, 0), (64, 30)]  # a reserve of 64 would leave a model of 64 no premise
    for most in (3, 65, 12.5, True):
        with pytest.raises(InputError, match="max_length must be a whole number from 8 to 64"):
            load_model(folders["full"], max_length=most)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stated", "length"), [(12, 12), (64, 64), (512, 64), (1e30, 64), (None, 64), ("x", 64)]
)
def test_the_length_a_tokenizer_states(tmp_path: Path, stated: object, length: int) -> None:
    folder = _stating(tmp_path, stated)
    encoder = load_model(folder).encoder
    assert isinstance(encoder, PairEncoder)
    assert encoder.max_length == length
    assert CrossEncoder(folder, max_length=40).max_length == 40  # who says so may have more


@pytest.mark.parametrize("stated", [1, 7])
def test_a_length_without_room_for_a_pair(tmp_path: Path, stated: int) -> None:
    folder = _stating(tmp_path, stated)
    with pytest.raises(
        CheckpointError, match=rf"model_max_length of {stated}, .*; give max_length, from 8 to 64"
    ):
        load_model(folder)
    assert CrossEncoder(folder, max_length=8).max_length == 8


def _stating(tmp_path: Path, length: object) -> Path:
    folder = tiny_bert(tmp_path / "model")
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_max_length": length}))
    return folder


def test_no_such_model(tmp_path: Path) -> None:
    with pytest.raises(CheckpointNotFoundError):
        ZeroShotClassifier(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["full", "prefix", "two"])
def test_the_three_tasks_agree(folders: dict[str, Path], name: str) -> None:
    model = load_model(folders[name], threads=1)
    logits = CrossEncoder(model).predict(PAIRS).reshape(len(TEXTS), len(LABELS), -1)
    results = NLI(model)(PAIRS)
    template = "this is {}"
    for index, answer in enumerate(ZeroShotClassifier(model)(TEXTS, LABELS, hypothesis_template=template)):
        entailed = logits[index, :, model.order.entailment].astype(float)
        expected = np.exp(entailed) / np.exp(entailed).sum()
        assert [answer["scores"][answer["labels"].index(label)] for label in LABELS] == pytest.approx(
            expected.tolist(), abs=1e-5
        )
        for place in range(len(LABELS)):
            result = results[index * len(LABELS) + place]
            assert result.label == model.order.names[logits[index, place].argmax()]


@pytest.mark.parametrize("name", ["full", "prefix"])
def test_neither_company_nor_chunks_change_an_answer(folders: dict[str, Path], name: str) -> None:
    classifier = ZeroShotClassifier(folders[name])
    texts = [f"{text} {word}" for text in TEXTS for word in ("", "today", "in the city by the river")] * 3
    together = classifier(texts, LABELS, multi_label=True)
    streamed = list(classifier.stream(texts, LABELS, multi_label=True, chunk_size=2))
    for text, first, second in zip(texts, together, streamed, strict=True):
        assert first["sequence"] == second["sequence"] == text
        for label, score in zip(first["labels"], first["scores"], strict=True):
            assert classifier(text, label)["scores"] == pytest.approx([score], abs=1e-5)
            assert second["scores"][second["labels"].index(label)] == pytest.approx(score, abs=1e-5)


@pytest.mark.parametrize("name", ["full", "prefix"])
def test_an_endless_text_is_cut_and_said_so(
    folders: dict[str, Path], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    text = "the dog runs in the park. " * 400_000
    with caplog.at_level(logging.WARNING, "entailment"):
        answer = ZeroShotClassifier(folders[name])(text, LABELS)
    assert answer["truncated"]["total"] == len(text)
    assert 0 < answer["truncated"]["read"] < 400
    assert len(caplog.records) == 1
    assert sum(answer["scores"]) == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["full", "prefix"])
@pytest.mark.parametrize(
    ("labels", "noted"),
    [
        (["food", "US", "us"], "the labels 'US' and 'us' are the same tokens to the model"),
        ([["food", "US"], ["food", "us"], ["us", "US"]], "the labels 'us' and 'US' are the same tokens"),
        (LABELS, ""),
        ([["food", "US"], ["food", "us"], ["us", "food"]], ""),
    ],
)
def test_labels_that_the_model_cannot_tell_apart_are_noted(
    folders: dict[str, Path], name: str, labels: Any, noted: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "entailment"):
        answers = ZeroShotClassifier(folders[name])(TEXTS, labels, multi_label=True)
    assert [record.getMessage().startswith(noted) for record in caplog.records] == [True] * bool(noted)
    scores = dict(zip(answers[-1]["labels"], answers[-1]["scores"], strict=True))
    if noted:
        one, other = noted.split("'")[1:4:2]
        assert scores[one] == pytest.approx(scores[other], abs=1e-6)


@pytest.mark.parametrize("labels", [["food", "\u200b"], [["food"], ["food"], ["\u00ad\ufeff", "food"]]])
def test_labels_without_tokens_are_refused(folders: dict[str, Path], labels: Any) -> None:
    for template in ("This example is {}.", "{}"):
        with pytest.raises(
            LabelsError, match=r"the label '\\[ux].*' is empty to the model: .*; leave it out"
        ):
            ZeroShotClassifier(folders["full"])(TEXTS, labels, hypothesis_template=template)


@pytest.mark.parametrize(
    ("labels", "noted"),
    [
        (["🎉", "food"], ["the label '🎉' is unknown to the model"]),
        (
            ["🎉", "food", "🎂 ☃", "☃"],
            ["the label '🎉' is unknown to the model", "the labels '🎉' and '☃' are the same tokens"],
        ),
        ([["food"], ["🎂", "food"], ["☃"]], ["the label '🎂' is unknown"]),
        (["🎉 food", "food"], []),
    ],
)
def test_labels_that_the_model_does_not_know_are_noted(
    folders: dict[str, Path], labels: Any, noted: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "entailment"):
        ZeroShotClassifier(folders["full"])(TEXTS, labels)
    found = [record.getMessage() for record in caplog.records]
    assert len(found) == len(noted)
    assert all(message.startswith(start) for message, start in zip(found, noted, strict=True))


def test_labels_that_are_known_are_not_tokenised_again(
    folders: dict[str, Path], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier, read = ZeroShotClassifier(folders["full"]), []
    whole = beginning.read_beginnings

    def spy(tokenizer: Tokenizer, texts: list[str], *, limit: int) -> list[beginning.Beginning]:
        read.append(texts)
        return whole(tokenizer, texts, limit=limit)

    monkeypatch.setattr(beginning, "read_beginnings", spy)
    with caplog.at_level(logging.WARNING, "entailment"):
        for _ in range(3):
            classifier(TEXTS[0], ["food", "☃", "music"])
    classifier(TEXTS[0], ["music", "food"])
    assert read == [["food", "☃", "music"], ["☃"], ["☃"], []]
    assert len(caplog.records) == 3  # each call says so


def test_labels_are_read_once_for_all_texts(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []
    monkeypatch.setattr("entailment.tasks.zero_shot.check_readable", lambda labels, *_: read.append(labels))
    list(ZeroShotClassifier(folders["full"]).stream(TEXTS * 3, LABELS, chunk_size=2))
    assert read == [tuple(LABELS)]


def test_with_prefix_attention_the_cut_does_not_depend_on_the_labels(folders: dict[str, Path]) -> None:
    classifier = ZeroShotClassifier(folders["prefix"])
    text = "the dog runs in the park. " * 20
    alone = classifier(text, ["food"], multi_label=True)
    both = classifier(text, ["food", "a very long label about politics"], multi_label=True)
    assert both["truncated"] == alone["truncated"]
    assert both["scores"][both["labels"].index("food")] == pytest.approx(alone["scores"][0], abs=1e-5)


def test_texts_and_hypotheses_that_do_not_fit(folders: dict[str, Path]) -> None:
    classifier = ZeroShotClassifier(folders["full"])
    with pytest.raises(TextError, match=r"^text 2 with the label 'x': the premise is empty: "):
        classifier(["a dog", "\u200b"], ["x", "y"])
    with pytest.raises(TextError, match=r"^text 1 with the label 'zebra zebra .*': the hypothesis has "):
        classifier(["a dog"], ["x", "zebra " * 20])


TASKS = (NLI, ZeroShotClassifier, CrossEncoder, DocumentChecker)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that says how it computes in int8."""
    checkpoint = open_checkpoint(tiny_bert(tmp_path_factory.mktemp("int8"), attention="prefix"))
    inputs = planned_checkpoint("prefix").inputs
    assert inputs is not None
    plan = Quantization(exact_weight_bits(), inputs, UNMEASURED)
    write_quantization(checkpoint.folder, {plan.weight_bits: plan}, fingerprint(checkpoint.weights()))
    return checkpoint.folder


@pytest.mark.parametrize("task", TASKS)
def test_every_task_takes_a_precision(task: type, measured: Path) -> None:
    wanted = load_model(measured, precision="int8").run(PAIRS)[1]
    exact = load_model(measured).run(PAIRS)[1]
    np.testing.assert_array_equal(task(measured, precision="int8").model.run(PAIRS)[1], wanted)
    np.testing.assert_array_equal(task(measured, precision="float32").model.run(PAIRS)[1], exact)
    np.testing.assert_array_equal(task(measured).model.run(PAIRS)[1], exact)
    assert 1e-3 < np.abs(wanted - exact).max() < 1


@pytest.mark.parametrize("task", TASKS)
def test_a_precision_that_cannot_be(task: type, measured: Path, folders: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="precision is 'int4'; it must be 'float32' or 'int8'"):
        task(measured, precision="int4")
    with pytest.raises(
        CheckpointError, match=r"`entail quantize .*full --data pairs\.jsonl`, or use float32"
    ):
        task(folders["full"], precision="int8")
    with pytest.raises(InputError, match="precision belong to load_model"):
        task(load_model(measured), precision="int8")
