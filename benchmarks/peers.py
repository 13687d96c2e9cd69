"""The peers that score pairs, assembled once a run; one that cannot be built is left out with the reason.

Conversions take minutes the first time and are kept under `Settings.work`, in a folder that names the
versions they were made with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from torch import nn

from benchmarks import checkpoints, machine, onnx_peers, openvino_peers, torch_peers
from benchmarks.attempts import attempt
from benchmarks.openvino_peers import Arithmetic
from benchmarks.scoring import LeftOut, PairTokenizer, Peer, Precision
from benchmarks.settings import Settings
from benchmarks.workloads import Pair, mnli

#: Rows of MultiNLI dev that calibration may not see: accuracy is measured on them.
MEASURED_ROWS = 2000

#: Conversions of these layouts are made anew.
LAYOUT = 1


@cache
def scoring_peers(settings: Settings) -> tuple[Peer | LeftOut, ...]:
    """Every library with the MiniLM-L6 cross-encoder in it."""
    folder = checkpoints.minilm(settings.work)
    return (
        attempt("transformers", lambda: torch_peers.transformers_scoring(folder)),
        attempt("sentence-transformers CrossEncoder", lambda: torch_peers.cross_encoder(folder)),
        *converted_peers(settings, folder, lambda: torch_peers.PairLogits(folder), "full"),
    )


@cache
def trained_peers(settings: Settings) -> tuple[Peer | LeftOut, ...]:
    """The conversions of the bundled model itself, to measure what they cost in accuracy."""
    folder = checkpoints.minilm(settings.work)
    return converted_peers(settings, folder, lambda: torch_peers.PrefixPairLogits(folder), "prefix")


def converted_peers(
    settings: Settings, folder: Path, module: Callable[[], nn.Module], kind: str
) -> tuple[Peer | LeftOut, ...]:
    """OpenVINO and ONNX Runtime with a model of transformers, in every precision."""
    files, tokenizer, threads = (
        _files(settings, f"{folder.name}-{kind}"),
        PairTokenizer(folder),
        settings.threads,
    )

    def whole() -> object:
        return openvino_peers.convert(module, files / "openvino.xml", tokenizer)

    def quantised() -> object:
        calibration = calibration_pairs(settings)
        return openvino_peers.quantise(whole(), files / "openvino-int8.xml", tokenizer, calibration)

    def openvino(model: Callable[[], object], precision: Precision, arithmetic: Arithmetic) -> Peer:
        if arithmetic == "bf16" and not openvino_peers.has_bfloat16():
            raise RuntimeError("this processor has no bfloat16 arithmetic")
        return openvino_peers.peer(
            model(), tokenizer, precision=precision, arithmetic=arithmetic, threads=threads
        )

    def exported() -> Path:
        return onnx_peers.export(module, files / "stock.onnx", tokenizer)

    def optimised() -> Path:
        return onnx_peers.optimise(exported(), files / "optimised.onnx", folder)

    def onnx_float32() -> Peer:
        sources = {"as exported": exported(), "optimised": optimised()}
        return onnx_peers.peer(sources, tokenizer, precision="float32", threads=threads)

    def onnx_int8() -> Peer:
        sources = {
            "as exported": onnx_peers.quantise(exported(), files / "stock-int8.onnx"),
            "optimised": onnx_peers.quantise(optimised(), files / "optimised-int8.onnx"),
        }
        return onnx_peers.peer(sources, tokenizer, precision="int8", threads=threads)

    builders: dict[str, Callable[[], Peer]] = {
        "OpenVINO float32": lambda: openvino(whole, "float32", "f32"),
        "OpenVINO bfloat16": lambda: openvino(whole, "bfloat16", "bf16"),
        "OpenVINO int8": lambda: openvino(quantised, "int8", "f32"),
        "OpenVINO int8 + bfloat16": lambda: openvino(quantised, "int8", "bf16"),
        "ONNX Runtime float32": onnx_float32,
        "ONNX Runtime int8": onnx_int8,
    }
    settings.say(f"converting {folder.name}, {kind} attention (minutes, the first time)")
    return tuple(attempt(name, build) for name, build in builders.items())


def openvino_float32(settings: Settings, folder: Path, name: str) -> Peer | LeftOut:
    """OpenVINO alone, with a model of another architecture."""
    file = _files(settings, f"{folder.name}-full") / "openvino.xml"

    def build() -> Peer:
        tokenizer = PairTokenizer(folder)
        model = openvino_peers.convert(lambda: torch_peers.PairLogits(folder), file, tokenizer)
        return openvino_peers.peer(
            model, tokenizer, precision="float32", arithmetic="f32", threads=settings.threads
        )

    return attempt(name, lambda: replace(build(), name=name))


def calibration_pairs(settings: Settings) -> Sequence[Pair]:
    """Pairs that accuracy is not measured on."""
    pairs = mnli(settings.data, MEASURED_ROWS + openvino_peers.CALIBRATION, shuffle=False).pairs
    return pairs[MEASURED_ROWS:]


def _files(settings: Settings, name: str) -> Path:
    """Where conversions of a model by the present versions lie."""
    folder = settings.work / f"converted-{_versions()}" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _versions() -> str:
    known = json.dumps([LAYOUT, machine.versions()], sort_keys=True)
    return hashlib.sha256(known.encode()).hexdigest()[:12]
