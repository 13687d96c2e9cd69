"""Natural language inference and zero-shot text classification on compact encoders.

>>> from entailment import ZeroShotClassifier
>>> ZeroShotClassifier()("The striker scored twice.", ["politics", "sports"])["labels"]
['sports', 'politics']

The public names below are loaded when first used (PEP 562): `import entailment` itself loads the standard
library only.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entailment.checkpoint.auto import AutoConfig as AutoConfig
    from entailment.checkpoint.config import BertConfig as BertConfig
    from entailment.checkpoint.config import Config as Config
    from entailment.checkpoint.config import DistilBertConfig as DistilBertConfig
    from entailment.checkpoint.config import MobileBertConfig as MobileBertConfig
    from entailment.checkpoint.folder import Checkpoint as Checkpoint
    from entailment.checkpoint.folder import open_checkpoint as open_checkpoint
    from entailment.checkpoint.labels import LabelOrder as LabelOrder
    from entailment.client import AsyncClient as AsyncClient
    from entailment.client import Client as Client
    from entailment.client import ServerError as ServerError
    from entailment.errors import CheckpointError as CheckpointError
    from entailment.errors import CheckpointNotFoundError as CheckpointNotFoundError
    from entailment.errors import CorruptCheckpointError as CorruptCheckpointError
    from entailment.errors import DataFileError as DataFileError
    from entailment.errors import EntailmentError as EntailmentError
    from entailment.errors import InputError as InputError
    from entailment.errors import JobError as JobError
    from entailment.errors import LabelOrderError as LabelOrderError
    from entailment.errors import LabelsError as LabelsError
    from entailment.errors import MissingExtraError as MissingExtraError
    from entailment.errors import NonFiniteLogitsError as NonFiniteLogitsError
    from entailment.errors import TemplateError as TemplateError
    from entailment.errors import TextError as TextError
    from entailment.errors import UnsafeCheckpointError as UnsafeCheckpointError
    from entailment.errors import UnsupportedModelError as UnsupportedModelError
    from entailment.errors import WeightsMismatchError as WeightsMismatchError
    from entailment.errors import WorkerDiedError as WorkerDiedError
    from entailment.evaluate.run import Evaluation as Evaluation
    from entailment.evaluate.run import evaluate_nli as evaluate_nli
    from entailment.evaluate.run import evaluate_zero_shot as evaluate_zero_shot
    from entailment.keras import TFMobileBertForMaskedLM as TFMobileBertForMaskedLM
    from entailment.keras import TFMobileBertForMultipleChoice as TFMobileBertForMultipleChoice
    from entailment.keras import (
        TFMobileBertForNextSentencePrediction as TFMobileBertForNextSentencePrediction,
    )
    from entailment.keras import TFMobileBertForPreTraining as TFMobileBertForPreTraining
    from entailment.keras import TFMobileBertForPreTrainingOutput as TFMobileBertForPreTrainingOutput
    from entailment.keras import TFMobileBertForQuestionAnswering as TFMobileBertForQuestionAnswering
    from entailment.keras import (
        TFMobileBertForSequenceClassification as TFMobileBertForSequenceClassification,
    )
    from entailment.keras import TFMobileBertForTokenClassification as TFMobileBertForTokenClassification
    from entailment.keras import TFMobileBertModel as TFMobileBertModel
    from entailment.models.auto import AutoModel as AutoModel
    from entailment.models.auto import AutoModelForMaskedLM as AutoModelForMaskedLM
    from entailment.models.auto import AutoModelForMultipleChoice as AutoModelForMultipleChoice
    from entailment.models.auto import (
        AutoModelForNextSentencePrediction as AutoModelForNextSentencePrediction,
    )
    from entailment.models.auto import AutoModelForPreTraining as AutoModelForPreTraining
    from entailment.models.auto import AutoModelForQuestionAnswering as AutoModelForQuestionAnswering
    from entailment.models.auto import (
        AutoModelForSequenceClassification as AutoModelForSequenceClassification,
    )
    from entailment.models.auto import AutoModelForTokenClassification as AutoModelForTokenClassification
    from entailment.models.bert import BertForMaskedLM as BertForMaskedLM
    from entailment.models.bert import BertForMultipleChoice as BertForMultipleChoice
    from entailment.models.bert import BertForNextSentencePrediction as BertForNextSentencePrediction
    from entailment.models.bert import BertForPreTraining as BertForPreTraining
    from entailment.models.bert import BertForQuestionAnswering as BertForQuestionAnswering
    from entailment.models.bert import BertForSequenceClassification as BertForSequenceClassification
    from entailment.models.bert import BertForTokenClassification as BertForTokenClassification
    from entailment.models.bert import BertModel as BertModel
    from entailment.models.distilbert import DistilBertForMaskedLM as DistilBertForMaskedLM
    from entailment.models.distilbert import DistilBertForMultipleChoice as DistilBertForMultipleChoice
    from entailment.models.distilbert import DistilBertForQuestionAnswering as DistilBertForQuestionAnswering
    from entailment.models.distilbert import (
        DistilBertForSequenceClassification as DistilBertForSequenceClassification,
    )
    from entailment.models.distilbert import (
        DistilBertForTokenClassification as DistilBertForTokenClassification,
    )
    from entailment.models.distilbert import DistilBertModel as DistilBertModel
    from entailment.models.engine import TorchEngine as TorchEngine
    from entailment.models.engine import load_on as load_on
    from entailment.models.mobilebert import MobileBertModel as MobileBertModel
    from entailment.models.mobilebert_heads import MobileBertForMaskedLM as MobileBertForMaskedLM
    from entailment.models.mobilebert_heads import MobileBertForMultipleChoice as MobileBertForMultipleChoice
    from entailment.models.mobilebert_heads import (
        MobileBertForNextSentencePrediction as MobileBertForNextSentencePrediction,
    )
    from entailment.models.mobilebert_heads import MobileBertForPreTraining as MobileBertForPreTraining
    from entailment.models.mobilebert_heads import (
        MobileBertForQuestionAnswering as MobileBertForQuestionAnswering,
    )
    from entailment.models.mobilebert_heads import (
        MobileBertForSequenceClassification as MobileBertForSequenceClassification,
    )
    from entailment.models.mobilebert_heads import (
        MobileBertForTokenClassification as MobileBertForTokenClassification,
    )
    from entailment.models.outputs import BertForPreTrainingOutput as BertForPreTrainingOutput
    from entailment.models.outputs import MobileBertForPreTrainingOutput as MobileBertForPreTrainingOutput
    from entailment.runtime.engine import Engine as Engine
    from entailment.runtime.engine import OnnxEngine as OnnxEngine
    from entailment.runtime.stub import StubEngine as StubEngine
    from entailment.serve.app import create_app as create_app
    from entailment.tasks.check import DocumentChecker as DocumentChecker
    from entailment.tasks.check import Finding as Finding
    from entailment.tasks.cross_encoder import CrossEncoder as CrossEncoder
    from entailment.tasks.model import PairModel as PairModel
    from entailment.tasks.model import load_model as load_model
    from entailment.tasks.nli import NLI as NLI
    from entailment.tasks.nli import NLIResult as NLIResult
    from entailment.tasks.premise import Premise as Premise
    from entailment.tasks.zero_shot import ZeroShotClassifier as ZeroShotClassifier
    from entailment.text.auto import AutoTokenizer as AutoTokenizer
    from entailment.text.hub_tokenizers import BertTokenizer as BertTokenizer
    from entailment.text.hub_tokenizers import BertTokenizerFast as BertTokenizerFast
    from entailment.text.hub_tokenizers import DistilBertTokenizer as DistilBertTokenizer
    from entailment.text.hub_tokenizers import DistilBertTokenizerFast as DistilBertTokenizerFast
    from entailment.text.hub_tokenizers import MobileBertTokenizer as MobileBertTokenizer
    from entailment.text.hub_tokenizers import MobileBertTokenizerFast as MobileBertTokenizerFast
    from entailment.text.pairs import EncodedPair as EncodedPair
    from entailment.text.pairs import PairEncoder as PairEncoder
    from entailment.text.pairs import Truncation as Truncation
    from entailment.text.tokenizer import Tokenizer as Tokenizer

    __version__: str

# Where each public name lives. A type checker reads the imports above; a test keeps the two lists equal.
_HOMES = {
    "entailment.checkpoint.auto": ("AutoConfig",),
    "entailment.checkpoint.config": (
        "BertConfig",
        "Config",
        "DistilBertConfig",
        "MobileBertConfig",
    ),
    "entailment.checkpoint.folder": (
        "Checkpoint",
        "open_checkpoint",
    ),
    "entailment.checkpoint.labels": ("LabelOrder",),
    "entailment.client": (
        "AsyncClient",
        "Client",
        "ServerError",
    ),
    "entailment.errors": (
        "CheckpointError",
        "CheckpointNotFoundError",
        "CorruptCheckpointError",
        "DataFileError",
        "EntailmentError",
        "InputError",
        "JobError",
        "LabelOrderError",
        "LabelsError",
        "MissingExtraError",
        "NonFiniteLogitsError",
        "TemplateError",
        "TextError",
        "UnsafeCheckpointError",
        "UnsupportedModelError",
        "WeightsMismatchError",
        "WorkerDiedError",
    ),
    "entailment.evaluate.run": (
        "Evaluation",
        "evaluate_nli",
        "evaluate_zero_shot",
    ),
    "entailment.keras": (
        "TFMobileBertForMaskedLM",
        "TFMobileBertForMultipleChoice",
        "TFMobileBertForNextSentencePrediction",
        "TFMobileBertForPreTraining",
        "TFMobileBertForPreTrainingOutput",
        "TFMobileBertForQuestionAnswering",
        "TFMobileBertForSequenceClassification",
        "TFMobileBertForTokenClassification",
        "TFMobileBertModel",
    ),
    "entailment.models.auto": (
        "AutoModel",
        "AutoModelForMaskedLM",
        "AutoModelForMultipleChoice",
        "AutoModelForNextSentencePrediction",
        "AutoModelForPreTraining",
        "AutoModelForQuestionAnswering",
        "AutoModelForSequenceClassification",
        "AutoModelForTokenClassification",
    ),
    "entailment.models.bert": (
        "BertForMaskedLM",
        "BertForMultipleChoice",
        "BertForNextSentencePrediction",
        "BertForPreTraining",
        "BertForQuestionAnswering",
        "BertForSequenceClassification",
        "BertForTokenClassification",
        "BertModel",
    ),
    "entailment.models.distilbert": (
        "DistilBertForMaskedLM",
        "DistilBertForMultipleChoice",
        "DistilBertForQuestionAnswering",
        "DistilBertForSequenceClassification",
        "DistilBertForTokenClassification",
        "DistilBertModel",
    ),
    "entailment.models.engine": (
        "TorchEngine",
        "load_on",
    ),
    "entailment.models.mobilebert": ("MobileBertModel",),
    "entailment.models.mobilebert_heads": (
        "MobileBertForMaskedLM",
        "MobileBertForMultipleChoice",
        "MobileBertForNextSentencePrediction",
        "MobileBertForPreTraining",
        "MobileBertForQuestionAnswering",
        "MobileBertForSequenceClassification",
        "MobileBertForTokenClassification",
    ),
    "entailment.models.outputs": (
        "BertForPreTrainingOutput",
        "MobileBertForPreTrainingOutput",
    ),
    "entailment.runtime.engine": (
        "Engine",
        "OnnxEngine",
    ),
    "entailment.runtime.stub": ("StubEngine",),
    "entailment.serve.app": ("create_app",),
    "entailment.tasks.check": (
        "DocumentChecker",
        "Finding",
    ),
    "entailment.tasks.cross_encoder": ("CrossEncoder",),
    "entailment.tasks.model": (
        "PairModel",
        "load_model",
    ),
    "entailment.tasks.nli": (
        "NLI",
        "NLIResult",
    ),
    "entailment.tasks.premise": ("Premise",),
    "entailment.tasks.zero_shot": ("ZeroShotClassifier",),
    "entailment.text.auto": ("AutoTokenizer",),
    "entailment.text.hub_tokenizers": (
        "BertTokenizer",
        "BertTokenizerFast",
        "DistilBertTokenizer",
        "DistilBertTokenizerFast",
        "MobileBertTokenizer",
        "MobileBertTokenizerFast",
    ),
    "entailment.text.pairs": (
        "EncodedPair",
        "PairEncoder",
        "Truncation",
    ),
    "entailment.text.tokenizer": ("Tokenizer",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}
_EXTRAS = ("entailment.client", "entailment.keras", "entailment.models", "entailment.serve")

# What `from entailment import *` brings: names that need no extra. `dir` lists all.
__all__ = ["__version__", *sorted(name for name in _HOME if not _HOME[name].startswith(_EXTRAS))]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        value: object = version("entailment")
    elif name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module 'entailment' has no attribute {name!r}")
    globals()[name] = value  # the next use is a plain look-up
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME, "__version__"})
