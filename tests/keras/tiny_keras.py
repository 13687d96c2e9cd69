"""Tiny models and what they are fed; importing this skips a test file where TensorFlow is not installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs the extra tensorflow", exc_type=ImportError)

import keras as keras

import entailment.keras
from entailment.checkpoint.config import MobileBertConfig

if keras.backend.backend() != "tensorflow":
    pytest.skip("these tests are of Keras's TensorFlow back end", allow_module_level=True)

TASKS = (
    "Model",
    "ForPreTraining",
    "ForMaskedLM",
    "ForNextSentencePrediction",
    "ForSequenceClassification",
    "ForMultipleChoice",
    "ForTokenClassification",
    "ForQuestionAnswering",
)
#: Keras converts variables to NumPy in a way that NumPy 2 warns about; with `@pytest.mark.filterwarnings`.
KERAS_AND_NUMPY = "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"

VOCABULARY = 40
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "embedding_size": 6,
    "intra_bottleneck_size": 8,
    "intermediate_size": 12,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_feedforward_networks": 2,
    "max_position_embeddings": 20,
    "initializer_range": 0.3,
}


def config(**settings: Any) -> MobileBertConfig:
    return MobileBertConfig(**{**SIZES, **settings})


def model(task: str = "ForSequenceClassification", *, dtype: Any = None, **settings: Any) -> Any:
    """With new weights, the same each time."""
    keras.utils.set_random_seed(0)
    return getattr(entailment.keras, f"TFMobileBert{task}")(config(**settings), dtype=dtype)


def ids(*shape: int, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, VOCABULARY, shape).astype(np.int32)


def close(found: Any, expected: Any, what: str = "", *, within: float = 1e-4) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, what
    np.testing.assert_allclose(found, expected, atol=within, rtol=0, err_msg=what)
