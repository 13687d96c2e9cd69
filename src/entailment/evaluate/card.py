"""The model card of a checkpoint, written from recorded facts.

    python -m entailment.evaluate.card --model runs/bundled/model --data DATA

`training.json` in the model's folder holds what the recipe recorded; `results.json` what was measured on the
evaluation sets of `DATA` (`nli/mnli_matched.parquet`, `nli/snli_test.parquet`, `zeroshot/*.parquet`). The
card, README.md, takes every figure from these two; its words are about the family that the recipe
`entailment.train.bundled` makes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from entailment.checkpoint.json_files import read_json, write_json
from entailment.evaluate.run import Evaluation, evaluate_nli, evaluate_zero_shot
from entailment.tables import read_rows
from entailment.tasks.model import load_model

TRAINING_FILE, RESULTS_FILE, CARD_FILE = "training.json", "results.json", "README.md"
NLI_SETS = ("mnli_matched", "snli_test")
ZERO_SHOT_SETS = ("ag_news", "trec", "sst2", "snips", "clinc150", "tweet_offensive", "subjectivity")
MEASURES = ("accuracy", "macro_precision", "macro_recall", "macro_f1", "ece")
MEASURE_NAMES = ("accuracy", "macro precision", "macro recall", "macro F1", "calibration error")


def measure(model: str | Path | None, data: Path) -> dict[str, dict[str, Any]]:
    """Evaluate a model on every evaluation set of a data folder: set -> counts and measures."""
    loaded = load_model(model)
    results = {}
    for name in NLI_SETS:
        rows = read_rows(data / "nli" / f"{name}.parquet")
        results[name] = _kept(evaluate_nli(loaded, rows), f"nli/{name}.parquet")
    for name in ZERO_SHOT_SETS:
        labels = json.loads((data / "zeroshot" / f"{name}.labels.json").read_text(encoding="utf-8"))
        rows = read_rows(data / "zeroshot" / f"{name}.parquet")
        found = evaluate_zero_shot(loaded, rows, labels["labels"], labels["hypothesis_template"])
        results[name] = _kept(found, f"zeroshot/{name}.parquet") | {"template": labels["hypothesis_template"]}
        results[name]["labels"] = len(labels["labels"])
    return results


def write_card(folder: Path) -> None:
    """Write README.md of a checkpoint folder from its `training.json` and `results.json`."""
    training, results = read_json(folder / TRAINING_FILE), read_json(folder / RESULTS_FILE)
    (folder / CARD_FILE).write_text(card(training, results), encoding="utf-8")


def card(training: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]) -> str:
    """The text of the card."""
    zero_shot = [results[name] for name in ZERO_SHOT_SETS]
    mean_f1 = sum(found["macro_f1"] for found in zero_shot) / len(zero_shot)
    nli_rows = [
        (name, f"{results[name]['count']:,}", *(f"{results[name][key]:.4f}" for key in MEASURES))
        for name in NLI_SETS
    ]
    zero_shot_rows = [
        (
            name,
            f"{results[name]['count']:,}",
            str(results[name]["labels"]),
            f"`{results[name]['template']}`",
            f"{results[name]['accuracy']:.4f}",
            f"{results[name]['macro_f1']:.4f}",
            f"{results[name]['ece']:.4f}",
        )
        for name in ZERO_SHOT_SETS
    ]
    rounds: list[Mapping[str, Any]] = training["rounds"]
    heads = [f"round {number}" for number in range(1, len(rounds) + 1)]
    settings = [
        (name.replace("_", " "), *(str(each["settings"][name]) for each in rounds))
        for name in rounds[0]["settings"]
    ]
    settings += [
        ("steps, and the best of them", *(f"{each['steps']:,}, {each['best_step']:,}" for each in rounds)),
        *(
            (f"validation: {name}", *(f"{each['validation'][name]:.4f}" for each in rounds))
            for name in rounds[0]["validation"]
        ),
    ]
    return f"""---
license: apache-2.0
language: en
library_name: entailment
pipeline_tag: zero-shot-classification
base_model: {training["base_model"]}
tags: [nli, zero-shot-classification, {training["attention"]}-attention]
---

