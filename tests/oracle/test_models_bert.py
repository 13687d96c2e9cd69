"""The torch BERT agrees with the reference library, both ways through the folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.tiny import tiny_bert

from entailment.models.load import load_model
from entailment.models.pretrained import save_pretrained

pytestmark = pytest.mark.oracle
transformers = pytest.importorskip("transformers", reason="the dev group is not installed")


@pytest.mark.parametrize(
    "shape", [{"heads": 4}, {"heads": 1, "layers": 1}, {"hidden": 24, "heads": 3, "hidden_act": "gelu_new"}]
)
@torch.inference_mode()
def test_logits_agree(tmp_path: Path, shape: dict[str, int]) -> None:
    folder = tiny_bert(tmp_path / "model", **shape)  # type: ignore[arg-type]
    ours = load_model(folder)
    theirs = transformers.BertForSequenceClassification.from_pretrained(folder).eval()
    generator = torch.Generator().manual_seed(1)
    for length in (1, 2, 17, 64):
        ids = torch.randint(0, ours.config.vocab_size, (3, length), generator=generator)
        types = torch.randint(0, 2, (3, length), generator=generator)
        for mask in (
            torch.ones_like(ids),
            (torch.arange(length) < torch.tensor([[1], [length // 2 + 1], [length]])).long(),
        ):
            expected = theirs(input_ids=ids, attention_mask=mask, token_type_ids=types).logits
            torch.testing.assert_close(ours(ids, mask, types).logits, expected, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_the_reference_opens_what_we_save(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "model")
    ours = load_model(folder)
    save_pretrained(ours, tmp_path / "saved", tokenizer_folder=folder)
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "saved")
    batch = tokenizer(["the dog runs", "rain"], ["an animal moves", "sun"], padding=True, return_tensors="pt")
    expected = theirs(**batch).logits
    found = ours(batch["input_ids"], batch["attention_mask"], batch["token_type_ids"]).logits
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert theirs.config.id2label == {0: "entailment", 1: "neutral", 2: "contradiction"}
