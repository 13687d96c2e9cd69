"""What torch.save and transformers write, we read; what we write, transformers opens."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tiny import tiny_bert, tiny_bert_arrays, tiny_bert_config, write_json

from entailment.checkpoint.config import (
    BertConfig,
    Config,
    DistilBertConfig,
    MobileBertConfig,
    config_from_dict,
)
from entailment.checkpoint.folder import open_checkpoint
from entailment.checkpoint.names import checkpoint_name
from entailment.checkpoint.weights import read_weights
from entailment.errors import UnsafeCheckpointError

pytestmark = pytest.mark.oracle
transformers = pytest.importorskip("transformers", reason="the dev group is not installed")

NLI = {0: "entailment", 1: "neutral", 2: "contradiction"}
SMALL: dict[str, Config] = {
    "bert": BertConfig(
        vocab_size=40,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        id2label=NLI,
    ),
    "distilbert": DistilBertConfig(
        vocab_size=40, dim=16, n_layers=2, n_heads=2, hidden_dim=24, max_position_embeddings=20, id2label=NLI
    ),
    "mobilebert": MobileBertConfig(
        vocab_size=40,
        embedding_size=8,
        hidden_size=16,
        num_hidden_layers=2,
        intra_bottleneck_size=8,
        intermediate_size=24,
        id2label=NLI,
    ),
    "mobilebert without bottleneck": MobileBertConfig(
        vocab_size=40,
        embedding_size=8,
        hidden_size=16,
        num_hidden_layers=2,
        use_bottleneck=False,
        trigram_input=False,
        id2label=NLI,
    ),
    "mobilebert with one network and bottlenecked attention": MobileBertConfig(
        vocab_size=40,
        embedding_size=8,
        hidden_size=16,
        num_hidden_layers=2,
        intra_bottleneck_size=8,
        use_bottleneck_attention=True,
        key_query_shared_bottleneck=False,
        num_feedforward_networks=1,
        normalization_type="layer_norm",
        id2label=NLI,
    ),
}


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
def test_files_of_torch_save(tmp_path: Path, legacy: bool, dtype: str) -> None:
    values = tiny_bert_config()
    state = OrderedDict(
        (name, torch.from_numpy(array).to(getattr(torch, dtype)))
        for name, array in tiny_bert_arrays(values).items()
    )
    state["bert.embeddings.position_ids"] = torch.arange(64)[None]
    write_json(tmp_path / "config.json", values)
    torch.save(state, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=not legacy)
    checkpoint = open_checkpoint(tmp_path)
    weights = checkpoint.weights()
    assert len(weights) == len(state) - 1
    for name, array in weights.items():
        wanted = state[checkpoint_name(name, checkpoint.config)].to(torch.float32).numpy()
        np.testing.assert_array_equal(array, wanted, strict=True)


@pytest.mark.parametrize("legacy", [False, True])
def test_tensors_of_every_kind(tmp_path: Path, legacy: bool) -> None:
    whole = torch.randn(6, 4)
    tensors = {
        "turned": whole.T,
        "row": whole[2],
        "column": whole[:, 1],
        "tied": whole,
        "parameter": torch.nn.Parameter(whole.clone()),
        "needs no gradient": torch.nn.Parameter(torch.randn(3), requires_grad=False),
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 3),
        "bool": torch.tensor([True, False]),
        **{
            str(kind): torch.arange(5).to(kind)
            for kind in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
        },
    }
    torch.save(tensors, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=not legacy)
    read = read_weights(tmp_path)
    assert read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(read[name], tensor.detach().numpy(), strict=True)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_module_in_any_protocol(tmp_path: Path, protocol: int) -> None:
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.LayerNorm(4))
    torch.save(module.state_dict(), tmp_path / "pytorch_model.bin", pickle_protocol=protocol)
    read = read_weights(tmp_path)
    for name, tensor in module.state_dict().items():
        np.testing.assert_array_equal(read[name], tensor.numpy(), strict=True)
    torch.save(module, tmp_path / "pytorch_model.bin", pickle_protocol=protocol)
    with pytest.raises(UnsafeCheckpointError, match=r"asks for torch\.nn\.modules\.container\.Sequential"):
        read_weights(tmp_path)


def test_bfloat16_safetensors(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    tensors = {"a": torch.randn(3, 5).bfloat16(), "b": torch.randn(2), "c": torch.zeros(0, 2).bfloat16()}
    save_file(tensors, tmp_path / "model.safetensors")
    read = read_weights(tmp_path)
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(read[name], tensor.float().numpy(), strict=True)


@pytest.mark.parametrize("config", SMALL.values(), ids=list(SMALL))
def test_transformers_opens_our_configuration_and_we_its_checkpoint(tmp_path: Path, config: Config) -> None:
    config.save_pretrained(tmp_path / "ours")
    theirs = transformers.AutoConfig.from_pretrained(tmp_path / "ours")
    for name, value in config.to_dict().items():
        wanted = NLI if name == "id2label" else value
        assert getattr(theirs, name) == wanted, name
    model = transformers.AutoModelForSequenceClassification.from_config(theirs)
    model.save_pretrained(tmp_path / "theirs")
    checkpoint = open_checkpoint(tmp_path / "theirs")
    for name in config.to_dict():
        if name != "architectures":
            assert getattr(checkpoint.config, name) == getattr(config, name), name
    state = model.state_dict()
    weights = checkpoint.weights()
    names = {checkpoint_name(name, checkpoint.config): array for name, array in weights.items()}
    assert names.keys() == state.keys()
    for name, array in names.items():
        np.testing.assert_array_equal(array, state[name].numpy(), strict=True)


@pytest.mark.parametrize("config", SMALL.values(), ids=list(SMALL))
@pytest.mark.parametrize("head", ["AutoModel", "AutoModelForMaskedLM", "AutoModelForPreTraining"])
def test_encoders_of_transformers(tmp_path: Path, config: Config, head: str) -> None:
    config.save_pretrained(tmp_path)
    theirs = transformers.AutoConfig.from_pretrained(tmp_path)
    model = getattr(transformers, head).from_config(theirs)
    model.save_pretrained(tmp_path)
    weights = open_checkpoint(tmp_path).weights(require_head=False)
    assert weights and not {"classifier.weight", "pre_classifier.weight"} & weights.keys()


def test_defaults_are_those_of_transformers() -> None:
    for name in ("Bert", "DistilBert", "MobileBert"):
        theirs = getattr(transformers, f"{name}Config")()
        ours = config_from_dict({"model_type": theirs.model_type}).to_dict()
        for field in ours.keys() - {"position_embedding_type"}:
            assert getattr(theirs, field) == ours[field], field


def test_a_prefix_folder_opens_in_transformers(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "model", attention="prefix")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    assert model.config.attention == "prefix"
    model.config.save_pretrained(tmp_path / "again")
    assert BertConfig.from_pretrained(tmp_path / "again").attention == "prefix"
