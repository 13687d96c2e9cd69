"""The encoders as torch modules, one architecture a file, and the heads of the documentation on them.

bert.py, distilbert.py, mobilebert.py   the architectures; mobilebert_heads.py: MobileBERT's task classes
prefix.py                               BERT with prefix attention
auto.py, load.py                        the class that a checkpoint asks for; pair classifiers for training
heads.py, losses.py, outputs.py         what a task computes, minimises and answers
inputs.py                               what may be handed in, checked once
attention.py, activations.py, initial.py  parts that architectures share
pretrained.py, options.py               opened and saved; filling.py: the arrays put in
engine.py                               pairs scored on a GPU, in the place of the graphs
surgery.py                              vocabulary, heads and memory of a built model
"""

from __future__ import annotations

from entailment.errors import MissingExtraError

try:
    import torch as _torch  # noqa: F401 - the question is whether it is there
except ImportError as error:
    raise MissingExtraError("torch", extra="torch", purpose="a model as a torch module") from error
