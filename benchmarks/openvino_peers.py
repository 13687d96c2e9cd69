"""OpenVINO: the model converted from PyTorch, in float32, bfloat16 where there is such, and int8 (NNCF).

The precision of the arithmetic is stated, for by default OpenVINO computes in bfloat16 where it can.
int8 is NNCF's post-training quantisation for transformers, calibrated on 300 pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import nn

from benchmarks.scoring import Forward, Inputs, Logits, PairTokenizer, Peer, Precision, Score
from benchmarks.workloads import Pair

Arithmetic = Literal["f32", "bf16"]

CALIBRATION = 300


def has_bfloat16() -> bool:
    """Whether OpenVINO finds bfloat16 arithmetic in this processor."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def convert(module: Callable[[], nn.Module], file: Path, tokenizer: PairTokenizer) -> Any:
    """The model in OpenVINO's own form, kept in a file."""
    import openvino

    if not file.is_file():
        import torch

        example = {name: torch.from_numpy(array) for name, array in tokenizer.example().items()}
        model = openvino.convert_model(module(), example_input=example)
        for value, name in zip(model.inputs, example, strict=True):
            value.get_tensor().set_names({name})
            value.get_node().set_partial_shape(openvino.PartialShape([-1, -1]))
        model.validate_nodes_and_infer_types()
        openvino.save_model(model, file, compress_to_fp16=False)
    return openvino.Core().read_model(file)


def quantise(model: Any, file: Path, tokenizer: PairTokenizer, pairs: Sequence[Pair]) -> Any:
    """The model in int8, kept in a file."""
    import openvino

    if not file.is_file():
        import nncf

        samples = [inputs for _, inputs in tokenizer.batches(pairs, 1)]
        quantised = nncf.quantize(
            model,
            nncf.Dataset(samples),
            subset_size=min(CALIBRATION, len(samples)),
            model_type=nncf.ModelType.TRANSFORMER,
        )
        openvino.save_model(quantised, file, compress_to_fp16=False)
    return openvino.Core().read_model(file)


def peer(
    model: Any,
    tokenizer: PairTokenizer,
    *,
    precision: Precision,
    arithmetic: Arithmetic,
    threads: int,
) -> Peer:
    """A model as a peer.

    Args:
        model: as `convert` or `quantise` give it.
        tokenizer: of its checkpoint.
        precision: of the weights and of most of the arithmetic.
        arithmetic: of what is not int8.
        threads: in one stream for latency; for throughput in as many streams of one.
    """
    beside = " + bfloat16" if (precision, arithmetic) == ("int8", "bf16") else ""
    ways = {"" if threads == 1 else "1 stream": tokenizer.score(_one_stream(model, arithmetic, threads))}
    if threads > 1:
        ways[f"{threads} streams"] = _streams(model, tokenizer, arithmetic, threads)
    return Peer(f"OpenVINO {precision}{beside}", precision, ways)


def _compiled(model: Any, arithmetic: str, threads: int, hint: str, streams: int) -> Any:
    import openvino

    settings = {
        "PERFORMANCE_HINT": hint,
        "INFERENCE_PRECISION_HINT": arithmetic,
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": streams,
    }
    return openvino.Core().compile_model(model, "CPU", settings)


def _one_stream(model: Any, arithmetic: str, threads: int) -> Forward:
    request = _compiled(model, arithmetic, threads, "LATENCY", 1).create_infer_request()

    def forward(inputs: Inputs) -> Logits:
        return np.array(request.infer(dict(inputs), share_inputs=True)[0])

    return forward


def _streams(model: Any, tokenizer: PairTokenizer, arithmetic: str, threads: int) -> Score:
    import openvino

    queue = openvino.AsyncInferQueue(_compiled(model, arithmetic, threads, "THROUGHPUT", threads), threads)
    found: dict[int, tuple[NDArray[np.intp], Logits]] = {}

    def keep(request: Any, chosen: NDArray[np.intp]) -> None:
        found[int(chosen[0])] = chosen, np.array(request.get_output_tensor(0).data)

    queue.set_callback(keep)

    def score(pairs: Sequence[Pair], batch_size: int) -> Logits:
        found.clear()
        for chosen, inputs in tokenizer.batches(pairs, batch_size):
            queue.start_async(inputs, chosen)
        queue.wait_all()
        logits = np.empty((len(pairs), next(iter(found.values()))[1].shape[1]), np.float32)
        for chosen, rows in found.values():
            logits[chosen] = rows
        return logits

    return score