# {training["name"]}

A MiniLM-L6 encoder (22.7 million parameters, English, not case-sensitive) that tells whether a premise
entails a hypothesis, leaves it open, or contradicts it, and so sorts texts into labels it was never trained
on. Its attention is `{training["attention"]}`{_attention(training["attention"])}

```python
from entailment import NLI, ZeroShotClassifier

ZeroShotClassifier()("The striker scored twice in the final", ["sports", "politics", "cooking"])
NLI()("The shop opens at nine on Sundays.", "The shop is closed on Sunday mornings.")
```

Logits: {", ".join(f"{i} {name}" for i, name in enumerate(training["labels"]))}. At most 512 tokens
a pair; a longer premise loses its end, and that is reported.

## Results

Measured with ONNX Runtime in float32 on the weights as stored; none of these sets was trained on or tuned on.
One command repeats a line: `entail evaluate --data DATA/FILE`, where FILE is `nli/NAME.parquet` or
`zeroshot/NAME.parquet`.

Natural language inference:

{_table(("set", "pairs", *MEASURE_NAMES), nli_rows)}

Zero-shot classification (mean macro F1 **{mean_f1:.4f}**):

{_table(("set", "texts", "labels", "template", "accuracy", "macro F1", "calibration error"), zero_shot_rows)}

The expected calibration error is over 15 equal-width bins of the winning class's probability (Guo et al.
2017).

## Training

From {training["base_model"]} ({training["base_package"]}) with this command:

    {training["command"]}

{_table(("setting", *heads), settings)}

A round keeps the weights that do best on the validation sets: accuracy on `nli/validation.parquet`, and how
often the right label comes first on `topics/validation.parquet`, five sources that are not trained on.

Three losses are added: the cross-entropy of NLI pairs; that of labelled texts recast as entailment or not
(Yin et al. 2019), the wrong labels of a text together weighing as much as the right one; and the
cross-entropy between the entailment logits of a text's rival labels. Sources whose licence forbids commercial
use, or allows research alone, are left out.

<details><summary>NLI pairs by source</summary>

{_table(("source", *heads), _counts(rounds, "nli_sources"))}

</details>

<details><summary>Recast texts by source</summary>

{_table(("source", *heads), _counts(rounds, "topic_sources"))}

</details>

## Limits and biases

- English alone. Lower-cased on reading: what only capitals tell is lost.
- A small model: it errs on numbers, negation inside long sentences, and conclusions that need more than one
  step.
- The pairs were written by crowd workers and the texts come partly from social media; both carry stereotypes,
  and some sources hold hateful language. Do not let this model alone decide anything about a person.
- Scores compare the labels that were asked. Where none of them fits, one of them still scores best: use
  `threshold`.
- Wording matters: try a template that reads as a sentence with your labels in it.
- Several sources state no licence, and texts of others remain subject to the terms of their platforms: check
  before you redistribute a model that was trained on them.
"""


def _attention(kind: str) -> str:
    if kind == "full":
        return ": every token sees every other."
    return (
        ":\npremise tokens do not see the hypothesis, so a text is read once however many labels are asked,"
        " and the\nlogits of a label do not depend on the other labels. Other libraries ignore this and would"
        " answer wrongly."
    )


def _counts(rounds: Sequence[Mapping[str, Any]], key: str) -> list[tuple[str, ...]]:
    names = sorted({name for each in rounds for name in each[key]})
    rows = [(name, *(f"{each[key].get(name, 0):,}" for each in rounds)) for name in names]
    return [*rows, ("all", *(f"{sum(each[key].values()):,}" for each in rounds))]


def _kept(found: Evaluation, file: str) -> dict[str, Any]:
    return {"file": file, "count": found.count} | {key: round(getattr(found, key), 4) for key in MEASURES}


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@click.command(help=__doc__)
@click.option("--model", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
def main(model: Path, data: Path) -> None:
    """Measure a model and write its results.json and README.md."""
    write_json(model / RESULTS_FILE, measure(model, data))
    write_card(model)


if __name__ == "__main__":
    main()
