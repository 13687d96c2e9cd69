"""MobileBERT on Keras 3, under the TensorFlow names of the documentation.

parts.py, mobilebert.py     layers of one idea each; the encoder, and the masked-word head
heads.py                    the eight documented classes
model.py                    what they share: both input formats, Keras's training hooks, settings
inputs.py, losses.py, outputs.py   what may be handed in, what a task minimises, what it answers
pretrained.py, options.py, slots.py   opened and saved, every array accounted for
h5_file.py, serving.py      tf_model.h5 and SavedModel, written

The layers are written in `keras.ops`: with KERAS_BACKEND=jax or torch they run there, and TensorFlow is not
imported.
"""

from __future__ import annotations

from entailment.errors import MissingExtraError

try:
    import keras as _keras  # noqa: F401 - the question is whether it is there, and its back end
except ImportError as error:
    raise MissingExtraError(
        (error.name or "keras").split(".")[0], extra="tensorflow", purpose="a model as a Keras model"
    ) from error

from entailment.keras.heads import (
    TFMobileBertForMaskedLM,
    TFMobileBertForMultipleChoice,
    TFMobileBertForNextSentencePrediction,
    TFMobileBertForPreTraining,
    TFMobileBertForQuestionAnswering,
    TFMobileBertForSequenceClassification,
    TFMobileBertForTokenClassification,
    TFMobileBertModel,
)
from entailment.keras.outputs import TFMobileBertForPreTrainingOutput

__all__ = [
    "TFMobileBertForMaskedLM",
    "TFMobileBertForMultipleChoice",
    "TFMobileBertForNextSentencePrediction",
    "TFMobileBertForPreTraining",
    "TFMobileBertForPreTrainingOutput",
    "TFMobileBertForQuestionAnswering",
    "TFMobileBertForSequenceClassification",
    "TFMobileBertForTokenClassification",
    "TFMobileBertModel",
]
