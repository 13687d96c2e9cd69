"""Texts: as long as they claim, the same in every run, real where there is a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import checkpoints, workloads
from entailment.checkpoint.folder import open_checkpoint
from entailment.text.pairs import PairEncoder
from entailment.text.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_folder(open_checkpoint(None).folder)


@pytest.mark.parametrize("tokens", [16, 64, 128, 512])
def test_a_pair_has_exactly_so_many_tokens(tokenizer: Tokenizer, tokens: int) -> None:
    (pair,) = PairEncoder(tokenizer).encode([workloads.pair_of(tokens)])
    assert len(pair.premise) + len(pair.hypothesis) == tokens and pair.truncated is None


def test_a_text_has_exactly_so_many_tokens(tokenizer: Tokenizer) -> None:
    assert len(tokenizer.ids([workloads.text_of(50)])[0]) == 50


def test_the_words_are_tokens() -> None:
    assert workloads.one_token_words() == tuple(workloads.WORDS)


@pytest.mark.parametrize("count", [1, 1000])
def test_labels_differ(count: int) -> None:
    assert len(set(workloads.many_labels(count))) == count


def test_without_a_folder_texts_are_made_up_and_say_so() -> None:
    news, intents, pairs = workloads.ag_news(None, 3, 10), workloads.clinc(None, 2), workloads.mnli(None, 5)
    assert not (news.real or intents.real or pairs.real)
    assert len(news.pairs) == 30 and news.pairs[0] == (news.texts[0], news.template.format(news.labels[0]))
    assert len(intents.labels) == 150 and len(pairs.pairs) == 5 and pairs.gold == ()


def test_every_run_gets_the_same() -> None:
    assert workloads.ag_news(None, 3, 4) == workloads.ag_news(None, 3, 4)
    assert workloads.pair_of(64, 7) == workloads.pair_of(64, 7) != workloads.pair_of(64, 8)


def test_the_cross_encoder_is_the_bundled_model_with_full_attention(tmp_path: Path) -> None:
    bundled, full = open_checkpoint(None), open_checkpoint(checkpoints.minilm(tmp_path))
    assert (bundled.config.attention, full.config.attention) == ("prefix", "full")
    weights = bundled.weights()
    assert all((array == weights[name]).all() for name, array in full.weights().items())
    assert checkpoints.minilm(tmp_path) == full.folder  # made once
