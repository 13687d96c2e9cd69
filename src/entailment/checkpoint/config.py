"""config.json as frozen dataclasses: `BertConfig`, `DistilBertConfig`, `MobileBertConfig`.

Field names and defaults are those of the Hugging Face documentation. Every configuration also has

    attention       "full", or "prefix": premise tokens do not see the hypothesis; "full" is not written
    id2label        label names by logit index; `num_labels`, given alone, makes LABEL_0, LABEL_1, ...
    label2id        the way back as the checkpoint states it
    problem_type    "regression", "single_label_classification", "multi_label_classification" or None
    output_attentions, output_hidden_states, return_dict
                    what a model answers with, unless a call says otherwise
    architectures   class names the checkpoint was saved from, e.g. ("BertForSequenceClassification",)
    extra           keys of config.json, and keywords, that are none of these: kept verbatim, written back,
                    and read as attributes, `config.finetuning_task`

An activation may also be given as torch's function of that name, `torch.nn.functional.relu` for "relu".

Constructing one checks it: wrong types, sizes below 1 or beyond any real model, a width that the heads do
not divide raise `CheckpointError`, what nothing here computes raises `UnsupportedModelError`. Read from a
file, the former is a `CorruptCheckpointError`, and both name the file. A keyword that resembles a field is
taken for a slip (`InputError`). No field is ever changed in place: `dataclasses.replace` makes another. Any
other attribute that is assigned goes to `extra`. Numbers of NumPy are kept as Python's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar, Literal, Self

from entailment.checkpoint.config_dict import complete
from entailment.checkpoint.fields import (
    ACTIVATIONS,
    check_choice,
    check_heads,
    check_positive,
    check_probabilities,
    check_sizes,
)
from entailment.checkpoint.open_config import OpenConfig, open_to_keywords
from entailment.errors import UnsupportedModelError

Attention = Literal["full", "prefix"]


@open_to_keywords
@dataclass(frozen=True, kw_only=True)
class BertConfig(OpenConfig):
    """BERT (Devlin et al. 2018, arXiv:1810.04805) and encoders of its shape: MiniLM, TinyBERT."""

    model_type: ClassVar[str] = "bert"

    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int = 0
    position_embedding_type: str = "absolute"
    classifier_dropout: float | None = None
    attention: Attention = "full"
    num_labels: int = 0
    id2label: dict[int, str] = field(default_factory=dict)
    label2id: dict[str, int] = field(default_factory=dict)
    problem_type: str | None = None
    output_attentions: bool = False
    output_hidden_states: bool = False
    return_dict: bool = True
    architectures: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _name_activation(self, "hidden_act")
        complete(self)
        check_heads(self, "hidden_size", "num_attention_heads")
        sizes = {
            "num_hidden_layers": "layers",
            "intermediate_size": "width",
            "type_vocab_size": "token_types",
        }
        check_sizes(self, sizes)
        check_choice(self, "hidden_act", ACTIVATIONS)
        check_choice(self, "position_embedding_type", ("absolute",))
        check_positive(self, "initializer_range", "layer_norm_eps")
        check_probabilities(self, "hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout")


@open_to_keywords
@dataclass(frozen=True, kw_only=True)
class DistilBertConfig(OpenConfig):
    """DistilBERT (Sanh et al. 2019, arXiv:1910.01108); BERT's names for its sizes are there as properties."""

    model_type: ClassVar[str] = "distilbert"

    vocab_size: int = 30522
    max_position_embeddings: int = 512
    sinusoidal_pos_embds: bool = False
    n_layers: int = 6
    n_heads: int = 12
    dim: int = 768
    hidden_dim: int = 3072
    dropout: float = 0.1
    attention_dropout: float = 0.1
    activation: str = "gelu"
    initializer_range: float = 0.02
    qa_dropout: float = 0.1
    seq_classif_dropout: float = 0.2
    pad_token_id: int = 0
    attention: Attention = "full"
    num_labels: int = 0
    id2label: dict[int, str] = field(default_factory=dict)
    label2id: dict[str, int] = field(default_factory=dict)
    problem_type: str | None = None
    output_attentions: bool = False
    output_hidden_states: bool = False
    return_dict: bool = True
    architectures: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _name_activation(self, "activation")
        complete(self)
        check_heads(self, "dim", "n_heads")
        check_sizes(self, {"n_layers": "layers", "hidden_dim": "width"})
        check_choice(self, "activation", ACTIVATIONS)
        check_positive(self, "initializer_range")
        check_probabilities(self, "dropout", "attention_dropout", "qa_dropout", "seq_classif_dropout")

    @property
    def hidden_size(self) -> int:
        """Width of the encoder: `dim`."""
        return self.dim

    @property
    def num_hidden_layers(self) -> int:
        """Number of layers: `n_layers`."""
        return self.n_layers

    @property
    def num_attention_heads(self) -> int:
        """Attention heads a layer: `n_heads`."""
        return self.n_heads


