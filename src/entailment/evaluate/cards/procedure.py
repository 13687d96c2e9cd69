"""How a model was trained, where `entail train` recorded that in training.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath

from entailment.evaluate.cards import records
from entailment.evaluate.cards.facts import Facts
from entailment.evaluate.cards.markdown import block, code, escape, hidden, listed, section, table
from entailment.evaluate.cards.metadata import is_hub_name
from entailment.evaluate.cards.records import Record

#: Parts of a recipe that are said elsewhere.
ELSEWHERE = ("name", "description", "data", "local", "task")

#: Options of `entail train` after which a recipe's description of itself need no longer be true.
CHANGES = ("--set", "--data-folder", "--limit", "--steps")

#: Parts of a run's record that get a section or a form of their own.
RUN_PARTS = ("hardware", "versions", "energy", "evaluations", "seconds", "tokens", "steps", "total")


def data(facts: Facts) -> str:
    """Where the rows came from, how many were kept, and why others were not."""
    recorded = records.part(facts.training, "data")
    train, validation = (records.parts(recorded, name) for name in ("train", "validation"))
    parts = []
    if train:
        parts += ["Trained on:", _sources(train)]
    if validation:
        parts += ["Validated on:", _sources(validation)]
    return section("Training data", parts)


def procedure(facts: Facts) -> str:
    """What it was made from, the command, the hyper-parameters, and how the run went."""
    training = facts.training
    recipe, run = records.part(training, "recipe"), records.part(training, "run")
    base, command = records.text(training, "base_model"), records.text(training, "command")
    parts = [_recipe(recipe, command)]
    begun = f"From {code(shown_name(base))}" if base is not None else ""
    if command is not None:
        parts += [f"{begun} with this command:" if begun else "Made with this command:", block(command)]
    elif begun:
        parts.append(f"{begun}.")
    if settings := _settings(recipe):
        parts.append(_pairs("setting", "value", settings))
    if notes := [escape(note) for note in records.texts(training, "notes")]:
        parts.append(listed(notes))
    if done := _run(run):
        parts += ["The run:", _pairs("", "", done)]
    if log := _log(records.parts(run, "evaluations")):
        parts.append(hidden("Measured on the way", log))
    return section("Training procedure", parts)


def _recipe(recipe: Record, command: str | None) -> str:
    """What the recipe says of itself, unless the command changed it."""
    changed = [option for option in CHANGES if command is not None and f" {option} " in f"{command} "]
    name = records.text(recipe, "name")
    if changed and name is not None:
        return f"By the recipe {code(name)}, changed as the command says."
    return escape(records.text(recipe, "description") or "")


def environment(facts: Facts) -> str:
    """Hardware, energy and versions."""
    run = records.part(facts.training, "run")
    found = records.flat({name: run.get(name) for name in ("hardware", "energy", "versions")})
    return section("Hardware, energy and versions", [_pairs("", "", found) if found else ""])


def shown_name(name: str) -> str:
    """A name of the hub as it is; of a folder or file its last part, as the rest says nothing to others."""
    return name if is_hub_name(name) else PurePath(name).name


def _sources(sources: Sequence[Record]) -> str:
    columns = {
        "source": [code(shown_name(records.text(each, "name") or "")) for each in sources],
        "split": [escape(records.text(each, "split") or "") for each in sources],
        "revision": [code(found) if (found := records.text(each, "revision")) else "" for each in sources],
        "rows": [_number(each, "rows") for each in sources],
        "kept": [_number(each, "kept") for each in sources],
        "dropped": [_dropped(each) for each in sources],
        "licence": [escape(records.text(each, "licence") or "") for each in sources],
    }
    said = {name: cells for name, cells in columns.items() if any(cells)}
    return table(list(said), list(zip(*said.values(), strict=True)))


def _dropped(source: Record) -> str:
    dropped = records.part(source, "dropped")
    counts = {reason: records.count(dropped, reason) for reason in dropped}
    return ", ".join(f"{escape(reason)} {number:,}" for reason, number in counts.items() if number)


def _number(source: Record, key: str) -> str:
    found = records.count(source, key)
    return "" if found is None else f"{found:,}"


def _settings(recipe: Record) -> dict[str, str]:
    model, settings = records.part(recipe, "model"), records.part(recipe, "settings")
    others = {key: value for key, value in recipe.items() if key not in (*ELSEWHERE, "model", "settings")}
    described = {key: value for key, value in model.items() if key not in ("start", "labels")}
    return records.flat(settings) | records.flat(described) | records.flat(others)


def _run(run: Record) -> dict[str, str]:
    found = {}
    steps, total = records.count(run, "steps"), records.count(run, "total")
    if steps is not None:
        found["steps"] = f"{steps:,}" + (f" of {total:,}" if total is not None and total != steps else "")
    if (tokens := records.count(run, "tokens")) is not None:
        found["tokens"] = f"{tokens:,}"
    if (seconds := records.number(run, "seconds")) is not None:
        found["time"] = duration(seconds)
    return found | records.flat({key: value for key, value in run.items() if key not in RUN_PARTS})


def duration(seconds: float) -> str:
    """A length of time as people say it."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _log(evaluations: Sequence[Record]) -> str:
    lines = [records.flat(each) for each in evaluations]
    heads = list(dict.fromkeys(name for line in lines for name in line))
    if not heads:
        return ""
    rows = [[escape(line.get(head, "")) for head in heads] for line in lines]
    return table([escape(head) for head in heads], rows)


def _pairs(name: str, value: str, found: Mapping[str, str]) -> str:
    return table((name, value), [(escape(key), escape(each)) for key, each in found.items()])
