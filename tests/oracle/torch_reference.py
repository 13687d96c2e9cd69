"""Tiny random models of the reference library, saved for our loader; inputs and labels for every task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import entailment.models.bert as bert
import entailment.models.distilbert as distilbert
import entailment.models.mobilebert as mobilebert
import entailment.models.mobilebert_heads as mobilebert_heads
from entailment.checkpoint.head_names import saved_names
from entailment.models.filling import config_of, slots_of

transformers = pytest.importorskip("transformers", reason="the dev group is not installed")

VOCABULARY, POSITIONS, CLASSES = 50, 24, 3
MODULES = {"Bert": (bert,), "DistilBert": (distilbert,), "MobileBert": (mobilebert, mobilebert_heads)}
TASKS = {
    "Model": (),
    "ForPreTraining": ("prediction_logits", "seq_relationship_logits"),
    "ForMaskedLM": ("logits",),
    "ForNextSentencePrediction": ("logits",),
    "ForSequenceClassification": ("logits",),
    "ForMultipleChoice": ("logits",),
    "ForTokenClassification": ("logits",),
    "ForQuestionAnswering": ("start_logits", "end_logits"),
}
CLASS_NAMES = [
    (architecture, task)
    for architecture in MODULES
    for task in TASKS
    if architecture != "DistilBert" or task not in {"ForPreTraining", "ForNextSentencePrediction"}
]

SHARED = {"vocab_size": VOCABULARY, "max_position_embeddings": POSITIONS, "initializer_range": 0.05}
SIZES: dict[str, dict[str, Any]] = {
    "Bert": dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=24),
    "DistilBert": dict(dim=16, n_layers=2, n_heads=4, hidden_dim=24),
    "MobileBert": dict(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=12,
        embedding_size=6,
        intra_bottleneck_size=8,
    ),
}
NO_DROPOUT: dict[str, dict[str, Any]] = {
    "Bert": dict(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0),
    "DistilBert": dict(dropout=0.0, attention_dropout=0.0, qa_dropout=0.0, seq_classif_dropout=0.0),
    "MobileBert": dict(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0),
}


def our_class(architecture: str, task: str) -> Any:
    return next(
        getattr(module, architecture + task)
        for module in MODULES[architecture]
        if hasattr(module, architecture + task)
    )


def reference(architecture: str, task: str, *, seed: int = 0, **config: Any) -> Any:
    """A reference model whose weights are large enough to make every part of it matter."""
    settings = {**SHARED, **SIZES[architecture], **NO_DROPOUT[architecture], **config}
    if task != "ForQuestionAnswering":
        settings.setdefault("num_labels", CLASSES)
    built = getattr(transformers, architecture + "Config")(**settings)
    built._attn_implementation = "eager"
    model = getattr(transformers, architecture + task)(built)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "LayerNorm" in name or "layer_norm" in name:
                # NoNorm does not keep activations from growing, and rounding with them: half is taken.
                parameter.copy_(noise * 0.1 + (0.5 if name.endswith("weight") else 0.0))
            elif parameter.ndim > 1 and "embeddings" not in name:
                parameter.copy_(noise * parameter.shape[-1] ** -0.5)
            else:
                parameter.copy_(noise * 0.5)
    return model.eval()


def saved(model: Any, folder: Path) -> Path:
    model.save_pretrained(folder)
    return folder


def pair(architecture: str, task: str, folder: Path, **config: Any) -> tuple[Any, Any]:
    """Ours and theirs: our class opens the folder that the reference saved."""
    theirs = reference(architecture, task, **config)
    return our_class(architecture, task).from_pretrained(saved(theirs, folder)), theirs


def inputs(task: str, lengths: list[int], *, types: bool = True, seed: int = 1) -> dict[str, Tensor]:
    """A batch of random ids, right-padded to the longest; multiple choice has two texts of each length."""
    generator = torch.Generator().manual_seed(seed)
    shape = (len(lengths), 2, max(lengths)) if task == "ForMultipleChoice" else (len(lengths), max(lengths))
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    if task == "ForMultipleChoice":
        mask = mask[:, None].repeat(1, 2, 1)
    ids = torch.randint(1, VOCABULARY, shape, generator=generator) * mask
    given = {"input_ids": ids, "attention_mask": mask}
    if types:
        given["token_type_ids"] = torch.randint(0, 2, shape, generator=generator)
    return given


def targets(task: str, batch: int, length: int, *, seed: int = 2) -> dict[str, Tensor]:
    """Labels of a task for sequences of one length."""
    draw = torch.Generator().manual_seed(seed)

    def below(limit: int, *shape: int) -> Tensor:
        return torch.randint(0, limit, shape, generator=draw)

    if task == "ForQuestionAnswering":
        ends = below(length + 3, batch)  # some of them behind the text, where they are ignored
        ends[0] = length - 1
        return {"start_positions": below(length, batch), "end_positions": ends}
    if task in {"ForMaskedLM", "ForPreTraining"}:
        words = below(VOCABULARY, batch, length)
        words[:, 1::3] = -100
        also = {"next_sentence_label": below(2, batch)} if task == "ForPreTraining" else {}
        return {"labels": words, **also}
    if task == "ForTokenClassification":
        return {"labels": below(CLASSES, batch, length)}
    return {"labels": below(2, batch)}


def gradients(model: nn.Module) -> dict[str, Tensor]:
    """Our gradients under the reference's names."""
    config, slots = config_of(model), slots_of(model)
    theirs = saved_names(slots, config.model_type)
    return {
        theirs[name]: parameter.grad for name, (parameter, _) in slots.items() if parameter.grad is not None
    }


def reference_gradients(model: Any) -> dict[str, Tensor]:
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def close(found: Tensor, expected: Tensor, what: str = "") -> None:
    """Equal to 1e-5, of the tensor's largest number where that is above 1."""
    largest = float(expected.detach().abs().max()) if expected.numel() else 0.0
    atol = 1e-5 * max(1.0, largest)
    torch.testing.assert_close(
        found, expected, atol=atol, rtol=0, msg=lambda m: f"{what}: {m}" if what else m
    )
