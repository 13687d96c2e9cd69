"""The card of a model that `entailment.train.bundled` made: measured, then written from what is recorded.

    python -m entailment.evaluate.card --model runs/bundled/model --data DATA

The model is measured on the evaluation sets of `DATA` (`nli/mnli_matched.parquet`, `nli/snli_test.parquet`,
`zeroshot/*.parquet`), which becomes `results.json`. The card, README.md, takes every figure from there and
from what the recipe recorded, as every card does (`entailment.evaluate.cards`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from entailment.checkpoint.folder import BUNDLED, open_checkpoint
from entailment.checkpoint.json_files import write_json
from entailment.errors import EntailmentError
from entailment.evaluate.cards.facts import Stated, read_facts
from entailment.evaluate.cards.results import RESULTS_FILE, kept
from entailment.evaluate.cards.write import write_card
from entailment.evaluate.report import Task, calibrated_by
from entailment.evaluate.run import Evaluation, evaluate_nli, evaluate_zero_shot
from entailment.tables import read_rows
from entailment.tasks.model import load_model

NLI_SETS = ("mnli_matched", "snli_test")
ZERO_SHOT_SETS = ("ag_news", "trec", "sst2", "snips", "clinc150", "tweet_offensive", "subjectivity")

#: What that recipe calls the model of the package; its twin and what learnt from NLI alone have other names.
PACKAGED = "entailment-minilm-l6-prefix"


def stated(model: Path) -> Stated:
    """What a model's files do not record. The model of the package, and no other, is opened without a name.

    Raises:
        CheckpointError: the folder does not open, or a file in it is damaged.
    """
    name = BUNDLED if read_facts(model).title == PACKAGED else None
    return Stated(name=name, licence="apache-2.0", languages=("en",))


def measure(model: str | Path | None, data: Path) -> dict[str, dict[str, Any]]:
    """Evaluate a model on every evaluation set of a data folder: set -> counts and measures."""
    loaded, weights = load_model(model), open_checkpoint(model).fingerprint()
    results: dict[str, dict[str, Any]] = {}

    def of(task: Task) -> dict[str, Any]:
        return {"weights": weights, "calibration": calibrated_by(loaded.calibration, task)}

    for name in NLI_SETS:
        file = f"nli/{name}.parquet"
        results[name] = _result(evaluate_nli(loaded, read_rows(data / file)), file) | of("nli")
    for name in ZERO_SHOT_SETS:
        file = f"zeroshot/{name}.parquet"
        labels = json.loads((data / "zeroshot" / f"{name}.labels.json").read_text(encoding="utf-8"))
        template = labels["hypothesis_template"]
        found = evaluate_zero_shot(loaded, read_rows(data / file), labels["labels"], template)
        asked = {"template": template, "labels": len(labels["labels"])}
        results[name] = _result(found, file) | asked | of("zero-shot")
    return results


def _result(found: Evaluation, file: str) -> dict[str, Any]:
    return {"file": file, "count": found.count} | kept(found.to_dict())


@click.command(help=__doc__)
@click.option("--model", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
def main(model: Path, data: Path) -> None:
    """Measure a model and write its results.json and README.md."""
    write_json(model / RESULTS_FILE, measure(model, data))
    write_card(model, stated(model), force=True)


if __name__ == "__main__":
    try:
        main()
    except EntailmentError as error:
        sys.exit(f"error: {error}")
