"""Tiny checkpoints with random weights, in folders of the names that the reference's documents use."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path
from typing import Any

import torch

import entailment

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PIECES = (*string.ascii_lowercase, *(f"##{letter}" for letter in string.ascii_lowercase), *string.punctuation)
HIDDEN = 16

NLI = {0: "entailment", 1: "neutral", 2: "contradiction"}
EMOTIONS = {0: "others", 1: "happy", 2: "sad", 3: "angry"}
ENTITIES = {0: "O", 1: "I-ORG", 2: "I-LOC"}

PRETRAINED = "google/mobilebert-uncased"
EMOTION = "lordtt13/emo-mobilebert"
ENTITY = "mrm8488/mobilebert-finetuned-ner"
SQUAD = "csarron/mobilebert-uncased-squad-v2"
MOBILEBERT = "typeform/mobilebert-uncased-mnli"
DISTILBERT = "typeform/distilbert-base-uncased-mnli"
MINILM = "MoritzLaurer/MiniLM-L6-mnli"
TINYBERT = "agentlans/TinyBERT_General_4L_312D-nli"
CHECKPOINTS = {
    PRETRAINED: ("MobileBertForPreTraining", {}),
    EMOTION: ("MobileBertForSequenceClassification", EMOTIONS),
    ENTITY: ("MobileBertForTokenClassification", ENTITIES),
    SQUAD: ("MobileBertForQuestionAnswering", {}),
    MOBILEBERT: ("MobileBertForSequenceClassification", NLI),
    DISTILBERT: ("DistilBertForSequenceClassification", NLI),
    MINILM: ("BertForSequenceClassification", NLI),
    TINYBERT: ("BertForSequenceClassification", NLI),
}


def vocabulary_of(text: str) -> tuple[str, ...]:
    """Pieces by id: special tokens, letters, punctuation, and each word of a text as a token of its own."""
    return tuple(dict.fromkeys((*SPECIAL, *PIECES, *re.findall("[a-z]+", text.lower()))))


def make_hub(root: Path, vocabulary: tuple[str, ...]) -> None:
    """Write every checkpoint; where the working directory is `root`, their names are folders that open."""
    for name, (kind, labels) in CHECKPOINTS.items():
        torch.manual_seed(0)
        architecture = kind.partition("For")[0]
        config = _config(architecture, vocab_size=len(vocabulary), id2label=labels, initializer_range=0.3)
        getattr(entailment, kind)(config).save_pretrained(root / name)
        (root / name / "vocab.txt").write_text("".join(f"{piece}\n" for piece in vocabulary))
        settings = {
            "tokenizer_class": f"{architecture}Tokenizer",
            "do_lower_case": True,
            "model_max_length": 512,
        }
        (root / name / "tokenizer_config.json").write_text(json.dumps(settings))


def _config(architecture: str, **settings: Any) -> Any:
    if architecture == "DistilBert":
        sizes: dict[str, Any] = dict(dim=HIDDEN, n_layers=2, n_heads=2, hidden_dim=16)
        return entailment.DistilBertConfig(**sizes, **settings)
    sizes = dict(hidden_size=HIDDEN, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16)
    if architecture == "Bert":
        return entailment.BertConfig(**sizes, **settings)
    return entailment.MobileBertConfig(embedding_size=8, intra_bottleneck_size=8, **sizes, **settings)
