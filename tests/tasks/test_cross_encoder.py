from __future__ import annotations

import dataclasses
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tasks.pair_fakes import by_word, engine_of, fake_model
from tests.tiny import tiny_bert

from entailment.errors import InputError, LabelOrderError, MissingExtraError, TextError
from entailment.tasks.cross_encoder import CHUNK, CrossEncoder

PAIRS = [("a dog", "a dog"), ("a cat", "a dog"), ("a cat and a dog", "a cat")]


def reranker(**options: object) -> CrossEncoder:
    model = fake_model(lambda p, h: (by_word(p, h)[0] - 3.0,), None, num_labels=1)
    return CrossEncoder(dataclasses.replace(model, **options))  # type: ignore[arg-type]


def test_raw_logits_of_many_pairs_and_of_one() -> None:
    model = CrossEncoder(fake_model(by_word, None))
    scores = model.predict(PAIRS)
    assert scores.shape == (3, 3)
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores, [by_word(*pair) for pair in PAIRS])
    for one in (PAIRS[2], list(PAIRS[2])):
        np.testing.assert_array_equal(model.predict(one), scores[2])
    assert model.predict([]).shape == (0, 3)
    assert [row.tolist() for row in model.predict(PAIRS, convert_to_numpy=False)] == scores.tolist()


def test_softmax() -> None:
    model = CrossEncoder(fake_model(by_word))
    scores = model.predict(PAIRS, apply_softmax=True)
    powers = np.exp(model.predict(PAIRS))
    np.testing.assert_allclose(scores, powers / powers.sum(axis=1, keepdims=True), rtol=1e-6)
    assert model.predict(PAIRS[0], apply_softmax=True).shape == (3,)


def test_one_logit_gets_a_sigmoid_and_loses_its_axis() -> None:
    model = reranker()
    logits = np.array([by_word(*pair)[0] - 3.0 for pair in PAIRS])
    scores = model.predict(PAIRS)
    assert scores.shape == (3,)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-logits)), rtol=1e-6)
    assert model.predict(PAIRS[0]).shape == ()
    assert model.predict([]).shape == (0,)
    np.testing.assert_array_equal(model.predict(PAIRS, apply_softmax=True), scores)
    np.testing.assert_allclose(reranker(activation="identity").predict(PAIRS), logits, rtol=1e-6)


def test_activation_fn() -> None:
    model = fake_model(by_word)
    np.testing.assert_array_equal(CrossEncoder(model).predict(PAIRS, activation_fn=np.abs).min(), 0.0)
    np.testing.assert_array_equal(
        CrossEncoder(model, activation_fn=np.square).predict(PAIRS), np.square([by_word(*p) for p in PAIRS])
    )
    for bad in (3, 0, "sigmoid"):
        with pytest.raises(InputError, match=f"activation_fn must be a function of the logits, not {bad!r}"):
            CrossEncoder(model).predict(PAIRS, activation_fn=bad)  # type: ignore[call-overload]
        with pytest.raises(InputError, match="activation_fn must be a function"):
            CrossEncoder(model, activation_fn=bad)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="keep the rows"):
        CrossEncoder(model).predict(PAIRS, activation_fn=lambda logits: logits[:1])


def test_arguments_of_sentence_transformers() -> None:
    model: Any = CrossEncoder(fake_model(by_word))
    nothing = {"num_workers": 0, "activation_fct": None, "prompt": None, "prompt_name": None, "device": None}
    np.testing.assert_array_equal(model.predict(PAIRS, **nothing), model.predict(PAIRS))
    for asked, message in (
        ({"num_workers": 2}, "predict has no argument num_workers: the model computes in threads of its own"),
        (
            {"activation_fct": np.abs},
            "predict has no argument activation_fct: it is now called activation_fn",
        ),
        ({"prompt": "query: "}, "predict has no argument prompt: write the prompt into the texts"),
        ({"batchsize": 2}, "predict has no argument 'batchsize'; it has .*batch_size"),
    ):
        with pytest.raises(InputError, match=message):
            model.predict(PAIRS, **asked)


def test_label_names() -> None:
    model = fake_model(by_word, None)
    assert CrossEncoder(model).label_names == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert CrossEncoder(dataclasses.replace(model, class_names=("A", "B", "C"))).label_names == (
        "A",
        "B",
        "C",
    )
    assert CrossEncoder(fake_model(by_word)).label_names == ("entailment", "neutral", "contradiction")


