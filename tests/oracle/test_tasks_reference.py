"""Our tasks beside the ones they are called after, on checkpoints that transformers itself has saved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tiny import COMMON_WORDS, tiny_tokenizer, tiny_vocabulary

from entailment.errors import UnsupportedModelError
from entailment.tasks.cross_encoder import CrossEncoder
from entailment.tasks.zero_shot import ZeroShotClassifier

pytestmark = pytest.mark.oracle

LABELS = ["sports", "politics", "cooking and food", "the weather in the city"]
WORDS = COMMON_WORDS.split()


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Models this small are computed faster without sharing the work, above all on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def texts(count: int, seed: int = 0) -> list[str]:
    """Sentences of 1 to 80 words: some longer than the model's 64 positions, so that both have to cut."""
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(1, 81))) + "." for _ in range(count)]


def saved(folder: Path, names: list[str], *, seed: int = 0) -> Path:
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(tiny_vocabulary()),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.3,  # apart enough that rankings have few near ties
        id2label=dict(enumerate(names)),
        label2id={name: index for index, name in enumerate(names)},
    )
    tiny_tokenizer(folder, max_length=64)
    BertForSequenceClassification(config).eval().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def nli_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # The reference takes logit 0 for contradiction, or the last if entailment is logit 0: here rightly.
    return saved(tmp_path_factory.mktemp("nli"), ["contradiction", "entailment", "neutral"])


@pytest.fixture(scope="module")
def reference_pipeline(nli_folder: Path) -> Any:
    from transformers import pipeline

    return pipeline("zero-shot-classification", model=str(nli_folder), device="cpu")


@pytest.mark.parametrize("multi_label", [False, True])
def test_zero_shot_pipeline_of_transformers(
    nli_folder: Path, reference_pipeline: Any, multi_label: bool
) -> None:
    sequences = texts(200)
    expected = reference_pipeline(sequences, LABELS, multi_label=multi_label)
    ours = ZeroShotClassifier(nli_folder)(sequences, LABELS, multi_label=multi_label)
    cut = 0
    for mine, theirs in zip(ours, expected, strict=True):
        cut += "truncated" in mine
        assert {key: mine[key] for key in theirs}.keys() == theirs.keys()  # type: ignore[literal-required]
        assert mine["sequence"] == theirs["sequence"]
        assert mine["scores"] == pytest.approx(theirs["scores"], abs=1e-4)
        by_label = dict(zip(theirs["labels"], theirs["scores"], strict=True))
        assert [by_label[label] for label in mine["labels"]] == pytest.approx(mine["scores"], abs=1e-4)
        gaps = -np.diff(theirs["scores"])
        if gaps.min() > 1e-4:  # alike wherever rounding cannot swap neighbours
            assert mine["labels"] == theirs["labels"]
    assert 20 < cut < 180


@pytest.mark.parametrize(
    ("sequences", "options"),
    [
        ("a dog runs", {"candidate_labels": LABELS}),
        ("a dog runs", {"candidate_labels": "sports, politics"}),
        (["a dog runs"], {"candidate_labels": ["sports"]}),
        (["a dog runs"], {"candidate_labels": ["sports"], "multi_label": True}),
        (
            ["a dog runs", "a bank"],
            {"candidate_labels": LABELS, "hypothesis_template": "It is {}, {{so}} they say"},
        ),
    ],
)
def test_calls_move_over(
    nli_folder: Path, reference_pipeline: Any, sequences: Any, options: dict[str, Any]
) -> None:
    theirs = reference_pipeline(sequences, **options)
    ours = ZeroShotClassifier(nli_folder)(sequences, **options)
    # The reference gives a list for every list, as we do.
    assert isinstance(ours, list) == isinstance(theirs, list)
    for mine, other in zip(*(([x] if isinstance(x, dict) else x) for x in (ours, theirs)), strict=True):
        assert mine["labels"] == other["labels"]
        assert mine["scores"] == pytest.approx(other["scores"], abs=1e-4)


def test_contradiction_is_found_where_the_reference_takes_neutral_for_it(tmp_path: Path) -> None:
    from transformers import pipeline

    names = ["neutral", "entailment", "contradiction"]
    folder = saved(tmp_path / "model", names)
    reference = CrossEncoder(folder).predict([("a dog runs", "This example is sports.")])[0]
    pair = np.exp(reference[[2, 1]].astype(float))
    (score,) = ZeroShotClassifier(folder)("a dog runs", ["sports"])["scores"]
    assert score == pytest.approx(pair[1] / pair.sum(), abs=1e-5)
    theirs = pipeline("zero-shot-classification", model=str(folder), device="cpu")("a dog runs", ["sports"])
    assert abs(theirs["scores"][0] - score) > 1e-3


