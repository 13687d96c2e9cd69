"""What sentence-transformers 6 saves with a CrossEncoder is done, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tiny import tiny_bert

from entailment.checkpoint.copying import copy_checkpoint
from entailment.errors import CorruptCheckpointError, UnsupportedModelError
from entailment.tasks.cross_encoder import CrossEncoder
from entailment.tasks.model import load_model
from entailment.tasks.nli import NLI
from entailment.tasks.scores import sigmoid

PAIRS = [("the striker scored twice", "a good game"), ("a good soup with bread", "the dog runs")]
IDENTITY, SIGMOID = "torch.nn.modules.linear.Identity", "torch.nn.modules.activation.Sigmoid"
TANH, LOG_SIGMOID = "torch.nn.modules.activation.Tanh", "torch.nn.modules.activation.LogSigmoid"
NAMES = {1: ("LABEL_0",), 3: ("entailment", "neutral", "contradiction")}


def saved(folder: Path, labels: int = 1, config: dict[str, Any] | None = None, **settings: Any) -> Path:
    """A checkpoint with what sentence-transformers saves beside it, and `config` more in config.json."""
    tiny_bert(folder, labels=NAMES[labels])
    ours = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**ours, **(config or {})}))
    file = {"model_type": "CrossEncoder", "prompts": {}, "default_prompt_name": None, **settings}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(file))
    return folder


@pytest.mark.parametrize("labels", [1, 3])
@pytest.mark.parametrize(
    ("config", "settings", "applied"),
    [
        ({}, {"activation_fn": IDENTITY}, "identity"),
        ({}, {"activation_fn": SIGMOID}, "sigmoid"),
        ({}, {"activation_fn": None}, "default"),
        ({}, {}, "default"),
        # The file is the newer of the two: a model of version 5 that version 6 saved has both.
        ({"sentence_transformers": {"activation_fn": SIGMOID}}, {"activation_fn": IDENTITY}, "identity"),
        ({"sentence_transformers": {"activation_fn": SIGMOID}}, {}, "sigmoid"),
        ({}, {"activation_fn": IDENTITY, "model_type": "SentenceTransformer"}, "default"),
    ],
)
def test_the_activation_is_the_one_saved(
    tmp_path: Path, labels: int, config: dict[str, Any], settings: dict[str, Any], applied: str
) -> None:
    folder = saved(tmp_path / "model", labels, config, **settings)
    logits = CrossEncoder(tiny_bert(tmp_path / "plain", labels=NAMES[labels]), activation_fn=np.copy)
    expected = logits.predict(PAIRS)
    if applied == "sigmoid" or (applied == "default" and labels == 1):
        expected = sigmoid(expected)
    np.testing.assert_allclose(CrossEncoder(folder).predict(PAIRS), expected, atol=1e-5)
    (folder / "modules.json").write_text("[]")  # without it sentence-transformers overlooks the other file
    copy_checkpoint(folder, tmp_path / "copy")
    assert (tmp_path / "copy" / "modules.json").exists()
    np.testing.assert_allclose(CrossEncoder(tmp_path / "copy").predict(PAIRS), expected, atol=1e-5)


@pytest.mark.parametrize("labels", [1, 3])
@pytest.mark.parametrize("activation", [TANH, LOG_SIGMOID, "my.own.Sigmoid", 3, {"a": []}])
@pytest.mark.parametrize("place", ["file", "config.json"])
def test_other_activations_are_refused_until_one_is_given(
    tmp_path: Path, labels: int, activation: object, place: str
) -> None:
    config = {"sbert_ce_default_activation_function": activation} if place == "config.json" else {}
    settings = {"activation_fn": activation} if place == "file" else {}
    folder = saved(tmp_path / "model", labels, config, **settings)
    with pytest.raises(UnsupportedModelError) as error:
        CrossEncoder(folder)
    assert str(folder) in str(error.value)
    assert repr(str(activation)) in str(error.value)
    assert CrossEncoder(folder, activation_fn=np.tanh).predict(PAIRS).shape[0] == len(PAIRS)
    if labels == 3:  # what has probabilities of its own needs no activation
        assert NLI(folder)(*PAIRS[0]).scores


def test_a_default_prompt_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", 3, prompts={"q": "query: "}, default_prompt_name="q")
    for task in (CrossEncoder, NLI, load_model):
        with pytest.raises(UnsupportedModelError, match=r"the prompt 'query: ' before its texts"):
            task(folder)


@pytest.mark.parametrize(
    "settings",
    [
        {"prompts": {"q": "query: "}},
        {"prompts": {"q": ""}, "default_prompt_name": "q"},
        {"prompts": {"q": "query: "}, "default_prompt_name": "other"},
        {"prompts": 3, "default_prompt_name": ["q"]},
        {"model_type": "SentenceTransformer", "prompts": {"q": "query: "}, "default_prompt_name": "q"},
        {"model_type": ["CrossEncoder"]},
    ],
)
def test_what_asks_for_no_prompt(tmp_path: Path, settings: dict[str, Any]) -> None:
    assert CrossEncoder(saved(tmp_path / "model", **settings)).predict(PAIRS).shape == (2,)


@pytest.mark.parametrize("content", ["", "[]", '"a"', "null", "{", "[" * 100_000, "\udcff"])
def test_a_file_that_is_no_json_object(tmp_path: Path, content: str) -> None:
    path = saved(tmp_path / "model") / "config_sentence_transformers.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(CorruptCheckpointError, match=r"config_sentence_transformers\.json"):
        CrossEncoder(path.parent)
