"""All eight classes compute what our PyTorch classes compute, and open what those save, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.keras.tiny_keras import TASKS, close
from tests.models.tiny_models import fed, labelled, tiny

import entailment.keras

#: With PyTorch a loss is always []; here it is what the documentation states.
LOSS_SHAPES = {
    "ForPreTraining": (),
    "ForMaskedLM": (),
    "ForNextSentencePrediction": (2,),
    "ForSequenceClassification": (2,),
    "ForMultipleChoice": (2,),
    "ForTokenClassification": (9,),
    "ForQuestionAnswering": (2,),
}
SWITCHES: tuple[dict[str, Any], ...] = (
    {"trigram_input": False},
    {"trigram_input": False, "embedding_size": 16},
    {"use_bottleneck": False, "hidden_act": "gelu"},
    {"use_bottleneck_attention": True},
    {"key_query_shared_bottleneck": False, "intra_bottleneck_size": 16},
    {"normalization_type": "layer_norm", "layer_norm_eps": 1e-3, "hidden_act": "silu"},
    {"num_feedforward_networks": 1, "classifier_activation": False, "hidden_act": "gelu_new"},
)


def both(task: str, folder: Path, **settings: Any) -> tuple[Any, Any]:
    """The PyTorch model, and ours with the weights it saved."""
    labels = {"num_labels": 3} if task in {"ForSequenceClassification", "ForTokenClassification"} else {}
    theirs = tiny("MobileBert", task, **labels, **settings)
    theirs.save_pretrained(folder)
    ours = getattr(entailment.keras, f"TFMobileBert{task}").from_pretrained(folder)
    assert ours.loading_report.initialised == ours.loading_report.unused == ()
    return ours, theirs


def asked(task: str) -> dict[str, torch.Tensor]:
    """Two texts, the second of them padded, with token types, and with labels where the task has them."""
    given = labelled(task) if task != "Model" else fed(task)
    mask = torch.ones_like(given["input_ids"])
    mask[1, ..., 4:] = 0
    if task in {"ForPreTraining", "ForMaskedLM", "ForTokenClassification"}:
        given["labels"][0, ::2] = -100
    types = (torch.arange(mask.shape[-1]) > 2).long().expand_as(mask)
    return {**given, "attention_mask": mask, "token_type_ids": types}


def compare(ours: Any, theirs: Any, task: str) -> None:
    given = asked(task)
    with torch.inference_mode():
        expected = theirs(**given, output_hidden_states=True, output_attentions=True)
    arrays = {name: tensor.numpy() for name, tensor in given.items()}
    if task == "ForNextSentencePrediction":  # whose labels have another name in the two documents
        arrays["next_sentence_label"] = arrays.pop("labels")
    found = ours(arrays, output_hidden_states=True, output_attentions=True)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if name == "loss":
            assert found.loss.shape == LOSS_SHAPES[task]
            close(np.mean(found.loss), value, name)
        elif isinstance(value, tuple):
            assert len(found[name]) == len(value)
            for i, (mine, yours) in enumerate(zip(found[name], value, strict=True)):
                close(mine, yours, f"{name}[{i}]")
        else:
            close(found[name], value, name)


@pytest.mark.parametrize("task", TASKS)
def test_a_class_agrees_and_saves_what_it_opened(task: str, tmp_path: Path) -> None:
    ours, theirs = both(task, tmp_path / "theirs")
    compare(ours, theirs, task)
    assert ours.num_parameters() == theirs.num_parameters() == ours.count_params()
    for safe in (True, False):
        folder = tmp_path / str(safe)
        ours.save_pretrained(folder, safe_serialization=safe)
        again = type(theirs).from_pretrained(folder)
        assert again.config.architectures == (f"MobileBert{task}",)
        wanted = theirs.state_dict()
        for name, tensor in again.state_dict().items():
            assert torch.equal(tensor, wanted[name]), name


@pytest.mark.parametrize("switches", SWITCHES, ids=lambda switches: " ".join(switches))
def test_every_switch_agrees(switches: dict[str, Any], tmp_path: Path) -> None:
    ours, theirs = both("ForPreTraining", tmp_path, **switches)
    compare(ours, theirs, "ForPreTraining")


def test_other_arguments_agree(tmp_path: Path) -> None:
    ours, theirs = both("Model", tmp_path)
    words = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0))
    table = torch.tril(torch.ones(2, 5, 5, dtype=torch.long))
    table[0, 0] = 0  # a token that sees nothing sees everything
    for given in (
        {"head_mask": torch.tensor([0.0, 1.0, 0.5, 1.0])},
        {"head_mask": torch.tensor([[0.0, 1.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.0]])},
        {"position_ids": torch.tensor([[4, 3, 2, 1, 0]])},
        {"attention_mask": table},
        {"attention_mask": torch.tensor([[1, 1, 0, 0, 0], [0, 0, 0, 0, 0]])},
    ):
        with torch.inference_mode():
            expected = theirs(inputs_embeds=words, **given)
        found = ours(inputs_embeds=words.numpy(), **{name: value.numpy() for name, value in given.items()})
        close(found.last_hidden_state, expected.last_hidden_state, str(given))


@pytest.mark.parametrize(
    ("settings", "labels"),
    [
        ({"num_labels": 1}, torch.tensor([0.5, -1.0])),
        ({"num_labels": 3, "problem_type": "regression"}, torch.tensor([[0.5, -1, 2], [0, 1, 0]])),
        ({"num_labels": 3}, torch.tensor([[0.0, 1, 1], [0.3, 0, 0]])),
        ({"num_labels": 3}, torch.tensor([2, -100])),
    ],
)
def test_the_losses_of_every_problem_agree(
    settings: dict[str, Any], labels: torch.Tensor, tmp_path: Path
) -> None:
    theirs = tiny("MobileBert", "ForSequenceClassification", **settings)
    theirs.save_pretrained(tmp_path)
    ours = entailment.keras.TFMobileBertForSequenceClassification.from_pretrained(tmp_path)
    given = asked("Model")
    with torch.inference_mode():
        expected = theirs(**given, labels=labels).loss
    found = ours({name: value.numpy() for name, value in given.items()}, labels=labels.numpy()).loss
    assert found.shape == (2,)
    close(np.sum(found) / np.count_nonzero(found), expected)


def test_a_position_behind_the_text_is_left_out(tmp_path: Path) -> None:
    ours, theirs = both("ForQuestionAnswering", tmp_path)
    given = {"input_ids": fed("Model")["input_ids"]}
    starts, ends = torch.tensor([1, 99]), torch.tensor([2, 99])
    with torch.inference_mode():
        expected = theirs(**given, start_positions=starts, end_positions=ends).loss
    found = ours(given["input_ids"].numpy(), start_positions=starts.numpy(), end_positions=ends.numpy()).loss
    close(found, [float(expected), 0.0])


def test_padding_changes_nothing(tmp_path: Path) -> None:
    """In the reference the last token of a text sees the [PAD] behind it; here it does not."""
    ours, _ = both("Model", tmp_path)
    short = fed("Model")["input_ids"].numpy()[:1, :4]
    padded = np.concatenate([short, [[0, 7]]], axis=1)
    alone = ours(short).last_hidden_state
    close(ours(padded, [[1, 1, 1, 1, 0, 0]]).last_hidden_state[:, :4], alone, within=1e-6)
