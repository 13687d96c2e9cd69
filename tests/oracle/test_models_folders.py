"""Folders travel between the reference library and ours, both ways, without a changed bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.oracle.torch_reference import (
    CLASS_NAMES,
    TASKS,
    close,
    inputs,
    our_class,
    pair,
    reference,
    saved,
    transformers,
)

pytestmark = pytest.mark.oracle


def arrays(model: Any) -> dict[str, torch.Tensor]:
    return dict(model.state_dict())


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert tensor.dtype == other[name].dtype, name
        assert torch.equal(tensor, other[name]), name


@pytest.mark.parametrize(("architecture", "task"), CLASS_NAMES)
def test_there_and_back(architecture: str, task: str, tmp_path: Path) -> None:
    ours, theirs = pair(architecture, task, tmp_path / "theirs")
    ours.save_pretrained(tmp_path / "ours")
    back, told = getattr(transformers, architecture + task).from_pretrained(
        tmp_path / "ours", output_loading_info=True
    )
    assert not told["missing_keys"]
    assert not told["unexpected_keys"]
    assert not told["mismatched_keys"]
    same(arrays(back), arrays(theirs))
    again = our_class(architecture, task).from_pretrained(saved(back, tmp_path / "again"))
    same(arrays(again), arrays(ours))
    for name in ("hidden_size", "num_hidden_layers", "id2label", "max_position_embeddings"):
        assert getattr(back.config, name) == getattr(theirs.config, name), name


@pytest.mark.parametrize("architecture", ["Bert", "DistilBert", "MobileBert"])
def test_half_precision_arrives_as_it_was_stored(architecture: str, tmp_path: Path) -> None:
    task = "ForSequenceClassification"
    ours, _ = pair(architecture, task, tmp_path / "theirs")
    ours.save_pretrained(tmp_path / "ours", dtype=torch.float16)
    back = getattr(transformers, architecture + task).from_pretrained(tmp_path / "ours")
    again = our_class(architecture, task).from_pretrained(saved(back, tmp_path / "again"))
    for name, tensor in arrays(ours).items():
        assert torch.equal(arrays(again)[name], tensor.half().float()), name


@pytest.mark.parametrize("architecture", ["Bert", "DistilBert", "MobileBert"])
@torch.inference_mode()
def test_a_resized_model_is_the_references(architecture: str, tmp_path: Path) -> None:
    ours, _ = pair(architecture, "ForMaskedLM", tmp_path / "theirs")
    ours.resize_token_embeddings(57)
    ours.save_pretrained(tmp_path / "ours")
    back = getattr(transformers, architecture + "ForMaskedLM").from_pretrained(tmp_path / "ours").eval()
    batch = inputs("ForMaskedLM", [6, 6], types=architecture != "DistilBert")
    with torch.inference_mode():
        close(ours(**batch).logits, back(**batch).logits)


@pytest.mark.parametrize("architecture", ["Bert", "DistilBert", "MobileBert"])
@torch.inference_mode()
def test_an_encoder_alone_and_other_heads(architecture: str, tmp_path: Path) -> None:
    """A classifier's folder opens as an encoder, and a pre-trained one as a masked language model."""
    theirs = reference(architecture, "ForMaskedLM")
    folder = saved(theirs, tmp_path)
    batch = inputs("Model", [6, 6], types=architecture != "DistilBert")
    for task in ("Model", "ForTokenClassification", "ForSequenceClassification"):
        ours = our_class(architecture, task).from_pretrained(folder)
        base = theirs.base_model(**batch).last_hidden_state
        encoder = getattr(ours, "encoder", ours)
        close(encoder(**batch).last_hidden_state, base)
        assert ours.loading_report.unused


@pytest.mark.parametrize("architecture", ["Bert", "DistilBert", "MobileBert"])
@torch.inference_mode()
def test_auto_classes_choose_alike(architecture: str, tmp_path: Path) -> None:
    from entailment.models import auto

    folder = saved(reference(architecture, "ForSequenceClassification"), tmp_path)
    for name in ("AutoModel", "AutoModelForSequenceClassification"):
        ours, theirs = (getattr(home, name).from_pretrained(folder) for home in (auto, transformers))
        assert type(ours).__name__ == type(theirs).__name__


@pytest.mark.parametrize(("architecture", "task"), CLASS_NAMES)
@torch.inference_mode()
def test_a_configuration_asks_for_the_same(architecture: str, task: str, tmp_path: Path) -> None:
    settings = {"output_attentions": True, "output_hidden_states": True}
    ours, theirs = pair(architecture, task, tmp_path, **settings)
    batch = inputs(task, [6, 6], types=architecture != "DistilBert")
    found, expected = ours(**batch), theirs(**batch)
    for name in ("hidden_states", "attentions"):
        assert len(found[name]) == len(expected[name]) > 0
        for one, other in zip(found[name], expected[name], strict=True):
            close(one, other, name)