@open_to_keywords
@dataclass(frozen=True)
class MobileBertConfig(OpenConfig):
    """MobileBERT (Sun et al. 2020, arXiv:2004.02984); the defaults are google/mobilebert-uncased."""

    model_type: ClassVar[str] = "mobilebert"
    #: The published checkpoint of the paper, and its config.json.
    pretrained_config_archive_map: ClassVar[dict[str, str]] = {
        "google/mobilebert-uncased": "https://huggingface.co/google/mobilebert-uncased/resolve/main/config.json"
    }

    vocab_size: int = 30522
    hidden_size: int = 512
    num_hidden_layers: int = 24
    num_attention_heads: int = 4
    intermediate_size: int = 512
    hidden_act: str = "relu"
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int = 0
    embedding_size: int = 128
    trigram_input: bool = True
    use_bottleneck: bool = True
    intra_bottleneck_size: int = 128
    use_bottleneck_attention: bool = False
    key_query_shared_bottleneck: bool = True
    num_feedforward_networks: int = 4
    normalization_type: str = "no_norm"
    classifier_activation: bool = True
    classifier_dropout: float | None = None
    _: KW_ONLY  # the documented order ends here
    attention: Attention = "full"
    num_labels: int = 0
    id2label: dict[int, str] = field(default_factory=dict)
    label2id: dict[str, int] = field(default_factory=dict)
    problem_type: str | None = None
    output_attentions: bool = False
    output_hidden_states: bool = False
    return_dict: bool = True
    architectures: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _name_activation(self, "hidden_act")
        complete(self)
        check_heads(self, "true_hidden_size", "num_attention_heads")
        check_sizes(self, dict.fromkeys(("hidden_size", "embedding_size", "intermediate_size"), "width"))
        check_sizes(self, {"num_hidden_layers": "layers", "num_feedforward_networks": "networks"})
        check_sizes(self, {"type_vocab_size": "token_types"})
        check_choice(self, "hidden_act", ACTIVATIONS)
        check_choice(self, "normalization_type", ("no_norm", "layer_norm"))
        check_positive(self, "initializer_range", "layer_norm_eps")
        check_probabilities(self, "hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout")

    @property
    def true_hidden_size(self) -> int:
        """Width inside a layer: the bottleneck's, or the encoder's where there is none."""
        return self.intra_bottleneck_size if self.use_bottleneck else self.hidden_size

    @classmethod
    def ib_bert_teacher(cls) -> Self:
        """IB-BERT LARGE (table 1), the inverted-bottleneck teacher that MobileBERT is distilled from."""
        return cls(
            intra_bottleneck_size=1024,
            intermediate_size=4096,
            num_feedforward_networks=1,
            key_query_shared_bottleneck=False,
            hidden_act="gelu",
            normalization_type="layer_norm",
        )


Config = BertConfig | DistilBertConfig | MobileBertConfig

CONFIGS: dict[str, type[BertConfig] | type[DistilBertConfig] | type[MobileBertConfig]] = {
    "bert": BertConfig,
    "distilbert": DistilBertConfig,
    "mobilebert": MobileBertConfig,
}


def config_from_dict(values: Mapping[str, Any]) -> Config:
    """The configuration of whichever architecture `model_type` names.

    Raises:
        UnsupportedModelError: the architecture is none of `CONFIGS`, or there is no `model_type`.
        CheckpointError: a value is wrong.
    """
    model_type = values.get("model_type")
    if not isinstance(model_type, str) or model_type not in CONFIGS:
        raise UnsupportedModelError(f"model_type {model_type!r} is not one of {', '.join(CONFIGS)}")
    return CONFIGS[model_type].from_dict(values)


def _name_activation(config: Config, field_name: str) -> None:
    """Put its name in the place of an activation that is a function of torch; refuse other functions.

    What a function of the caller's own computes cannot be seen from its name, and no file could hold it.
    """
    given = getattr(config, field_name)
    if not callable(given):
        return
    owner = getattr(given, "__self__", None)  # torch.tanh names no module, but the class it is of
    home = getattr(given, "__module__", None) or getattr(owner, "__module__", None) or ""
    if home.partition(".")[0] == "torch" and getattr(given, "__name__", "") in ACTIVATIONS:
        object.__setattr__(config, field_name, given.__name__)
    else:
        raise UnsupportedModelError(
            f"{field_name} {given!r:.80} is no activation of torch that is known here; give a name, one of "
            f"{', '.join(ACTIVATIONS)}"
        )
