"""The block at the top of a card, which the hub reads: made by `huggingface_hub`, of recorded facts alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from entailment.checkpoint.folder import BUNDLED
from entailment.evaluate.cards import records
from entailment.evaluate.cards.facts import Facts
from entailment.evaluate.cards.records import Record
from entailment.evaluate.cards.results import MEASURES, Result

EXAMPLE_TEXT = "The striker scored twice in the final"
EXAMPLE_LABELS = ("sports", "politics", "cooking")

#: The hub's names of metrics, by ours. It has none for the calibration error and the loss.
METRICS = {
    "accuracy": "accuracy",
    "macro_precision": "precision",
    "macro_recall": "recall",
    "macro_f1": "f1",
}
TASKS = {
    "nli": ("text-classification", "Natural Language Inference"),
    "zero-shot": ("zero-shot-classification", "Zero-Shot Classification"),
}

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?")
_FILES = (".parquet", ".csv", ".jsonl", ".json", ".txt")


def metadata(facts: Facts) -> str:
    """The block, in YAML, without the lines of dashes around it."""
    results = [found for result in facts.results for found in _results(result)]
    base = records.text(facts.training, "base_model")
    settings: dict[str, Any] = {} if not (shown := _widget(facts)) else {"widget": shown}
    data = ModelCardData(
        language=list(facts.stated.languages) or None,
        license=facts.stated.licence,
        library_name="entailment" if facts.config.attention == "prefix" else "transformers",
        pipeline_tag=facts.pipeline,
        base_model=repository(base) if base is not None and is_hub_name(base) else None,
        datasets=datasets(facts.training) or None,
        tags=_tags(facts),
        metrics=list(dict.fromkeys(found.metric_type for found in results)) or None,
        model_name=facts.title if results else None,
        eval_results=results or None,
        **settings,
    )
    return data.to_yaml()


def is_hub_name(name: str) -> bool:
    """Whether a name is one of the hub: not of a file, nor of a folder here, which goes before the hub.

    It may be followed by a configuration and a revision. A folder that `entail train` recorded is told
    wherever the card is written: its name begins with "./".
    """
    repo = repository(name)
    if name == BUNDLED or name.lower().endswith(_FILES) or _HUB_NAME.fullmatch(repo) is None:
        return False
    return not Path(repo).exists()


def repository(name: str) -> str:
    """Of ``org/name:configuration@revision`` what the hub calls it: ``org/name``."""
    return re.split("[:@]", name, maxsplit=1)[0]


def datasets(training: Record) -> list[str]:
    """The data sets of the hub that a model was trained on, as the hub names them."""
    sources = records.parts(records.part(training, "data"), "train")
    names = [records.text(source, "name") or "" for source in sources]
    return list(dict.fromkeys(repository(name) for name in names if is_hub_name(name)))


def _tags(facts: Facts) -> list[str]:
    inference = ["natural-language-inference", "nli"] if facts.order is not None else []
    prefix = ["prefix-attention"] if facts.config.attention == "prefix" else []
    return ["entailment", *inference, facts.config.model_type, *prefix]


def _widget(facts: Facts) -> list[dict[str, str]]:
    # What the hub runs does not know prefix attention and would answer wrongly.
    english = not facts.stated.languages or "en" in facts.stated.languages
    if facts.order is None or facts.config.attention == "prefix" or not english:
        return []
    return [{"text": EXAMPLE_TEXT, "candidate_labels": ", ".join(EXAMPLE_LABELS)}]


def _results(result: Result) -> Iterator[EvalResult]:
    task_type, task_name = TASKS[result.task]
    for key, metric in METRICS.items():
        if key in result.measures:
            yield EvalResult(
                task_type=task_type,
                task_name=task_name,
                dataset_type=result.dataset or result.name,
                dataset_name=result.name,
                dataset_split=result.split,
                metric_type=metric,
                metric_name=MEASURES[key],
                metric_value=result.measures[key],
            )
