"""`entail quantize`: measure how closely a model computes in int8, and write down how, if closely enough."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from entailment.cli.inputs import naming, pairs_of
from entailment.cli.notes import note
from entailment.cli.options import PATH, label_order_option
from entailment.cli.output import print_json
from entailment.cli.target import check_target, write_beside
from entailment.errors import DataFileError
from entailment.tables import columns_of, read_rows
from entailment.tables.reading import counted

if TYPE_CHECKING:
    from entailment.checkpoint.quantization import Quantization, WeightBits
    from entailment.tasks.model import PairModel
    from entailment.text.pairs import EncodedPair

COLUMNS = ("premise", "hypothesis", "label")
CALIBRATION_PAIRS = 256
FEW_PAIRS = 1000  # below which a handful of them decides


@click.command(short_help="Let a model compute in int8, if that is accurate enough.")
@click.argument("model", required=False)
@click.option(
    "--data",
    type=PATH,
    required=True,
    metavar="PAIRS",
    help="Columns premise, hypothesis and perhaps label of .jsonl, .csv or .parquet: what int8 is judged by.",
)
@click.option(
    "--calibrate",
    type=PATH,
    metavar="FILE",
    help=f"Pairs that set the ranges and judge nothing.  [default: {CALIBRATION_PAIRS} of PAIRS]",
)
@click.option(
    "--out", type=PATH, metavar="FOLDER", help="A new folder for a copy of the model that has int8."
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=2000,
    show_default=True,
    metavar="N",
    help="Judge by at most N pairs, drawn by chance, always the same.",
)
@label_order_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def quantize(
    model: str | None,
    data: Path,
    calibrate: Path | None,
    out: Path | None,
    limit: int,
    label_order: tuple[str, ...] | None,
    as_json: bool,
) -> None:
    """Let MODEL (a folder or a hub name; without it, the bundled model) compute in int8.

    \b
    entail quantize my-model --data mnli_matched.parquet
    entail quantize --data pairs.jsonl --out bundled-int8
    entail classify "The striker scored twice" --labels sports,politics --model bundled-int8 --precision int8

    The model judges the same pairs in float32 and in int8. Layers whose rounding changes most go back to
    float32 until both agree on 99 % of the pairs and a standard error more, which takes at least 99 pairs,
    and, where there are labels, int8 loses at most 0.3 points of accuracy. What does it is written into
    quantization.json, in the folder of MODEL or in a copy of it (--out); where nothing does, nothing is
    written.
    """
    for path in (data, calibrate):
        if str(path) == "-":
            raise click.UsageError("--data and --calibrate must be files, not standard input")
    import numpy as np

    from entailment.checkpoint.folder import open_checkpoint
    from entailment.checkpoint.quantization import QUANTIZATION_FILE, fingerprint, write_quantization
    from entailment.export.int8 import Judged
    from entailment.export.int8 import quantize as find
    from entailment.runtime.engine import refuse_float32_only
    from entailment.tasks.model import load_model

    checkpoint = open_checkpoint(model)
    refuse_float32_only(checkpoint.config)
    check_target(checkpoint, out)
    judging, calibrating = _divided(data, calibrate, limit)
    loaded = load_model(
        model, label_order=label_order, needs_order=judging.golds is not None, calibrated=False
    )
    indices = _indices(judging.golds, loaded)
    weights = checkpoint.weights()
    found = find(
        checkpoint.config,
        weights,
        calibrating.encoded(loaded),
        Judged(judging.encoded(loaded), None if indices is None else np.array(indices, dtype=np.int64)),
        note,
    )
    folder = write_beside(
        checkpoint,
        out,
        QUANTIZATION_FILE,
        lambda folder: write_quantization(folder, found, fingerprint(weights)),
    )
    if as_json:
        print_json(_facts(folder, found))
    else:
        _show(found)


@dataclass(frozen=True)
class _Pairs:
    """Pairs of a file, in an order drawn by chance.

    Attributes:
        path: the file.
        numbers: the row of each pair, from 1.
        texts: premise and hypothesis.
        golds: the class of each pair by name; None where the file has no column of labels.
    """

    path: Path
    numbers: Sequence[int]
    texts: Sequence[tuple[str, str]]
    golds: Sequence[str] | None

    def first(self, count: int) -> _Pairs:
        golds = None if self.golds is None else self.golds[:count]
        return _Pairs(self.path, self.numbers[:count], self.texts[:count], golds)

    def without(self, texts: Collection[tuple[str, str]]) -> _Pairs:
        """Those whose premise and hypothesis are not among these."""
        places = [place for place, pair in enumerate(self.texts) if pair not in texts]
        return _Pairs(
            self.path,
            [self.numbers[place] for place in places],
            [self.texts[place] for place in places],
            None if self.golds is None else [self.golds[place] for place in places],
        )

    def encoded(self, model: PairModel) -> list[EncodedPair]:
        return model.encode(self.texts, lambda index: f"{self.path}, row {self.numbers[index]}")


def _divided(data: Path, calibrate: Path | None, limit: int) -> tuple[_Pairs, _Pairs]:
    """The pairs that judge, and the pairs that calibrate; no pair does both."""
    from entailment.export.int8 import FEWEST_JUDGED

    pairs = _read(data)
    calibrating = (pairs if calibrate is None else _read(calibrate)).first(CALIBRATION_PAIRS)
    others = pairs.without(set(calibrating.texts))
    held, left = len(pairs.texts), len(others.texts)
    if left < FEWEST_JUDGED:
        raise DataFileError(
            f"{data} holds {counted(held, 'pair')}, of which {held - left} calibrate: {left or 'none'} "
            f"{'is' if left < 2 else 'are'} left to judge, and at least {FEWEST_JUDGED} are needed; give "
            "more, or others with --calibrate FILE"
        )
    # Those that calibrate by default are no surprise; others of the same texts are.
    if shared := held - left - (len(calibrating.texts) if calibrate is None else 0):
        note(f"{counted(shared, 'pair')} of {data} left out of judging: the same texts set the ranges")
    judging = others.first(limit)
    if (count := len(judging.texts)) < FEW_PAIRS:
        note(f"judged by only {counted(count, 'pair')}: each is {1 / count:.2%} of the agreement")
    return judging, calibrating


def _read(path: Path) -> _Pairs:
    import numpy as np

    from entailment.evaluate.gold import nli_rows

    golds: list[str] | None = None
    if "label" in (columns_of(path) or ()):
        with naming(path):
            rows = list(nli_rows(read_rows(path, columns=COLUMNS), None))
        texts, golds = [(row.premise, row.hypothesis) for row in rows], [row.gold for row in rows]
    else:
        texts = list(pairs_of(str(path)))
    order = np.random.default_rng(0).permutation(len(texts)).tolist()
    return _Pairs(
        path,
        [index + 1 for index in order],
        [texts[index] for index in order],
        None if golds is None else [golds[index] for index in order],
    )


def _indices(golds: Sequence[str] | None, model: PairModel) -> list[int] | None:
    """The logit that is right for each pair; None where labels and logits do not mean the same classes."""
    if golds is None:
        note("the pairs have no labels: agreement is measured, accuracy is not")
        return None
    order = model.order
    if order.not_entailment is not None:
        return [order.entailment if gold == "entailment" else order.not_entailment for gold in golds]
    strange = sorted(set(golds) - set(order.names))
    if strange:
        note(f"{model.name} has no class {' or '.join(strange)}: agreement is measured, accuracy is not")
        return None
    return [order.names.index(gold) for gold in golds]


def _facts(folder: Path, found: Mapping[WeightBits, Quantization]) -> dict[str, object]:
    from entailment.checkpoint.quantization import WEIGHT_BITS

    gates = {str(bits): asdict(found[bits].gate) if bits in found else None for bits in WEIGHT_BITS}
    return {"folder": str(folder), "weight_bits": gates, "weight_bits_here": max(found)}


def _show(found: Mapping[WeightBits, Quantization]) -> None:
    from entailment.checkpoint.quantization import WEIGHT_BITS
    from entailment.cli import show
    from entailment.runtime.processor import exact_weight_bits

    def share(value: float | None) -> str:
        return "-" if value is None else f"{value:.4f}"

    def row(bits: WeightBits) -> tuple[str, ...]:
        name = f"{bits} bits" + (", used here" if bits == max(found) else "")
        if bits not in found:
            why = "not accurate enough" if bits <= exact_weight_bits() else "not measured: not exact here"
            return name, why, "", "", "", ""
        gate = found[bits].gate
        layers = f"{len(gate.float32_layers)} of {len(gate.float32_layers) + len(found[bits].inputs)}"
        measured = (share(gate.agreement), share(gate.accuracy), share(gate.float32_accuracy))
        return name, f"{gate.pairs:,}", *measured, layers

    head = ("weights", "pairs", "agreement", "accuracy", "in float32", "layers in float32")
    show.grid(head, map(row, WEIGHT_BITS))
