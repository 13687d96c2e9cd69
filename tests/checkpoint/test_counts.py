"""Published sizes come out of the configurations, and the count of operations is what a forward does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from entailment.checkpoint.config import BertConfig, Config, DistilBertConfig, MobileBertConfig
from entailment.checkpoint.counts import flops, parameters
from entailment.checkpoint.names import arrays_of

BERT_BASE, MOBILEBERT = BertConfig(num_labels=3), MobileBertConfig(num_labels=3)
MINILM = BertConfig(num_hidden_layers=6, hidden_size=384, intermediate_size=1536, num_labels=3)
TINYBERT = BertConfig(num_hidden_layers=4, hidden_size=312, intermediate_size=1200, num_labels=3)
UNSHARED = replace(MOBILEBERT, key_query_shared_bottleneck=False)


@pytest.mark.parametrize(
    ("config", "published", "within"),
    [
        (BERT_BASE, 109e6, 0.005),
        (MOBILEBERT, 25.3e6, 0.02),
        (UNSHARED, 25.3e6, 0.015),
        (MobileBertConfig.ib_bert_teacher(), 293e6, 0.01),
        (DistilBertConfig(num_labels=3), 66e6, 0.015),
        (MINILM, 22.7e6, 0.001),
        (TINYBERT, 14.5e6, 0.015),
    ],
)
def test_published_parameters(config: Config, published: float, within: float) -> None:
    assert parameters(config) == pytest.approx(published, rel=within)


def test_exact_parameters() -> None:
    """Those that the reference library counts, which prints them for google/mobilebert-uncased as 24.6M."""
    head = 512 * 512 + 512 + 3 * 512 + 3
    assert parameters(MOBILEBERT) - head == 24_581_888
    assert parameters(BERT_BASE) == 109_482_240 + 3 * 768 + 3
    assert parameters(DistilBertConfig(num_labels=3)) == 66_362_880 + 768 * 768 + 768 + 3 * 768 + 3


@pytest.mark.parametrize(
    ("config", "published", "within"),
    [(BERT_BASE, 22.5e9, 0.005), (MOBILEBERT, 5.7e9, 0.05), (UNSHARED, 5.7e9, 0.015)],
)
def test_published_compute(config: Config, published: float, within: float) -> None:
    assert flops(config, 128) == pytest.approx(published, rel=within)


def written_out(T: int, *, H: int, F: int, K: int, A: int) -> int:
    """The operations of a one-layer BERT, added up by hand."""
    norm = 7 * T * H
    embeddings = 2 * T * H + norm
    projections = 4 * T * (2 * H * H + H)
    attention = 2 * T * T * H + 6 * A * T * T + 2 * T * T * H
    network = T * (2 * H * F + F) + 5 * T * F + T * (2 * F * H + H)
    residuals = 2 * T * H
    head = 2 * H * H + H + H + 2 * H * K + K
    return embeddings + projections + attention + network + residuals + 2 * norm + head


@pytest.mark.parametrize("tokens", [1, 7, 128])
def test_by_hand(tokens: int) -> None:
    sizes = {"H": 12, "F": 20, "K": 3, "A": 2}
    config = BertConfig(
        hidden_size=12,
        intermediate_size=20,
        num_labels=3,
        num_attention_heads=2,
        vocab_size=50,
        num_hidden_layers=1,
    )
    assert flops(config, tokens) == written_out(tokens, **sizes)


def test_mobilebert_by_hand() -> None:
    """Products alone, of 24 layers: 15 linear layers and two products of attention."""
    products = 24 * (3 * 512 * 128 + 3 * 128 * 128 + 8 * 128 * 512 + 128 * 512 + 2 * 128 * 128) + 384 * 512
    assert 0 < flops(MOBILEBERT) - 2 * 128 * products < 0.01 * flops(MOBILEBERT)


def test_every_product_is_counted() -> None:
    """A layer more adds what the arrays of a layer say."""
    for config in (BERT_BASE, MOBILEBERT):
        deeper = replace(config, num_hidden_layers=config.num_hidden_layers + 1)
        added = arrays_of(deeper).keys() - arrays_of(config).keys()
        weights = [arrays_of(deeper)[name][1] for name in added]
        products = 2 * sum(int(np.prod(shape)) for shape in weights if len(shape) == 2)
        assert products < flops(deeper, 1) - flops(config, 1) < 1.05 * products


def test_an_unused_transformation_is_not_counted() -> None:
    """The checkpoint has one, but embeddings as wide as the encoder are not widened."""
    used = replace(MOBILEBERT, trigram_input=False)
    unused = replace(used, embedding_size=512)
    assert parameters(unused) > parameters(used)
    assert flops(used) - flops(unused) == 128 * 512 * (2 * 128 + 1)
