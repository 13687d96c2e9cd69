"""A pair classifier of any architecture and attention from a checkpoint folder: what training starts from."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar, cast

from entailment.checkpoint.config import DistilBertConfig, MobileBertConfig
from entailment.checkpoint.folder import open_checkpoint
from entailment.checkpoint.loading_report import LoadingReport
from entailment.checkpoint.weights import read_weights
from entailment.errors import WeightsMismatchError
from entailment.models.bert import BertForSequenceClassification
from entailment.models.distilbert import DistilBertForSequenceClassification
from entailment.models.filling import fill
from entailment.models.mobilebert_heads import MobileBertForSequenceClassification
from entailment.models.prefix import PrefixBertForSequenceClassification

FullPairClassifier = (
    BertForSequenceClassification | DistilBertForSequenceClassification | MobileBertForSequenceClassification
)
PairClassifier = FullPairClassifier | PrefixBertForSequenceClassification
Model = TypeVar("Model", bound=PairClassifier)

#: What fine-tuning starts anew; a pooler is taken from the encoder where it has one.
HEAD = ("classifier.", "pre_classifier.")


def load_model(name: str | Path | None = None) -> PairClassifier:
    """The pair classifier of a checkpoint, in evaluation mode, of the architecture and attention it names.

    Raises:
        CheckpointError: the folder cannot be used, or has no classifier.
    """
    config = open_checkpoint(name).config
    model: PairClassifier
    if isinstance(config, MobileBertConfig):
        model = MobileBertForSequenceClassification.from_pretrained(name)
    elif isinstance(config, DistilBertConfig):
        model = DistilBertForSequenceClassification.from_pretrained(name)
    elif config.attention == "prefix":
        model = PrefixBertForSequenceClassification.from_pretrained(name)
    else:
        model = BertForSequenceClassification.from_pretrained(name)
    missing = cast(LoadingReport, model.loading_report).initialised
    if missing:
        raise WeightsMismatchError(
            f"the weights of {name} lack the classification head ({', '.join(missing)}): this is an encoder "
            "alone; fine-tune it, or name a checkpoint that was fine-tuned"
        )
    return model


def load_encoder(model: Model, folder: str | Path) -> Model:
    """Fill a new classifier from a pretrained encoder; what the encoder lacks is initialised.

    The checkpoint's own head, if it has one, is left out: fine-tuning starts with a new one.

    Raises:
        CheckpointError: the folder cannot be used, or is not an encoder of the model's configuration.
    """
    checkpoint = open_checkpoint(Path(folder))
    weights = {
        name: array for name, array in read_weights(checkpoint.folder).items() if not name.startswith(HEAD)
    }
    fill(model, weights, checkpoint)
    return model
