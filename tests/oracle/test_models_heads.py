"""Every model class of the three architectures agrees with the reference, through the folder it saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.oracle.torch_reference import (
    CLASS_NAMES,
    POSITIONS,
    TASKS,
    close,
    gradients,
    inputs,
    pair,
    reference_gradients,
    targets,
)
from torch import Tensor

pytestmark = pytest.mark.oracle


def fields(task: str, outputs: Any) -> dict[str, Tensor]:
    """Every tensor of an answer by name, hidden states and attentions included."""
    named = {name: outputs[name] for name in TASKS[task] or ("last_hidden_state", "pooler_output")}
    for group in ("hidden_states", "attentions"):
        named |= {f"{group}[{i}]": tensor for i, tensor in enumerate(outputs[group])}
    return named


def asked_for_types(architecture: str) -> bool:
    return architecture != "DistilBert"


@pytest.mark.parametrize(("architecture", "task"), CLASS_NAMES)
@pytest.mark.parametrize(
    "lengths", [[1, 1], [7, 7, 7], [POSITIONS, POSITIONS]], ids=["one", "some", "longest"]
)
def test_everything_agrees(architecture: str, task: str, lengths: list[int], tmp_path: Path) -> None:
    ours, theirs = pair(architecture, task, tmp_path)
    batch = inputs(task, lengths, types=asked_for_types(architecture))
    labels = targets(task, len(lengths), lengths[0]) if task != "Model" else {}
    everything = {"output_hidden_states": True, "output_attentions": True}
    expected = theirs(**batch, **labels, **everything)
    found = ours(**batch, **labels, **everything)
    if architecture == "DistilBert" and task == "Model":
        close(found.last_hidden_state, expected.last_hidden_state)
    else:
        wanted = fields(task, expected)
        assert {name: tuple(t.shape) for name, t in fields(task, found).items()} == {
            name: tuple(t.shape) for name, t in wanted.items()
        }
        for name, tensor in fields(task, found).items():
            close(tensor, wanted[name], name)
    if not labels:
        return
    close(found.loss, expected.loss, "loss")
    fused = ours(**batch, **labels)
    close(fused.loss, expected.loss, "loss, fused attention")
    assert fused.attentions is None
    assert fused.hidden_states is None
    expected.loss.backward()
    fused.loss.backward()
    wanted = reference_gradients(theirs)
    given = gradients(ours)
    assert given.keys() == wanted.keys()
    if (task, lengths[0]) != ("ForQuestionAnswering", 1):  # of one token there is nothing to choose
        assert sum(tensor.abs().sum() for tensor in wanted.values()) > 0.1
    for name, tensor in given.items():
        close(tensor, wanted[name], name)


@pytest.mark.parametrize(("architecture", "task"), CLASS_NAMES)
@torch.inference_mode()
def test_padding_changes_nothing(architecture: str, task: str, tmp_path: Path) -> None:
    """A text in a padded batch gets what the reference computes for that text alone."""
    lengths = [5, 1, POSITIONS, 12]
    ours, theirs = pair(architecture, task, tmp_path)
    batch = inputs(task, lengths, types=asked_for_types(architecture))
    for options in ({}, {"output_attentions": True}):
        found = ours(**batch, **options)
        for row, length in enumerate(lengths):
            alone = theirs(**{name: values[row : row + 1, ..., :length] for name, values in batch.items()})
            for name in TASKS[task] or ("last_hidden_state",):
                expected = alone[name][0]
                given = found[name][row]
                close(
                    given[:length] if given.shape != expected.shape else given, expected, f"{name} {length}"
                )


@pytest.mark.parametrize("architecture", ["Bert", "DistilBert", "MobileBert"])
def test_gradients_of_a_padded_batch(architecture: str, tmp_path: Path) -> None:
    lengths, labels = [4, 9, 1], torch.tensor([0, 2, 1])
    ours, theirs = pair(architecture, "ForSequenceClassification", tmp_path)
    batch = inputs("ForSequenceClassification", lengths, types=asked_for_types(architecture))
    for row, length in enumerate(lengths):
        alone = {name: values[row : row + 1, :length] for name, values in batch.items()}
        (theirs(**alone, labels=labels[row : row + 1]).loss / len(lengths)).backward()
    ours(**batch, labels=labels).loss.backward()
    wanted = reference_gradients(theirs)
    for name, tensor in gradients(ours).items():
        close(tensor, wanted[name], name)


@pytest.mark.parametrize("architecture", ["Bert", "DistilBert", "MobileBert"])
@pytest.mark.parametrize("problem", ["regression", "multi_label_classification", None])
@torch.inference_mode()
def test_the_loss_follows_the_problem(architecture: str, problem: str | None, tmp_path: Path) -> None:
    ours, theirs = pair(architecture, "ForSequenceClassification", tmp_path, problem_type=problem)
    batch = inputs("ForSequenceClassification", [6, 6], types=asked_for_types(architecture))
    labels: list[Tensor] = [torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])]
    if problem is None:
        labels.append(torch.tensor([2, 0]))
    for given in labels:
        theirs.config.problem_type = problem  # the reference writes its guess into the configuration
        close(ours(**batch, labels=given).loss, theirs(**batch, labels=given).loss)


@pytest.mark.parametrize("architecture", ["Bert", "DistilBert", "MobileBert"])
@torch.inference_mode()
def test_one_number_is_a_regression(architecture: str, tmp_path: Path) -> None:
    ours, theirs = pair(architecture, "ForSequenceClassification", tmp_path, num_labels=1)
    batch = inputs("ForSequenceClassification", [6, 6], types=asked_for_types(architecture))
    labels = torch.tensor([0.5, -2.0])
    close(ours(**batch, labels=labels).loss, theirs(**batch, labels=labels).loss)


@pytest.mark.parametrize("architecture", ["Bert", "DistilBert", "MobileBert"])
@torch.inference_mode()
def test_other_arguments_agree(architecture: str, tmp_path: Path) -> None:
    ours, theirs = pair(architecture, "Model", tmp_path)
    batch = inputs("Model", [6, 6], types=asked_for_types(architecture))
    places = torch.randint(0, POSITIONS, (2, 6), generator=torch.Generator().manual_seed(3))
    close(
        ours(**batch, position_ids=places).last_hidden_state,
        theirs(**batch, position_ids=places).last_hidden_state,
        "position_ids",
    )
    words = ours.get_input_embeddings()(batch["input_ids"]) * 1.5
    rest = {name: values for name, values in batch.items() if name != "input_ids"}
    close(
        ours(inputs_embeds=words, **rest).last_hidden_state,
        theirs(inputs_embeds=words, **rest).last_hidden_state,
        "inputs_embeds",
    )
    plain = ours(**batch, return_dict=False)
    expected = theirs(**batch, return_dict=False)
    assert isinstance(plain, tuple)
    assert len(plain) == len(expected)


@pytest.mark.parametrize("architecture", ["Bert", "DistilBert", "MobileBert"])
@torch.inference_mode()
def test_a_masked_head_is_one_that_the_reference_cannot_read(architecture: str, tmp_path: Path) -> None:
    """The reference has dropped head masks; zeros in the output projection's columns do the same."""
    ours, theirs = pair(architecture, "Model", tmp_path)
    batch = inputs("Model", [6, 6], types=asked_for_types(architecture))
    A = ours.config.num_attention_heads
    head_mask = torch.ones(2, A)
    head_mask[0, 1] = head_mask[1, 0] = 0
    for name, parameter in theirs.named_parameters():
        if name.endswith(("attention.output.dense.weight", "out_lin.weight")):
            layer = int(name.split("layer.")[1].split(".")[0])
            width = parameter.shape[1] // A
            parameter.view(-1, A, width).mul_(head_mask[layer][None, :, None])
    expected = theirs(**batch).last_hidden_state
    close(ours(**batch, head_mask=head_mask).last_hidden_state, expected, "masked")
    ours.prune_heads({0: [1], 1: [0]})
    close(ours(**batch).last_hidden_state, expected, "pruned")
