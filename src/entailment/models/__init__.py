"""The encoders as torch modules, one architecture a file, and the heads of the documentation on them."""

from __future__ import annotations

from entailment.errors import MissingExtraError

try:
    import torch as _torch  # noqa: F401 - the question is whether it is there
except ImportError as error:
    raise MissingExtraError("torch", extra="torch", purpose="a model as a torch module") from error
