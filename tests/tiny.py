"""Tiny random checkpoint folders, written with numpy and safetensors alone, for the tests of every room.

    folder = tiny_bert(tmp_path / "model")  # full attention, three NLI classes
    folder = tiny_bert(tmp_path / "model", attention="prefix", labels=("entailment", "not_entailment"))
    folder = tiny_bert(tmp_path / "model", labels=None, prefix="")  # an encoder without a head
    folder = tiny_bert(tmp_path / "model", layout="sharded", dtype="float16")
    folder = tiny_distilbert(tmp_path / "model")
    folder = tiny_mobilebert(tmp_path / "model", trigram_input=False, num_feedforward_networks=1)

The weights are large enough that different texts get clearly different logits. The vocabulary is a real
WordPiece one of some 300 pieces, with every lower-case ASCII letter, digit and punctuation mark, so that no
word of those is unknown.
"""

from __future__ import annotations

import json
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from entailment.checkpoint.config import Config, DistilBertConfig, MobileBertConfig
from entailment.checkpoint.names import TABLES, arrays_of

Layout = Literal["safetensors", "sharded"]
Arrays = dict[str, np.ndarray]

NLI_LABELS = ("entailment", "neutral", "contradiction")

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
UNKNOWN = SPECIAL[1]
COMMON_WORDS = """
the of and to in is was for on that with as at by it from his he she her they we you are were be this
example have has had not but or an one two three about match team player goal game scored won lost sport
sports politics cooking food music film movie book story news world country city river house school work day
night morning week year time people man woman child children dog cat horse bird garden kitchen street car
train plane boat water fire earth red blue green black white big small old new good bad great happy sad
young long short fast slow run runs running walk walks walking eat eats eating play plays playing read reads
reading write sleep sleeps sleeping sit sits sitting buy sell make made take took see saw say said know
think want like love hate outside inside under over after before because nobody everyone some many all any
no yes very more most less text label topic minister election bank money price market soup bread doctor
hospital rain sun snow final striker twice government
"""
WORDS = tuple(COMMON_WORDS.split())
SUFFIXES = ("##s", "##ed", "##ing", "##er", "##ly", "##est", "##tion", "##ment", "##ness")


def tiny_vocabulary() -> tuple[str, ...]:
    """The pieces by id: special tokens, single characters, words, suffixes."""
    letters = string.ascii_lowercase + string.digits
    pieces = [*SPECIAL, *letters, *(f"##{c}" for c in letters), *string.punctuation, *WORDS, *SUFFIXES]
    return tuple(dict.fromkeys(pieces))