def told(architecture: str, task: str, folder: Path, **options: Any) -> list[dict[str, set[Any]]]:
    """What our class and theirs say of loading a folder."""
    found = []
    for kind in (our_class(architecture, task), getattr(transformers, architecture + task)):
        _, info = kind.from_pretrained(folder, output_loading_info=True, **options)
        found.append({name: set(keys) for name, keys in info.items()})
    return found


@pytest.mark.parametrize("architecture", ["Bert", "DistilBert", "MobileBert"])
def test_loading_is_told_alike(architecture: str, tmp_path: Path) -> None:
    masked = saved(reference(architecture, "ForMaskedLM"), tmp_path / "masked")
    for task in ("Model", "ForMaskedLM", "ForSequenceClassification", "ForTokenClassification"):
        ours, theirs = told(architecture, task, masked)
        assert ours == theirs, task
    classifier = saved(reference(architecture, "ForSequenceClassification"), tmp_path / "classifier")
    ours, theirs = told(
        architecture, "ForSequenceClassification", classifier, num_labels=5, ignore_mismatched_sizes=True
    )
    assert {name for name, _, _ in ours["mismatched_keys"]} == {"classifier.bias", "classifier.weight"}
    assert {(name, tuple(one), tuple(other)) for name, one, other in theirs["mismatched_keys"]} == ours[
        "mismatched_keys"
    ]


@pytest.mark.parametrize(("architecture", "task"), CLASS_NAMES)
def test_inherited_methods_answer_alike(architecture: str, task: str, tmp_path: Path) -> None:
    ours, theirs = pair(architecture, task, tmp_path)
    assert type(ours.base_model).__name__ == type(theirs.base_model).__name__
    assert (ours.dtype, ours.device) == (theirs.dtype, theirs.device)
    mine, other = ours.get_output_embeddings(), theirs.get_output_embeddings()
    assert (mine is None) == (other is None)
    if mine is not None:
        assert torch.equal(mine.weight, other.weight)
    words = torch.nn.Embedding.from_pretrained(theirs.get_input_embeddings().weight.flip(0), freeze=False)
    for model in (ours, theirs):
        model.set_input_embeddings(words)
        model.tie_weights()
    batch = inputs(task, [6, 6], types=architecture != "DistilBert")
    expected = theirs(**batch)
    for name in TASKS[task] or ("last_hidden_state",):
        close(ours(**batch)[name], expected[name], name)


@pytest.mark.parametrize("dtype", ["float16", torch.bfloat16, "auto"])
def test_types_of_weights_are_asked_for_alike(dtype: Any, tmp_path: Path) -> None:
    theirs = reference("Bert", "ForSequenceClassification").to(torch.bfloat16)
    folder = saved(theirs, tmp_path)
    expected = transformers.BertForSequenceClassification.from_pretrained(folder, dtype=dtype)
    assert our_class("Bert", "ForSequenceClassification").from_pretrained(folder, dtype=dtype).dtype == (
        expected.dtype
    )


@pytest.mark.parametrize("architecture", ["Bert", "DistilBert", "MobileBert"])
@pytest.mark.parametrize("bias", [None, 0.0], ids=["another bias", "a bias that was never trained"])
@torch.inference_mode()
def test_an_untied_decoder_keeps_its_bias(architecture: str, bias: float | None, tmp_path: Path) -> None:
    """There the reference has two biases, and computes with the decoder's."""
    task, second = "ForMaskedLM", "cls.predictions.decoder.bias"
    theirs = reference(architecture, task, tie_word_embeddings=False)
    if bias is not None and architecture != "DistilBert":
        theirs.cls.predictions.bias.fill_(bias)
    batch = inputs(task, [6, 6], types=architecture != "DistilBert")
    ours, told = our_class(architecture, task).from_pretrained(
        saved(theirs, tmp_path / "theirs"), output_loading_info=True
    )
    assert not any(told.values())
    close(ours(**batch).logits, theirs(**batch).logits, "ours opens theirs")
    ours.predictions.bias.add_(1.0)
    ours.save_pretrained(tmp_path / "ours")
    back, told = getattr(transformers, architecture + task).from_pretrained(
        tmp_path / "ours", output_loading_info=True
    )
    assert not any(told.values())
    assert (second in arrays(back)) == (architecture != "DistilBert")
    close(ours(**batch).logits, back.eval()(**batch).logits, "theirs opens ours")
