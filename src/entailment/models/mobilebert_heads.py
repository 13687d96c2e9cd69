"""MobileBERT's task classes: the encoder of `mobilebert`, and a head on it.

What they share, their `forward` and the generic methods, are functions of `heads`, `pretrained` and
`surgery`.

Legend of shapes: B batch, T tokens, H hidden, K classes, V vocabulary, C choices.
"""

from __future__ import annotations

from torch import Tensor, nn

from entailment.checkpoint.config import MobileBertConfig
from entailment.checkpoint.head_settings import head_dropout, two_labels
from entailment.models import heads, pretrained, surgery
from entailment.models.initial import initialise
from entailment.models.mobilebert import MobileBertModel, MobileBertPredictionHead
from entailment.models.outputs import BaseModelOutputWithPooling


class MobileBertForPreTraining(nn.Module):
    """MobileBERT with both pre-training heads: masked words, and whether the second text follows."""

    config_class = MobileBertConfig
    config = surgery.ConfigOfEncoder[MobileBertConfig]()
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix, mobilebert = "mobilebert", surgery.base_model
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable
    forward = heads.predict_masked_and_next

    def __init__(self, config: MobileBertConfig) -> None:
        super().__init__()
        self.encoder = MobileBertModel(config)
        self.predictions = MobileBertPredictionHead(config, self.encoder.embeddings.word)
        self.seq_relationship = nn.Linear(config.hidden_size, 2)
        initialise(self.seq_relationship, config.initializer_range)

    def logits(self, encoded: BaseModelOutputWithPooling) -> Tensor:
        """[B, T, V]."""
        scores: Tensor = self.predictions(encoded.last_hidden_state)
        return scores

    def next_sentence_logits(self, encoded: BaseModelOutputWithPooling) -> Tensor:
        """[B, 2]."""
        scores: Tensor = self.seq_relationship(encoded.pooler_output)
        return scores


class MobileBertForMaskedLM(nn.Module):
    """MobileBERT with the masked-language-model head."""

    config_class = MobileBertConfig
    config = surgery.ConfigOfEncoder[MobileBertConfig]()
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix, mobilebert = "mobilebert", surgery.base_model
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable
    forward = heads.predict_masked

    def __init__(self, config: MobileBertConfig) -> None:
        super().__init__()
        self.encoder = MobileBertModel(config, add_pooling_layer=False)
        self.predictions = MobileBertPredictionHead(config, self.encoder.embeddings.word)

    def logits(self, encoded: BaseModelOutputWithPooling) -> Tensor:
        """[B, T, V]."""
        scores: Tensor = self.predictions(encoded.last_hidden_state)
        return scores


class MobileBertForNextSentencePrediction(nn.Module):
    """MobileBERT with the head that tells whether the second text follows the first."""

    config_class = MobileBertConfig
    config = surgery.ConfigOfEncoder[MobileBertConfig]()
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix, mobilebert = "mobilebert", surgery.base_model
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable
    forward = heads.predict_next_sentence

    def __init__(self, config: MobileBertConfig) -> None:
        super().__init__()
        self.encoder = MobileBertModel(config)
        self.seq_relationship = nn.Linear(config.hidden_size, 2)
        initialise(self.seq_relationship, config.initializer_range)

    def logits(self, encoded: BaseModelOutputWithPooling) -> Tensor:
        """[B, 2]."""
        scores: Tensor = self.seq_relationship(encoded.pooler_output)
        return scores


class MobileBertForSequenceClassification(nn.Module):
    """MobileBERT with K classes of a text or of a pair, pooled at [CLS]."""

    config_class = MobileBertConfig
    config = surgery.ConfigOfEncoder[MobileBertConfig]()
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix, mobilebert = "mobilebert", surgery.base_model
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable
    forward = heads.classify_sequence

    def __init__(self, config: MobileBertConfig) -> None:
        super().__init__()
        self.encoder = MobileBertModel(config)
        self.dropout = nn.Dropout(head_dropout(config))
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        initialise(self.classifier, config.initializer_range)

    def logits(self, encoded: BaseModelOutputWithPooling) -> Tensor:
        """[B, K]."""
        scores: Tensor = self.classifier(self.dropout(encoded.pooler_output))
        return scores


class MobileBertForMultipleChoice(nn.Module):
    """MobileBERT with a score for each of C texts."""

    config_class = MobileBertConfig
    config = surgery.ConfigOfEncoder[MobileBertConfig]()
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix, mobilebert = "mobilebert", surgery.base_model
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable
    forward = heads.choose

    def __init__(self, config: MobileBertConfig) -> None:
        super().__init__()
        self.encoder = MobileBertModel(config)
        self.dropout = nn.Dropout(head_dropout(config))
        self.classifier = nn.Linear(config.hidden_size, 1)
        initialise(self.classifier, config.initializer_range)

    def logits(self, encoded: BaseModelOutputWithPooling) -> Tensor:
        """[B * C, 1]."""
        scores: Tensor = self.classifier(self.dropout(encoded.pooler_output))
        return scores


class MobileBertForTokenClassification(nn.Module):
    """MobileBERT with K classes of every token."""

    config_class = MobileBertConfig
    config = surgery.ConfigOfEncoder[MobileBertConfig]()
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix, mobilebert = "mobilebert", surgery.base_model
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable
    forward = heads.classify_tokens

    def __init__(self, config: MobileBertConfig) -> None:
        super().__init__()
        self.encoder = MobileBertModel(config, add_pooling_layer=False)
        self.dropout = nn.Dropout(head_dropout(config))
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        initialise(self.classifier, config.initializer_range)

    def logits(self, encoded: BaseModelOutputWithPooling) -> Tensor:
        """[B, T, K]."""
        scores: Tensor = self.classifier(self.dropout(encoded.last_hidden_state))
        return scores


class MobileBertForQuestionAnswering(nn.Module):
    """MobileBERT with the scores of every token to begin the answer, and to end it."""

    config_class = MobileBertConfig
    config = surgery.ConfigOfEncoder[MobileBertConfig]()
    from_pretrained = pretrained.FromPretrained()
    save_pretrained = pretrained.save_pretrained
    resize_token_embeddings = surgery.resize_token_embeddings
    get_input_embeddings, set_input_embeddings = surgery.get_input_embeddings, surgery.set_input_embeddings
    get_output_embeddings = surgery.get_output_embeddings
    set_output_embeddings, tie_weights = surgery.set_output_embeddings, surgery.tie_weights
    prune_heads, enable_input_require_grads = surgery.prune_heads, surgery.enable_input_require_grads
    num_parameters, get_memory_footprint = surgery.num_parameters, surgery.get_memory_footprint
    device, dtype, base_model = surgery.device, surgery.dtype, surgery.base_model
    base_model_prefix, mobilebert = "mobilebert", surgery.base_model
    gradient_checkpointing_enable = surgery.gradient_checkpointing_enable
    gradient_checkpointing_disable = surgery.gradient_checkpointing_disable
    forward = heads.find_answer

    def __init__(self, config: MobileBertConfig) -> None:
        super().__init__()
        self.encoder = MobileBertModel(config, add_pooling_layer=False)
        self.qa_outputs = nn.Linear(config.hidden_size, two_labels(config))
        initialise(self.qa_outputs, config.initializer_range)

    def logits(self, encoded: BaseModelOutputWithPooling) -> Tensor:
        """[B, T, 2]."""
        scores: Tensor = self.qa_outputs(encoded.last_hidden_state)
        return scores
