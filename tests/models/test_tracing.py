"""Models pass through the tracers that look at shapes and not at values."""

from __future__ import annotations

import pytest
import torch
from tests.models.tiny_models import ARCHITECTURES, ids, tiny


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@torch.no_grad()
def test_a_trace_computes_other_sizes(architecture: str) -> None:
    model = tiny(architecture, "ForSequenceClassification", return_dict=False)
    given, mask = ids(2, 5), torch.ones(2, 5, dtype=torch.long)
    mask[1, 3:] = 0
    for inputs in ((given,), (given, mask), (given, mask, torch.zeros_like(given))):
        traced = torch.jit.trace(model, inputs)
        others = tuple(torch.cat([each, each, each], dim=1)[:1, :9] for each in inputs)
        torch.testing.assert_close(traced(*others)[0], model(*others)[0], atol=1e-5, rtol=0)


@torch.no_grad()
def test_an_export_leaves_both_sizes_open() -> None:
    model = tiny("MobileBert", "ForSequenceClassification", return_dict=False)
    given, mask = ids(2, 5), torch.ones(2, 5, dtype=torch.long)
    sizes = {0: torch.export.Dim("B", max=64), 1: torch.export.Dim("T", min=2, max=20)}
    program = torch.export.export(
        model, (given, mask), dynamic_shapes={"input_ids": sizes, "attention_mask": sizes}
    )
    others = (ids(3, 9), torch.ones(3, 9, dtype=torch.long))
    torch.testing.assert_close(program.module()(*others)[0], model(*others)[0], atol=1e-5, rtol=0)
