"""A model opened as the options of a command say: by ONNX Runtime, or by PyTorch on a device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from entailment.cli.options import CPU
from entailment.errors import MissingExtraError

if TYPE_CHECKING:
    from entailment.checkpoint.folder import Checkpoint
    from entailment.runtime.engine import Engine, Precision
    from entailment.tasks.model import PairModel


def open_model(
    name: str | None,
    *,
    label_order: Sequence[str] | None = None,
    threads: int | None,
    precision: Precision | None,
    device: str,
    needs_order: bool = True,
    packed: bool = True,
    calibrated: bool = True,
) -> PairModel:
    """Open a model. PyTorch is imported for another device than "cpu" only.

    Args:
        name: a folder, a hub name, or None for the model in the package.
        label_order, threads, needs_order, packed, calibrated: as in `entailment.tasks.model.load_model`.
        precision: None is float32 on the CPU, and what the device is best at elsewhere.
        device: "cpu", or what PyTorch calls it.

    Raises:
        UsageError: options of the CPU are given with another device.
        MissingExtraError: the device needs PyTorch, which is not installed.
        InputError: PyTorch has no such device here, or as `load_model`.
    """
    from entailment.tasks.model import load_model

    return load_model(
        name,
        label_order=label_order,
        threads=threads,
        precision="float32" if precision is None else precision,
        needs_order=needs_order,
        packed=packed,
        calibrated=calibrated,
        engine=None if device == CPU else _engine_on(device, threads, precision),
    )


def _engine_on(
    device: str, threads: int | None, precision: Precision | None
) -> Callable[[Checkpoint], Engine]:
    if threads is not None:
        raise click.UsageError(f"--threads is for the CPU, not for --device {device}: leave one of them out")
    if precision == "int8":
        raise click.UsageError(
            f"--precision int8 is computed on the CPU, not on --device {device}: leave one of them out"
        )
    try:
        from entailment.models.engine import engine_on
    except MissingExtraError as error:
        raise MissingExtraError(error.module, extra=error.extra, purpose=f"--device {device}") from error
    import torch

    return engine_on(device, dtype=torch.float32 if precision == "float32" else None)
