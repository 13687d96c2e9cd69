"""`AutoModel` and its siblings: the class of a task for whichever architecture a checkpoint is of.

>>> model = AutoModelForSequenceClassification.from_pretrained("typeform/mobilebert-uncased-mnli")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from torch import nn

from entailment.checkpoint.config import Config
from entailment.checkpoint.loading_options import is_config
from entailment.errors import UnsupportedModelError
from entailment.models import bert, distilbert, mobilebert, mobilebert_heads
from entailment.models.pretrained import Loader

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class AutoClass(Generic[M]):
    """The classes of one task, by `model_type`; used as the reference uses a class of this name.

    Attributes:
        name: its own, for messages.
        classes: model_type -> class.
    """

    name: str
    classes: Mapping[str, type[M]]

    def from_config(self, config: Config) -> M:
        """A new model with random weights.

        Raises:
            InputError: it is no configuration.
            UnsupportedModelError: the architecture has no class for the task.
        """
        return self._class_of(is_config(config))(config)

    @property
    def from_pretrained(self) -> Loader[M]:
        """The task's class of the checkpoint's architecture, with its weights; arguments as of `Loader`."""
        return Loader(self._class_of)

    def _class_of(self, config: Config) -> type[M]:
        if config.model_type not in self.classes:
            raise UnsupportedModelError(
                f"{self.name} has no class for a {config.model_type}; these have: {', '.join(self.classes)}"
            )
        return self.classes[config.model_type]


AutoModel = AutoClass[bert.BertModel | distilbert.DistilBertModel | mobilebert.MobileBertModel](
    "AutoModel",
    {
        "bert": bert.BertModel,
        "distilbert": distilbert.DistilBertModel,
        "mobilebert": mobilebert.MobileBertModel,
    },
)
# DistilBERT was pre-trained without next sentences: masked words are all of it.
AutoModelForPreTraining = AutoClass[
    bert.BertForPreTraining | distilbert.DistilBertForMaskedLM | mobilebert_heads.MobileBertForPreTraining
](
    "AutoModelForPreTraining",
    {
        "bert": bert.BertForPreTraining,
        "distilbert": distilbert.DistilBertForMaskedLM,
        "mobilebert": mobilebert_heads.MobileBertForPreTraining,
    },
)

AutoModelForMaskedLM = AutoClass[
    bert.BertForMaskedLM | distilbert.DistilBertForMaskedLM | mobilebert_heads.MobileBertForMaskedLM
](
    "AutoModelForMaskedLM",
    {
        "bert": bert.BertForMaskedLM,
        "distilbert": distilbert.DistilBertForMaskedLM,
        "mobilebert": mobilebert_heads.MobileBertForMaskedLM,
    },
)

AutoModelForNextSentencePrediction = AutoClass[
    bert.BertForNextSentencePrediction | mobilebert_heads.MobileBertForNextSentencePrediction
](
    "AutoModelForNextSentencePrediction",
    {
        "bert": bert.BertForNextSentencePrediction,
        "mobilebert": mobilebert_heads.MobileBertForNextSentencePrediction,
    },
)

AutoModelForSequenceClassification = AutoClass[
    bert.BertForSequenceClassification
    | distilbert.DistilBertForSequenceClassification
    | mobilebert_heads.MobileBertForSequenceClassification
](
    "AutoModelForSequenceClassification",
    {
        "bert": bert.BertForSequenceClassification,
        "distilbert": distilbert.DistilBertForSequenceClassification,
        "mobilebert": mobilebert_heads.MobileBertForSequenceClassification,
    },
)

AutoModelForMultipleChoice = AutoClass[
    bert.BertForMultipleChoice
    | distilbert.DistilBertForMultipleChoice
    | mobilebert_heads.MobileBertForMultipleChoice
](
    "AutoModelForMultipleChoice",
    {
        "bert": bert.BertForMultipleChoice,
        "distilbert": distilbert.DistilBertForMultipleChoice,
        "mobilebert": mobilebert_heads.MobileBertForMultipleChoice,
    },
)

AutoModelForTokenClassification = AutoClass[
    bert.BertForTokenClassification
    | distilbert.DistilBertForTokenClassification
    | mobilebert_heads.MobileBertForTokenClassification
](
    "AutoModelForTokenClassification",
    {
        "bert": bert.BertForTokenClassification,
        "distilbert": distilbert.DistilBertForTokenClassification,
        "mobilebert": mobilebert_heads.MobileBertForTokenClassification,
    },
)

AutoModelForQuestionAnswering = AutoClass[
    bert.BertForQuestionAnswering
    | distilbert.DistilBertForQuestionAnswering
    | mobilebert_heads.MobileBertForQuestionAnswering
](
    "AutoModelForQuestionAnswering",
    {
        "bert": bert.BertForQuestionAnswering,
        "distilbert": distilbert.DistilBertForQuestionAnswering,
        "mobilebert": mobilebert_heads.MobileBertForQuestionAnswering,
    },
)
