"""The machine: what it is, and how many operations a second its processor does in matrix products.

The peak is measured, not computed from a clock rate: the best of three libraries on large products, in the
same rounds as what is compared with it. A product [m, k] x [k, n] counts as 2 m k n operations.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.interleave import Pass

PACKAGES = (
    "entailment",
    "gliclass",
    "nncf",
    "numpy",
    "onnx",
    "onnxruntime",
    "openvino",
    "sentence-transformers",
    "tokenizers",
    "torch",
    "transformers",
)

# As large as the products of a batch of 2,048 tokens in a model of width 1,536, and so in the caches
# likewise.
M, K, N = 2048, 1536, 1536
PRODUCT_OPERATIONS = 2 * M * K * N

INSTRUCTIONS = (
    "avx2",
    "avx512f",
    "avx512_vnni",
    "avx_vnni",
    "avx512_bf16",
    "amx_int8",
    "amx_bf16",
    "asimddp",
)


def description() -> dict[str, Any]:
    """System, processor, versions."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "instructions": instructions(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": versions(),
    }


def processor() -> str:
    """The name that the processor gives itself."""
    return _cpuinfo("model name") or platform.processor() or "unknown"


def instructions() -> list[str]:
    """Those of its vector instructions that matter to matrix products."""
    flags = set((_cpuinfo("flags") or _cpuinfo("Features") or "").split())
    return [name for name in INSTRUCTIONS if name in flags]


def versions() -> dict[str, str]:
    """The packages that take part, as installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def product_passes(threads: int) -> dict[str, Pass]:
    """One large matrix product each: float32 by three libraries, and int8 by ONNX Runtime."""
    import torch

    rng = np.random.default_rng(0)
    a = rng.standard_normal((M, K), dtype=np.float32)
    b = rng.standard_normal((K, N), dtype=np.float32)
    a8 = rng.integers(0, 256, (M, K)).astype(np.uint8)
    b8 = rng.integers(-128, 128, (K, N)).astype(np.int8)
    left, right = torch.from_numpy(a), torch.from_numpy(b)
    return {
        "numpy float32": lambda: a @ b,
        "torch float32": lambda: left @ right,
        "ONNX Runtime float32": _product("MatMul", a, b, threads),
        "ONNX Runtime int8": _product("MatMulInteger", a8, b8, threads),
    }


def _product(operator: str, a: np.ndarray, b: np.ndarray, threads: int) -> Callable[[], object]:
    import onnx
    import onnxruntime
    from onnx import helper, numpy_helper

    kinds = {"float32": onnx.TensorProto.FLOAT, "uint8": onnx.TensorProto.UINT8}
    result = onnx.TensorProto.FLOAT if operator == "MatMul" else onnx.TensorProto.INT32
    graph = helper.make_graph(
        [helper.make_node(operator, ["a", "b"], ["c"])],
        "product",
        [helper.make_tensor_value_info("a", kinds[str(a.dtype)], a.shape)],
        [helper.make_tensor_value_info("c", result, (a.shape[0], b.shape[1]))],
        [numpy_helper.from_array(b, "b")],  # A constant, as the weights of a model are: packed beforehand.
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda: session.run(None, {"a": a})


def _cpuinfo(field: str) -> str | None:
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return None
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == field:
            return value.strip()
    return None
