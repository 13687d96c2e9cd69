"""What `from_pretrained` of the Keras classes takes by name."""

from __future__ import annotations

from typing import Any

from entailment.checkpoint.loading_options import SharedOptions


class LoadingOptions(SharedOptions, total=False):
    """Arguments of `from_pretrained` beside the name: those of `SharedOptions`, and how the model is built.

    Attributes:
        from_pt: without effect, so that calls carry over: whose weights a file has is seen by itself.
        name: of the layer, as in Keras.
        dtype: a Keras dtype policy, e.g. "mixed_bfloat16"; by default the global one.
    """

    from_pt: bool | None
    name: str | None
    dtype: Any
