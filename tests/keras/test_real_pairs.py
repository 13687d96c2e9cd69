"""Fitting real premises and hypotheses lowers the loss, and the fitted model is kept.

The data are no part of this project: ENTAILMENT_DATA says in which folder `nli/train.parquet` lies, else
`shared/data` beside the checkout is taken, and without either this is skipped.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from tests.keras.tiny_keras import KERAS_AND_NUMPY, close, keras, model
from tests.tiny import tiny_tokenizer

import entailment
from entailment.keras import TFMobileBertForSequenceClassification
from entailment.tables import read_rows

SETTING = "ENTAILMENT_DATA"
DATA = Path(os.environ.get(SETTING) or Path(__file__).parents[3] / "shared" / "data").absolute()
PAIRS = DATA / "nli" / "train.parquet"
ROWS = 2000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PAIRS.is_file(), reason=f"no {PAIRS}: say with {SETTING} where the data are"),
    pytest.mark.filterwarnings(KERAS_AND_NUMPY),
]


def test_fit_on_real_pairs_lowers_the_loss(tmp_path: Path) -> None:
    rows = [row for row, _ in zip(read_rows(PAIRS), range(ROWS), strict=False)]
    tokenizer = entailment.AutoTokenizer.from_pretrained(tiny_tokenizer(tmp_path, max_length=64))
    encoding = dict(
        tokenizer(
            [str(row["premise"]) for row in rows],
            [str(row["hypothesis"]) for row in rows],
            padding="max_length",
            truncation=True,
            max_length=64,
            return_tensors="np",
        )
    )
    names = sorted({str(row["label"]) for row in rows})
    labels = np.array([names.index(str(row["label"])) for row in rows])
    classifier = model(
        vocab_size=len(tokenizer),
        id2label=dict(enumerate(names)),
        max_position_embeddings=64,
        hidden_size=64,
        intra_bottleneck_size=32,
        embedding_size=32,
        intermediate_size=64,
        initializer_range=0.05,
    )
    classifier.compile(optimizer=keras.optimizers.Adam(2e-3))
    before = classifier.evaluate(encoding, labels, batch_size=50, verbose=0)
    losses = classifier.fit(encoding, labels, batch_size=50, epochs=6, verbose=0).history["loss"]
    after = classifier.evaluate(encoding, labels, batch_size=50, verbose=0)
    assert after < losses[0]
    assert after < before - 0.02
    classifier.save(tmp_path / "model.keras")
    classifier.save_pretrained(tmp_path / "folder")
    few = {name: array[:20] for name, array in encoding.items()}
    expected = classifier(few).logits
    close(keras.saving.load_model(tmp_path / "model.keras")(few).logits, expected, within=1e-6)
    again = TFMobileBertForSequenceClassification.from_pretrained(tmp_path / "folder")
    close(again(few).logits, expected, within=1e-6)
    print(f"loss on {len(rows)} pairs: {before:.4f} before, {after:.4f} after")
