"""python -m benchmarks: measures all groups, or those named, and writes docs/benchmarks.md.

python -m benchmarks                          # everything: benchmarks/results/, docs/benchmarks.md
python -m benchmarks zero_shot --rounds 3     # one group; the page is made of all results there are
python -m benchmarks report                   # the page alone
python -m benchmarks --quick                  # little of everything, into build/benchmarks/quick
"""

from __future__ import annotations

import argparse
import importlib
import os
import time
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import machine
from benchmarks.records import RESULTS, Group, read_groups, tables_of, write_group
from benchmarks.settings import ROOT, Settings, data_folder

GROUPS = ("zero_shot", "labels", "pairs", "latency", "shell", "accuracy")
REPORT = "report"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    options = _parser().parse_args(arguments)
    unknown = [name for name in options.groups if name not in (*GROUPS, REPORT)]
    if unknown:
        raise SystemExit(f"there is no group {unknown[0]!r}; groups are {', '.join(GROUPS)}, and {REPORT}")
    console = Console(stderr=True)
    quick = options.work / "quick"
    results, docs = (quick, quick) if options.quick else (options.out, options.docs)
    if options.groups != [REPORT]:
        measure(options, options.groups or list(GROUPS), results, console)
    report(results, docs, console)


def measure(options: argparse.Namespace, groups: Sequence[str], results: Path, console: Console) -> None:
    """Run groups and write what they measured."""
    _prepare(options.threads)
    from entailment import open_checkpoint

    with console.status("starting") as status:
        settings = Settings(
            threads=options.threads,
            rounds=1 if options.quick else options.rounds,
            quick=options.quick,
            data=options.data,
            # What lies there is made from the weights of the package.
            work=options.work / open_checkpoint().fingerprint()[:12],
            clock=time.process_time if options.processor_time else time.perf_counter,
            say=status.update if console.is_terminal else _lines(console),
        )
        for name in groups:
            start = time.perf_counter()
            tables = importlib.import_module(f"benchmarks.{name}").measure(settings)
            path = write_group(Group(name, _setting(settings), tables), results)
            console.print(f"{name}: {time.perf_counter() - start:.0f} s, {path}")
            for table in tables.values():
                for missing, reason in table.left_out.items():
                    console.print(f"  {table.title}: without {missing}: {reason}", style="dim")


def report(results: Path, docs: Path, console: Console) -> None:
    """Write the page and the plots from all results there are."""
    from benchmarks.plots import draw
    from benchmarks.report import page, target_table

    try:
        groups = read_groups(results)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "benchmarks.md").write_text(page(groups), encoding="utf-8")
    draw(tables_of(groups), docs / "images")
    console.print(target_table(tables_of(groups)), markup=False, soft_wrap=True)
    console.print(f"written: {docs / 'benchmarks.md'}")


def _lines(console: Console) -> Callable[[str], None]:
    """For a log file: a line for each new thing, but not for every pass of a round."""
    said: list[str] = []

    def say(message: str) -> None:
        thing = message.partition(" · ")[0]
        if said[-1:] != [thing]:
            said.append(thing)
            console.print(thing, markup=False, highlight=False)

    return say


def _prepare(threads: int) -> None:
    """Before anything heavy is loaded: no network, no telemetry, as many threads as wanted."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["NNCF_CI"] = "1"  # NNCF's own switch for sending nothing.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    warnings.simplefilter("ignore")  # Converters warn of what they trace; the results are checked.
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(threads)
    threadpool_limits(threads)  # numpy's, for the matrix products


def _setting(settings: Settings) -> dict[str, Any]:
    return {
        **machine.description(),
        "threads": settings.threads,
        "rounds": settings.rounds,
        "quick": settings.quick,
        "data": settings.data is not None,
        "clock": "wall" if settings.clock is time.perf_counter else "processor",
        "date": datetime.now(UTC).date().isoformat(),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("groups", nargs="*", help=f"{', '.join(GROUPS)}, or {REPORT}; default: all")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count (default 5)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="CPU threads (default: all)")
    parser.add_argument("--quick", action="store_true", help="little of everything, one round, results apart")
    parser.add_argument(
        "--data", type=Path, default=data_folder(), help="data folder (default: ENTAILMENT_DATA)"
    )
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build" / "benchmarks", help="conversions are kept here"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for the JSON files")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="folder for the page")
    parser.add_argument(
        "--processor-time", action="store_true", help="for a machine that does other work, with --threads 1"
    )
    return parser


if __name__ == "__main__":
    main()