def test_rank_of_a_reranker_is_that_of_its_pairs() -> None:
    model = reranker()
    documents = ["nothing", "where is the dog", "the dog"]
    scores = model.predict([("where is the dog", document) for document in documents])
    ranking = model.rank("where is the dog", documents)
    assert [row["corpus_id"] for row in ranking] == [1, 2, 0]
    assert [row["score"] for row in ranking] == pytest.approx(sorted(scores.tolist(), reverse=True))
    assert all(type(row["corpus_id"]) is int and type(row["score"]) is float for row in ranking)
    assert "text" not in ranking[0]
    top = model.rank("where is the dog", documents, top_k=1, return_documents=True)
    assert top == [{**ranking[0], "text": "where is the dog"}]
    assert model.rank("query", []) == []
    assert model.rank("query", documents, top_k=0) == []
    assert [row["corpus_id"] for row in model.rank("unrelated", documents)] == [0, 1, 2]


@pytest.mark.parametrize(
    "names", [("entailment", "neutral", "contradiction"), ("not_entailment", "entailment")]
)
def test_rank_of_an_nli_model_asks_whether_the_document_entails_the_query(names: tuple[str, ...]) -> None:
    seen = []

    def belief(premise: str, hypothesis: str) -> list[float]:
        seen.append((premise, hypothesis))
        return [float(len(premise)) if name == "entailment" else 0.0 for name in names]

    ranking = CrossEncoder(fake_model(belief, names)).rank("claim", ["a", "abc", "ab"])
    assert seen == [("a", "claim"), ("abc", "claim"), ("ab", "claim")]
    assert [row["corpus_id"] for row in ranking] == [1, 2, 0]
    expected = np.exp(3.0) / (np.exp(3.0) + len(names) - 1)
    assert ranking[0]["score"] == pytest.approx(expected)


def test_rank_of_unnamed_classes_needs_the_order_and_predict_does_not() -> None:
    model = CrossEncoder(fake_model(lambda p, h: [0.0] * 5, None, num_labels=5))
    assert model.predict(PAIRS).shape == (3, 5)
    with pytest.raises(LabelOrderError, match="5 logits"):
        model.rank("query", ["document"])


def test_more_pairs_than_a_chunk_keep_their_order() -> None:
    model = fake_model(lambda p, h: (float(p), 0.0, 0.0))
    scores = CrossEncoder(model).predict([(str(i), "h") for i in range(CHUNK + 5)])
    assert scores[:, 0].tolist() == list(range(CHUNK + 5))
    assert engine_of(model).calls == [CHUNK, 5]


def test_errors_and_notes_count_from_the_first_pair(caplog: pytest.LogCaptureFixture) -> None:
    model = CrossEncoder(fake_model(by_word, room=10))
    with caplog.at_level(logging.WARNING, "entailment"):
        model.predict([("p", "h")] * CHUNK + [("p" * 11, "h")])
    assert f"pair {CHUNK + 1} is longer" in caplog.text
    with pytest.raises(TextError, match=f"^pair {CHUNK + 2}: the hypothesis has 11 tokens"):
        model.predict([("p", "h")] * (CHUNK + 1) + [("p", "h" * 11)])


def test_progress_bar_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    model = CrossEncoder(fake_model(by_word))
    quiet = model.predict(PAIRS)
    assert capsys.readouterr() == ("", "")
    np.testing.assert_array_equal(model.predict(PAIRS, show_progress_bar=True), quiet)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Pairs" in shown.err


def test_truncation_is_noted(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "entailment"):
        CrossEncoder(fake_model(by_word, room=10)).predict([("p", "h"), ("p" * 11, "h")])
    assert "the first text of pair 2 is longer" in caplog.text
    assert "`truncated`" not in caplog.text  # scores have no such field


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        ("a text", "not 'a text'"),
        (7, "not 7"),
        (["one", "two", "three"], "pair 1 is not a pair"),
        ([("one",)], "pair 1 is not a pair"),
        ([("one", "")], "the hypothesis of pair 1 is empty"),
    ],
)
def test_bad_pairs(pairs: object, says: str) -> None:
    with pytest.raises(TextError) as error:
        CrossEncoder(fake_model(by_word)).predict(pairs)  # type: ignore[call-overload]
    assert says in str(error.value)


def test_bad_arguments() -> None:
    model = CrossEncoder(fake_model(by_word))
    with pytest.raises(InputError, match="batch_size"):
        model.predict(PAIRS, batch_size=0)
    with pytest.raises(InputError, match="top_k"):
        model.rank("q", ["d"], top_k=-1)
    with pytest.raises(InputError, match="activation_fn"):
        model.rank("q", ["d"], activation_fn=np.abs)
    with pytest.raises(TextError, match="documents must be a list"):
        model.rank("q", "d")
    with pytest.raises(TextError, match="document 1 is empty"):
        model.rank("q", ["d", " "])
    with pytest.raises(TextError, match="the query is not a text"):
        model.rank(3, ["d"])  # type: ignore[arg-type]


