"""ONNX Runtime on what the stock exporter writes: as it is, put through its own optimiser, and in int8.

Exported with `torch.onnx`, optimised with `onnxruntime.transformers.optimizer`, quantised with
`onnxruntime.quantization.quantize_dynamic`, per channel.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from benchmarks.scoring import Forward, Inputs, Logits, PairTokenizer, Peer, Precision


def export(module: Callable[[], nn.Module], file: Path, tokenizer: PairTokenizer) -> Path:
    """The model in ONNX, with free sizes of batch and length."""
    if not file.is_file():
        import torch

        inputs = tokenizer.example()
        free = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens", max=512)}
        unfinished = file.with_suffix(".new")
        torch.onnx.export(
            module(),
            tuple(torch.from_numpy(array) for array in inputs.values()),
            unfinished,
            input_names=list(inputs),
            output_names=["logits"],
            dynamic_shapes=tuple(free for _ in inputs),
            external_data=False,
            dynamo=True,
            verbose=False,
        )
        unfinished.rename(file)
    return file


def optimise(source: Path, file: Path, checkpoint: Path) -> Path:
    """The exported model through ONNX Runtime's optimiser for transformers."""
    if not file.is_file():
        from onnxruntime.transformers import optimizer

        config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
        optimised = optimizer.optimize_model(
            str(source),
            "bert",
            num_heads=config["num_attention_heads"],
            hidden_size=config["hidden_size"],
        )
        optimised.save_model_to_file(str(file))
    return file


def quantise(source: Path, file: Path) -> Path:
    """The exported model in int8: weights per channel, activations when they are known."""
    if not file.is_file():
        import onnx
        from onnxruntime.quantization import QuantType, quantize_dynamic

        model = onnx.load(str(source))
        # The exporter leaves shapes in it that its own optimiser has outdated.
        del model.graph.value_info[:]
        # Of its own fused operators no shapes are inferred, so it has to be told that their values are
        # float32.
        options = {"DefaultTensorType": onnx.TensorProto.FLOAT}
        quantize_dynamic(
            model, str(file), per_channel=True, weight_type=QuantType.QInt8, extra_options=options
        )
    return file


def peer(files: Mapping[str, Path], tokenizer: PairTokenizer, *, precision: Precision, threads: int) -> Peer:
    """ONNX files of one model as ways to run one peer; ONNX Runtime's own optimisations are all on."""
    ways = {way: tokenizer.score(_session(file, threads)) for way, file in files.items()}
    return Peer(f"ONNX Runtime {precision}", precision, ways)


def _session(file: Path, threads: int) -> Forward:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session: Any = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]

    def forward(inputs: Inputs) -> Logits:
        (logits,) = session.run(None, {name: inputs[name] for name in names})
        return np.asarray(logits, dtype=np.float32)

    return forward
