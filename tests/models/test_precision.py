"""Half precisions: bfloat16 is safe, float16 answers finite numbers or says why it cannot."""

from __future__ import annotations

import pytest
import torch
from tests.models.tiny_models import ARCHITECTURES, EVERY_CLASS, fed, labelled, main_output, tiny

from entailment.errors import NonFiniteLogitsError


@pytest.mark.parametrize(("architecture", "task"), EVERY_CLASS)
def test_bfloat16_is_close(architecture: str, task: str) -> None:
    model = tiny(architecture, task, initializer_range=0.1)
    given = labelled(task) if task != "Model" else fed("ForSequenceClassification")
    expected = model(**given)
    half = model.bfloat16()
    for options in ({}, {"output_attentions": True}):
        found = half(**given, attention_mask=torch.ones_like(given["input_ids"]), **options)
        assert main_output(found).dtype == torch.bfloat16
        torch.testing.assert_close(main_output(found).float(), main_output(expected), atol=0.1, rtol=0.05)
        if "loss" in found:
            assert found.loss.dtype == torch.float32
            found.loss.backward()
            assert all(p.grad is None or p.grad.isfinite().all() for p in half.parameters())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_float16_on_ordinary_activations(architecture: str) -> None:
    model = tiny(architecture, "ForSequenceClassification", initializer_range=0.1)
    given = fed("ForSequenceClassification")
    given["attention_mask"] = torch.tensor([[1] * 6, [1] * 2 + [0] * 4])
    expected = model(**given).logits
    found = model.half()(**given).logits
    assert found.isfinite().all()
    torch.testing.assert_close(found.float(), expected, atol=0.02, rtol=0.02)


def test_float16_that_overflows_is_refused() -> None:
    """NoNorm keeps nothing in range: where bfloat16 and float32 answer, float16 says that it cannot."""
    model = tiny("MobileBert", "ForSequenceClassification")
    given = fed("ForSequenceClassification")
    with torch.no_grad():
        model.encoder.layers[0].bottleneck.output_norm.weight.mul_(3e4)
    assert model(**given).logits.isfinite().all()
    assert model.bfloat16()(**given).logits.isfinite().all()
    with pytest.raises(NonFiniteLogitsError, match="use bfloat16 or float32"):
        model.half()(**given)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_autocast(architecture: str) -> None:
    model = tiny(architecture, "ForSequenceClassification", initializer_range=0.1)
    given = labelled("ForSequenceClassification")
    expected = model(**given)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = model(**given)
    torch.testing.assert_close(found.loss, expected.loss, atol=0.05, rtol=0.05)