@pytest.mark.parametrize("names", [("entailment", "neutral", "contradiction"), None])
@pytest.mark.parametrize("given", [PAIRS, PAIRS[0], PAIRS[:1], []])
def test_scores_as_one_tensor(names: tuple[str, ...] | None, given: Any) -> None:
    torch = pytest.importorskip("torch")
    model = CrossEncoder(fake_model(by_word, names)) if names else reranker()
    for also in (True, False):
        tensor = model.predict(given, convert_to_tensor=True, convert_to_numpy=also)
        assert isinstance(tensor, torch.Tensor)
        assert tensor.dtype == torch.float32
        np.testing.assert_array_equal(tensor.numpy(), model.predict(given))


def test_tensors_need_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    model = CrossEncoder(fake_model(by_word))
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"convert_to_tensor=True needs torch: .*entailment\[torch\]"):
        model.predict(PAIRS, convert_to_tensor=True)
    assert engine_of(model.model).calls == []


def test_pairs_in_an_array() -> None:
    model = CrossEncoder(fake_model(by_word))
    expected = model.predict(PAIRS)
    for dtype in (str, object):
        array = np.array(PAIRS, dtype=dtype)
        assert array.shape == (3, 2)
        np.testing.assert_array_equal(model.predict(array), expected)
        np.testing.assert_array_equal(model.predict(array[2]), expected[2])
        np.testing.assert_array_equal(model.predict(array[:2]), expected[:2])
    with pytest.raises(TextError, match="pair 1 is not a pair"):
        model.predict(np.array([["one", "two", "three"]]))
    with pytest.raises(TextError, match="not array"):
        model.predict(np.array("ab"))
    with pytest.raises(TextError, match="pair 1 is not a pair"):
        model.predict(np.zeros((2, 2)))


def test_activations_of_torch() -> None:
    torch = pytest.importorskip("torch")
    model = CrossEncoder(fake_model(by_word))
    logits = torch.from_numpy(model.predict(PAIRS))
    for activation in (torch.nn.Sigmoid(), torch.nn.Softmax(dim=-1), torch.nn.Identity(), torch.sigmoid):
        found = model.predict(PAIRS, activation_fn=activation)
        np.testing.assert_array_equal(found, activation(logits).numpy())
    layer = torch.nn.Linear(3, 2)  # its weights want gradients
    for weighted in (layer, lambda logits: layer(torch.from_numpy(logits))):
        found = model.predict(PAIRS, activation_fn=weighted)
        np.testing.assert_array_equal(found, layer(logits).detach().numpy())
    with pytest.raises(TypeError, match="no such thing"):
        model.predict(PAIRS, activation_fn=_broken)


def _broken(logits: object) -> None:
    raise TypeError("no such thing")


def test_labels_and_device_are_checked() -> None:
    model = fake_model(by_word)
    assert CrossEncoder(model, num_labels=3, device="cpu").num_labels == 3
    with pytest.raises(InputError, match="fake has 3 labels, not num_labels=1"):
        CrossEncoder(model, num_labels=1)
    with pytest.raises(InputError, match=r"CrossEncoder\(entailment\.load_on\('cuda', name\)\)"):
        CrossEncoder(model, device="cuda")
    there = fake_model(by_word)
    there.engine.device = "cuda:0"  # type: ignore[attr-defined]
    for device in ("cuda", "cuda:0", None):
        CrossEncoder(there, device=device)
    for device in ("cpu", "cuda:1"):
        with pytest.raises(InputError, match="computes on 'cuda:0'"):
            CrossEncoder(there, device=device)


def test_configuration_and_length_are_those_of_the_checkpoint(tmp_path: Path) -> None:
    model = CrossEncoder(tiny_bert(tmp_path / "model"), device="cpu", num_labels=3)
    assert model.config.id2label == {0: "entailment", 1: "neutral", 2: "contradiction"}
    assert model.max_length == model.config.max_position_embeddings == 64
    assert CrossEncoder(tmp_path / "model", max_length=32).max_length == 32
    fake = CrossEncoder(fake_model(by_word))
    with pytest.raises(InputError, match="no configuration"):
        _ = fake.config
    with pytest.raises(InputError, match="no max_length"):
        _ = fake.max_length


def test_arguments_that_there_are_not() -> None:
    made: Any = CrossEncoder
    for name, value, instead in (
        ("revision", "v1", "org/model@revision"),
        ("local_files_only", True, "load_model takes offline"),
        ("trust_remote_code", True, "no code of a checkpoint"),
        ("max_len", 3, "it has activation_fn, device, label_order, max_length, model, num_labels, "),
    ):
        with pytest.raises(InputError, match=f"CrossEncoder has no argument .*{instead}"):
            made(fake_model(by_word), **{name: value})
    assert made(fake_model(by_word), revision=None, trust_remote_code=False).num_labels == 3
