"""Texts per second of zero-shot classification: ours beside transformers' pipeline and a CrossEncoder.

    python -m benchmarks.zero_shot                      # a table, and JSON in benchmarks/results/
    python -m benchmarks.zero_shot --texts 64 --rounds 9

All run in one process, on checkpoints of MiniLM-L6 shape (random weights: they cost the same), on the same
texts and labels, with the same number of threads. Rounds are interleaved, one pass of each competitor a
round, so that a noisy machine disturbs all of them alike; medians are reported, and ratios to the pipeline as
it is by default.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table
from tests.tiny import COMMON_WORDS, tiny_bert

from entailment import ZeroShotClassifier

RESULTS = Path(__file__).parent / "results"
TEMPLATE = "This example is {}."
LABELS = ("sports", "politics", "cooking", "music", "film", "science", "travel", "money", "weather", "health")
BASELINE = "transformers pipeline"

Pass = Callable[[Sequence[str]], object]


def competitors(folder: Path, threads: int) -> dict[str, Pass]:
    """Each classifies all texts once; loading the model is not part of it."""
    import torch
    from sentence_transformers import CrossEncoder
    from transformers import pipeline

    torch.set_num_threads(threads)
    full = tiny_minilm(folder / "full", prefix=False)
    reference = pipeline("zero-shot-classification", model=str(full), device="cpu")
    encoder = CrossEncoder(str(full), device="cpu")
    ours_full = ZeroShotClassifier(full, threads=threads)
    ours_prefix = ZeroShotClassifier(tiny_minilm(folder / "prefix", prefix=True), threads=threads)
    labels = list(LABELS)

    def pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
        return [(text, TEMPLATE.format(label)) for text in texts for label in labels]

    return {
        BASELINE: lambda texts: reference(list(texts), labels),
        "transformers pipeline, batch 16": lambda texts: reference(list(texts), labels, batch_size=16),
        "CrossEncoder.predict, batch 32": lambda texts: encoder.predict(pairs(texts), batch_size=32),
        "entailment, full attention": lambda texts: ours_full(list(texts), labels),
        "entailment, prefix attention": lambda texts: ours_prefix(list(texts), labels),
    }


def tiny_minilm(folder: Path, *, prefix: bool) -> Path:
    """A checkpoint with the sizes of MiniLM-L6-H384 (but a small vocabulary) and random weights."""
    return tiny_bert(
        folder,
        layers=6,
        hidden=384,
        heads=12,
        intermediate=1536,
        positions=512,
        attention="prefix" if prefix else "full",
    )


def texts_of(count: int, words: int, seed: int = 0) -> list[str]:
    """Texts of about so many words; their lengths differ by a third either way, as those of real texts do."""
    rng = random.Random(seed)
    vocabulary = COMMON_WORDS.split()
    lengths = (rng.randint(words * 2 // 3, words * 4 // 3) for _ in range(count))
    return [" ".join(rng.choices(vocabulary, k=length)) for length in lengths]


def measure(passes: dict[str, Pass], texts: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """Seconds of each pass over the texts, round by round; a first round is thrown away."""
    seconds: dict[str, list[float]] = {name: [] for name in passes}
    for number in track(range(rounds + 1), "rounds", console=Console(stderr=True), transient=True):
        for name, run in passes.items():
            start = time.perf_counter()
            run(texts)
            if number:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def report(seconds: dict[str, list[float]], count: int) -> dict[str, dict[str, float]]:
    """Texts per second (median, slowest and fastest round) and the ratio of medians to the baseline."""
    base = statistics.median(seconds[BASELINE])
    return {
        name: {
            "texts_per_second": count / statistics.median(rounds),
            "slowest": count / max(rounds),
            "fastest": count / min(rounds),
            "ratio": base / statistics.median(rounds),
        }
        for name, rounds in seconds.items()
    }


def show(results: dict[str, dict[str, float]]) -> None:
    table = Table("", "texts per second", "slowest to fastest round", "ratio")
    for name, found in results.items():
        span = f"{found['slowest']:.1f} to {found['fastest']:.1f}"
        table.add_row(name, f"{found['texts_per_second']:.1f}", span, f"{found['ratio']:.1f}")
    Console().print(table)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.zero_shot", description=__doc__)
    parser.add_argument("--texts", type=int, default=24, help="texts a pass (default 24)")
    parser.add_argument("--words", type=int, default=45, help="words a text, about (default 45)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (default 5)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="CPU threads (default: all)")
    parser.add_argument("--out", type=Path, default=RESULTS / "zero_shot.json")
    options = parser.parse_args(arguments)
    texts = texts_of(options.texts, options.words)
    with tempfile.TemporaryDirectory() as folder:
        passes = competitors(Path(folder), options.threads)
        results = report(measure(passes, texts, options.rounds), len(texts))
    show(results)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    packages = ("entailment", "numpy", "onnxruntime", "sentence-transformers", "torch", "transformers")
    setting = {
        "texts": options.texts,
        "words": options.words,
        "labels": len(LABELS),
        "rounds": options.rounds,
        "threads": options.threads,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "versions": {package: version(package) for package in packages},
    }
    options.out.write_text(json.dumps({"setting": setting, "results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