def short_pairs(count: int) -> list[tuple[str, str]]:
    """Pairs that fit: of longer ones sentence-transformers cuts both texts, we the first alone."""
    rng = np.random.default_rng(1)
    return [
        (" ".join(rng.choice(WORDS, rng.integers(1, 20))), " ".join(rng.choice(WORDS, rng.integers(1, 20))))
        for _ in range(count)
    ]


@pytest.mark.parametrize("names", [["contradiction", "entailment", "neutral"], ["LABEL_0"], ["yes", "no"]])
def test_cross_encoder_of_sentence_transformers(tmp_path: Path, names: list[str]) -> None:
    import torch
    from sentence_transformers import CrossEncoder as Reference

    folder = saved(tmp_path / "model", names)
    ours, theirs = CrossEncoder(folder), Reference(str(folder), device="cpu")
    pairs = short_pairs(60)
    for apply_softmax in (False, True):
        for given in (pairs, [list(pair) for pair in pairs], pairs[0], list(pairs[0]), pairs[:1]):
            expected = theirs.predict(given, apply_softmax=apply_softmax)
            found = ours.predict(given, apply_softmax=apply_softmax)
            assert found.shape == np.shape(expected)
            assert found.dtype == expected.dtype
            np.testing.assert_allclose(found, expected, atol=1e-4)
        tensor, expected = (model.predict(pairs, convert_to_tensor=True) for model in (ours, theirs))
        assert (type(tensor), tensor.dtype, tensor.shape) == (type(expected), expected.dtype, expected.shape)
    assert ours.num_labels == theirs.num_labels
    assert ours.max_length == theirs.max_seq_length  # as it is called there now
    assert ours.config.id2label == theirs.config.id2label
    array = np.array(pairs)
    np.testing.assert_allclose(ours.predict(array), theirs.predict(array), atol=1e-4)
    activation = torch.nn.Sigmoid()
    found, wanted = (model.predict(pairs, activation_fn=activation) for model in (ours, theirs))
    np.testing.assert_allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize("names", [["LABEL_0"], ["contradiction", "entailment", "neutral"]])
@pytest.mark.parametrize("activation", ["Identity", "Sigmoid", "Tanh"])
def test_what_sentence_transformers_saved(tmp_path: Path, names: list[str], activation: str) -> None:
    """Activation and length as they stand in the files that its `save_pretrained` writes."""
    import torch
    from sentence_transformers import CrossEncoder as Reference

    applied = getattr(torch.nn, activation)()
    folder = saved(tmp_path / "model", names)
    theirs = Reference(str(folder), device="cpu", max_length=48, activation_fn=applied)
    theirs.save_pretrained(str(tmp_path / "saved"))
    if activation == "Tanh":
        with pytest.raises(UnsupportedModelError, match="Tanh"):
            CrossEncoder(tmp_path / "saved")
        ours = CrossEncoder(tmp_path / "saved", activation_fn=applied)
    else:
        ours = CrossEncoder(tmp_path / "saved")
    assert ours.max_length == Reference(str(tmp_path / "saved"), device="cpu").max_seq_length == 48
    pairs = short_pairs(20)
    np.testing.assert_allclose(ours.predict(pairs), theirs.predict(pairs), atol=1e-4)
    theirs.default_prompt_name, theirs.prompts = "q", {"q": "the "}
    theirs.save_pretrained(str(tmp_path / "prompted"))
    with pytest.raises(UnsupportedModelError, match="the prompt 'the '"):
        CrossEncoder(tmp_path / "prompted")


def test_rank_of_sentence_transformers(tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder as Reference

    folder = saved(tmp_path / "model", ["LABEL_0"])
    query, documents = "a dog in the park", [pair[0] for pair in short_pairs(30)]
    for top_k, with_text in [(None, False), (5, True)]:
        expected = Reference(str(folder), device="cpu").rank(
            query, documents, top_k=top_k, return_documents=with_text
        )
        ranking = CrossEncoder(folder).rank(query, documents, top_k=top_k, return_documents=with_text)
        assert [row.keys() for row in ranking] == [row.keys() for row in expected]
        assert [row["corpus_id"] for row in ranking] == [row["corpus_id"] for row in expected]
        assert [row["score"] for row in ranking] == pytest.approx(
            [row["score"] for row in expected], abs=1e-4
        )