def tiny_tokenizer(folder: str | Path, *, max_length: int = 64, lowercase: bool = True) -> Path:
    """Write tokenizer.json, vocab.txt and tokenizer_config.json as a BERT checkpoint has them."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    ids = {piece: index for index, piece in enumerate(tiny_vocabulary())}
    tokenizer = Tokenizer(models.WordPiece(vocab=ids, unk_token=UNKNOWN, max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in ids), encoding="utf-8")
    settings = {
        "cls_token": "[CLS]",
        "do_lower_case": lowercase,
        "mask_token": "[MASK]",
        "model_max_length": max_length,
        "pad_token": "[PAD]",
        "sep_token": "[SEP]",
        "strip_accents": None,
        "tokenize_chinese_chars": True,
        "tokenizer_class": "BertTokenizer",
        "unk_token": "[UNK]",
    }
    write_json(folder / "tokenizer_config.json", settings)
    return folder


def tiny_bert_config(
    *,
    layers: int = 2,
    hidden: int = 32,
    heads: int = 4,
    intermediate: int = 64,
    positions: int = 64,
    labels: Sequence[str] | None = NLI_LABELS,
    attention: Literal["full", "prefix"] = "full",
    hidden_act: str = "gelu",
) -> dict[str, object]:
    """The JSON object of config.json; `labels=None` makes an encoder without a classification head."""
    config: dict[str, object] = {
        "architectures": ["BertModel" if labels is None else "BertForSequenceClassification"],
        "attention_probs_dropout_prob": 0.1,
        "hidden_act": hidden_act,
        "hidden_dropout_prob": 0.1,
        "hidden_size": hidden,
        "initializer_range": 0.02,
        "intermediate_size": intermediate,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": positions,
        "model_type": "bert",
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "pad_token_id": 0,
        "type_vocab_size": 2,
        "vocab_size": len(tiny_vocabulary()),
    }
    if labels is not None:
        config["id2label"] = {str(index): name for index, name in enumerate(labels)}
        config["label2id"] = {name: index for index, name in enumerate(labels)}
    if attention == "prefix":
        config["attention"] = "prefix"
    return config


def tiny_bert_arrays(config: Mapping[str, object], *, seed: int = 0, prefix: str = "bert.") -> Arrays:
    """Random float32 arrays for a configuration of `tiny_bert_config`, under the names of the checkpoint."""
    rng = np.random.default_rng(seed)
    H, intermediate = _size(config, "hidden_size"), _size(config, "intermediate_size")
    arrays: Arrays = {}

    def normal(name: str, *shape: int, scale: float, mean: float = 0.0) -> None:
        arrays[name] = (mean + scale * rng.standard_normal(shape)).astype(np.float32)

    def linear(name: str, outputs: int, inputs: int, scale: float | None = None) -> None:
        normal(f"{name}.weight", outputs, inputs, scale=scale or inputs**-0.5)
        normal(f"{name}.bias", outputs, scale=0.1)

    def norm(name: str) -> None:
        normal(f"{name}.weight", H, scale=0.1, mean=1.0)
        normal(f"{name}.bias", H, scale=0.1)

    embeddings = f"{prefix}embeddings"
    normal(f"{embeddings}.word_embeddings.weight", _size(config, "vocab_size"), H, scale=1.0)
    normal(f"{embeddings}.position_embeddings.weight", _size(config, "max_position_embeddings"), H, scale=0.3)
    normal(f"{embeddings}.token_type_embeddings.weight", _size(config, "type_vocab_size"), H, scale=0.3)
    norm(f"{embeddings}.LayerNorm")
    for index in range(_size(config, "num_hidden_layers")):
        layer = f"{prefix}encoder.layer.{index}"
        for part in ("query", "key", "value"):
            linear(f"{layer}.attention.self.{part}", H, H)
        linear(f"{layer}.attention.output.dense", H, H)
        norm(f"{layer}.attention.output.LayerNorm")
        linear(f"{layer}.intermediate.dense", intermediate, H)
        linear(f"{layer}.output.dense", H, intermediate)
        norm(f"{layer}.output.LayerNorm")
    linear(f"{prefix}pooler.dense", H, H)
    names = config.get("id2label")
    if isinstance(names, Mapping):
        linear("classifier", len(names), H, scale=0.5)
    return arrays


def tiny_bert(
    folder: str | Path,
    *,
    layers: int = 2,
    hidden: int = 32,
    heads: int = 4,
    intermediate: int = 64,
    positions: int = 64,
    labels: Sequence[str] | None = NLI_LABELS,
    attention: Literal["full", "prefix"] = "full",
    hidden_act: str = "gelu",
    seed: int = 0,
    layout: Layout = "safetensors",
    dtype: Literal["float32", "float16"] = "float32",
    prefix: str | None = None,
) -> Path:
    """Write a whole checkpoint folder (config, weights, tokenizer) and return it.

    `prefix` stands before the encoder's names in the weight file; by default "bert." with a head, "" without.
    """
    folder = Path(folder)
    config = tiny_bert_config(
        layers=layers,
        hidden=hidden,
        heads=heads,
        intermediate=intermediate,
        positions=positions,
        labels=labels,
        attention=attention,
        hidden_act=hidden_act,
    )
    if prefix is None:
        prefix = "" if labels is None else "bert."
    arrays = tiny_bert_arrays(config, seed=seed, prefix=prefix)
    tiny_tokenizer(folder, max_length=positions)
    write_json(folder / "config.json", config)
    write_weights(folder, {name: array.astype(dtype) for name, array in arrays.items()}, layout=layout)
    return folder


def tiny_distilbert(folder: str | Path, *, seed: int = 0, **settings: Any) -> Path:
    """Write a whole DistilBERT checkpoint folder for NLI; `settings` are fields of its configuration."""
    sizes = {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, "max_position_embeddings": 64}
    labelled = {"vocab_size": len(tiny_vocabulary()), "id2label": dict(enumerate(NLI_LABELS))}
    classes = {"architectures": ("DistilBertForSequenceClassification",)}
    return _tiny(folder, DistilBertConfig(**{**sizes, **labelled, **classes, **settings}), seed)


def tiny_mobilebert(folder: str | Path, *, seed: int = 0, **settings: Any) -> Path:
    """Write a whole MobileBERT checkpoint folder for NLI; `settings` are fields of its configuration."""
    widths = {"hidden_size": 32, "embedding_size": 12, "intra_bottleneck_size": 16, "intermediate_size": 24}
    sizes = {"num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 64}
    labelled = {"vocab_size": len(tiny_vocabulary()), "id2label": dict(enumerate(NLI_LABELS))}
    classes = {"architectures": ("MobileBertForSequenceClassification",)}
    return _tiny(folder, MobileBertConfig(**{**widths, **sizes, **labelled, **classes, **settings}), seed)


def random_arrays(config: Config, *, seed: int = 0) -> Arrays:
    """Random float32 arrays for a configuration, under the names of the checkpoint."""
    rng = np.random.default_rng(seed)
    table, arrays = TABLES[config.model_type], {}
    for name, (theirs, shape) in arrays_of(config).items():
        if name.endswith("norm.weight"):  # Without a norm nothing keeps activations from growing.
            scale, mean = 0.1, 1.0 if config.model_type != "mobilebert" else 0.8
        elif len(shape) == 1:
            scale, mean = 0.1, 0.0
        elif name.startswith("embeddings") and "transformation" not in name:
            scale, mean = (1.0 if "word" in name else 0.3), 0.0
        else:
            scale, mean = (0.5 if name.startswith("classifier") else shape[1] ** -0.5), 0.0
        prefix = "" if theirs in table.head.values() else table.prefix
        arrays[prefix + theirs] = (mean + scale * rng.standard_normal(shape)).astype(np.float32)
    return arrays


def _tiny(folder: str | Path, config: Config, seed: int) -> Path:
    folder = tiny_tokenizer(folder, max_length=config.max_position_embeddings)
    write_json(folder / "config.json", config.to_dict())
    write_weights(folder, random_arrays(config, seed=seed))
    return folder


def write_weights(folder: Path, arrays: Mapping[str, np.ndarray], *, layout: Layout = "safetensors") -> None:
    """Write arrays as model.safetensors, or as two shards and model.safetensors.index.json."""
    folder.mkdir(parents=True, exist_ok=True)
    if layout == "safetensors":
        save_file(dict(arrays), folder / "model.safetensors", metadata={"format": "pt"})
        return
    names = list(arrays)
    shards = {
        "model-00001-of-00002.safetensors": names[: len(names) // 2],
        "model-00002-of-00002.safetensors": names[len(names) // 2 :],
    }
    for file, members in shards.items():
        save_file({name: arrays[name] for name in members}, folder / file, metadata={"format": "pt"})
    index = {
        "metadata": {"total_size": sum(array.nbytes for array in arrays.values())},
        "weight_map": {name: file for file, members in shards.items() for name in members},
    }
    write_json(folder / "model.safetensors.index.json", index)


def write_json(path: Path, value: object) -> None:
    """Write JSON as checkpoints do: indented, keys sorted."""
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _size(config: Mapping[str, object], key: str) -> int:
    value = config[key]
    assert isinstance(value, int)
    return value
