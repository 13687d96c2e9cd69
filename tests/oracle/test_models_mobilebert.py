"""MobileBERT with every switch of its configuration agrees with the reference; so does the full-size one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.oracle.torch_reference import (
    close,
    gradients,
    inputs,
    pair,
    reference_gradients,
    targets,
    transformers,
)

from entailment.models.mobilebert_heads import MobileBertForSequenceClassification

pytestmark = pytest.mark.oracle

SWITCHES: dict[str, dict[str, Any]] = {
    "no trigram": {"trigram_input": False},
    "no trigram, embeddings as wide as the encoder": {"trigram_input": False, "embedding_size": 16},
    "trigram, embeddings as wide as the encoder": {"embedding_size": 16},
    "no bottleneck": {"use_bottleneck": False},
    "no bottleneck, dropout set": {"use_bottleneck": False, "hidden_dropout_prob": 0.3},
    "bottleneck attention": {"use_bottleneck_attention": True},
    "bottleneck attention, unshared": {
        "use_bottleneck_attention": True,
        "key_query_shared_bottleneck": False,
    },
    # The reference builds this one only where both widths are the same.
    "unshared": {"key_query_shared_bottleneck": False, "intra_bottleneck_size": 16},
    "layer norm": {"normalization_type": "layer_norm", "layer_norm_eps": 1e-3},
    "layer norm, no bottleneck": {"normalization_type": "layer_norm", "use_bottleneck": False},
    "1 network": {"num_feedforward_networks": 1},
    "4 networks": {"num_feedforward_networks": 4},
    "gelu": {"hidden_act": "gelu"},
    "no classifier activation": {"classifier_activation": False},
    "inverted bottleneck": {
        "intra_bottleneck_size": 32,
        "num_feedforward_networks": 1,
        "normalization_type": "layer_norm",
        "hidden_act": "gelu",
    },
}


@pytest.mark.filterwarnings(
    "ignore:Initializing zero-element"
)  # the reference's, of an empty output embedding
@pytest.mark.parametrize("switches", SWITCHES.values(), ids=SWITCHES.keys())
@pytest.mark.parametrize("task", ["ForSequenceClassification", "ForPreTraining"])
def test_every_switch_agrees(task: str, switches: dict[str, Any], tmp_path: Path) -> None:
    ours, theirs = pair("MobileBert", task, tmp_path, **switches)
    lengths = [5, 9]
    batch = inputs(task, lengths)
    labels = targets(task, 2, 9)
    with torch.inference_mode():
        found = ours(**batch)
        for row, length in enumerate(lengths):
            alone = theirs(**{name: values[row : row + 1, :length] for name, values in batch.items()})
            if task == "ForPreTraining":
                close(found.prediction_logits[row, :length], alone.prediction_logits[0])
                close(found.seq_relationship_logits[row], alone.seq_relationship_logits[0])
            else:
                close(found.logits[row], alone.logits[0])
    del batch["attention_mask"]
    everything = {"output_hidden_states": True, "output_attentions": True}
    expected, found = theirs(**batch, **labels, **everything), ours(**batch, **labels, **everything)
    for group in ("hidden_states", "attentions"):
        for i, (mine, yours) in enumerate(zip(found[group], expected[group], strict=True)):
            close(mine, yours, f"{group}[{i}]")
    expected.loss.backward()
    found.loss.backward()
    close(found.loss, expected.loss)
    wanted = reference_gradients(theirs)
    for name, tensor in gradients(ours).items():
        close(tensor, wanted[name], name)


@torch.inference_mode()
def test_the_full_size_model_agrees(tmp_path: Path) -> None:
    torch.manual_seed(0)
    theirs = transformers.MobileBertForSequenceClassification(
        transformers.MobileBertConfig(num_labels=3)
    ).eval()
    theirs.save_pretrained(tmp_path)
    ours = MobileBertForSequenceClassification.from_pretrained(tmp_path)
    ids = torch.randint(1, 30522, (2, 33))
    expected, found = theirs(input_ids=ids, output_hidden_states=True), ours(ids, output_hidden_states=True)
    close(found.logits, expected.logits)
    for mine, yours in zip(found.hidden_states, expected.hidden_states, strict=True):
        close(mine, yours)
