"""A SavedModel with a signature, which TensorFlow Serving answers from without this package.

Legend of shapes: B batch, C choices, T tokens, any of them open in the signature.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from entailment.errors import InputError

#: What the signature takes, each of them int32 [B, T], or [B, C, T] for several choices.
SERVED = ("input_ids", "attention_mask", "token_type_ids")


def export(
    self: Any,
    filepath: str | Path,
    format: str = "tf_saved_model",
    verbose: bool | None = None,
    input_signature: Any = None,
) -> None:
    """Write the model for who serves it; without its code, and without the labels' losses.

    By default it is a SavedModel with the signature `serving_default`: input_ids, attention_mask and
    token_type_ids, int32, of any batch and length; it answers the fields of the model's output by name.

    Args:
        self: the model.
        filepath: a folder, or for other formats a file.
        format: one of Keras's: "tf_saved_model", "onnx", "litert", ...
        verbose: print what was written.
        input_signature: another than the documented one, as Keras takes it.

    Raises:
        InputError: the back end writes no SavedModel.
    """
    if format != "tf_saved_model" or input_signature is not None:
        keras.Model.export(
            self, str(filepath), format=format, verbose=verbose, input_signature=input_signature
        )
        return
    if keras.backend.backend() != "tensorflow":
        raise InputError(
            f"Keras computes with {keras.backend.backend()}, and this signature is TensorFlow's: set "
            "KERAS_BACKEND=tensorflow, or give an input_signature"
        )
    shape = (None, None, None) if self.has_choices else (None, None)
    specifications = [keras.InputSpec(shape=shape, dtype="int32") for _ in SERVED]

    def serve(input_ids: Any, attention_mask: Any, token_type_ids: Any) -> dict[str, Any]:
        given = dict(zip(SERVED, (input_ids, attention_mask, token_type_ids), strict=True))
        return _flat(dict(self(given, return_dict=True, training=False).items()))

    archive = keras.export.ExportArchive()
    archive.track(self)
    archive.add_endpoint(name="serving_default", fn=serve, input_signature=specifications)
    archive.write_out(str(filepath), verbose=bool(verbose))


def _flat(fields: dict[str, Any]) -> dict[str, Any]:
    """A signature answers tensors by name: the states of each layer are numbered."""
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, tuple):
            flat |= {f"{name}_{i}": one for i, one in enumerate(value)}
        else:
            flat[name] = value
    return flat
