"""`entail info`: what a model is, and how it is known which of its logits means entailment."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from entailment.cli.notes import note
from entailment.cli.opening import open_model
from entailment.cli.options import model_options
from entailment.cli.output import print_json
from entailment.errors import CheckpointError, LabelOrderError
from entailment.tables import Row
from entailment.tables.reading import counted

if TYPE_CHECKING:
    from entailment.checkpoint.folder import Checkpoint
    from entailment.runtime.engine import Precision
    from entailment.tasks.model import PairModel

HOW = {
    "names": "by the names in config.json",
    "probe": "by the model's answers to plain pairs",
    "stated": "as stated with --label-order",
}


@click.command(short_help="What a model is, and what its logits mean.")
@click.argument("model", required=False)
@click.option("--probe", is_flag=True, help="Check the label order by the model's answers to plain pairs.")
@model_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def info(
    model: str | None,
    probe: bool,
    threads: int | None,
    precision: Precision | None,
    device: str,
    label_order: tuple[str, ...] | None,
    as_json: bool,
) -> None:
    """What MODEL (a folder or a hub name; without it, the bundled model) is, and what its logits mean.

    \b
    entail info
    entail info cross-encoder/nli-MiniLM2-L6-H768 --probe

    The label order comes from --label-order, else from the names in config.json, else from the model's
    answers to a few plain pairs. With --probe those answers check the names, too.
    """
    from entailment.checkpoint.folder import open_checkpoint
    from entailment.tasks.model import MAX_LENGTH

    checkpoint = open_checkpoint(model)
    facts = _facts(checkpoint)
    facts["max_length"] = min(MAX_LENGTH, checkpoint.config.max_position_embeddings)
    facts["int8"] = _int8(checkpoint)
    facts["calibration"] = _calibration(checkpoint)
    try:
        # Whether the calibration can be used is one of the facts, and changes no logit.
        loaded = open_model(
            model,
            label_order=label_order,
            threads=threads,
            precision=precision,
            device=device,
            calibrated=False,
        )
        order = loaded.order
        facts["label_order"] = {"names": list(order.names), "source": order.source}
    except LabelOrderError as error:
        if label_order is not None:
            raise
        loaded = open_model(
            model, threads=threads, needs_order=False, precision=precision, device=device, calibrated=False
        )
        facts.update(label_order=None, label_order_error=str(error))
    if probe:
        facts["probe"] = _probe(loaded)
    if as_json:
        print_json(facts)
    else:
        _show(facts)


def _facts(checkpoint: Checkpoint) -> Row:
    from entailment.checkpoint.counts import flops, parameters

    config = checkpoint.config
    return {
        "model": checkpoint.name,
        "folder": str(checkpoint.folder),
        "architecture": config.model_type,
        "layers": config.num_hidden_layers,
        "hidden_size": config.hidden_size,
        "attention_heads": config.num_attention_heads,
        "vocabulary": config.vocab_size,
        "parameters": parameters(config),
        "flops_at_128_tokens": flops(config, 128),
        "size_bytes": sum(file.stat().st_size for file in checkpoint.folder.rglob("*") if file.is_file()),
        "attention": config.attention,
        "classes": [config.id2label[index] for index in sorted(config.id2label)],
        "licence": licence_of(checkpoint.folder),
    }


def _int8(checkpoint: Checkpoint) -> Row | None:
    """What was measured before int8 was allowed, on this processor; None where it never was."""
    from entailment.checkpoint.quantization import QUANTIZATION_FILE
    from entailment.runtime.processor import exact_weight_bits

    if not (checkpoint.folder / QUANTIZATION_FILE).is_file():
        return None
    try:
        found = checkpoint.quantization(exact_weight_bits(), checkpoint.weights())
    except CheckpointError as error:
        return {"error": str(error)}
    return {"weight_bits": found.weight_bits, **asdict(found.gate)}


def _calibration(checkpoint: Checkpoint) -> Row | None:
    """What was fitted for each question; None where nothing was."""
    from entailment.checkpoint.calibration import UNCALIBRATED, calibration_of

    try:
        found = calibration_of(checkpoint)
    except CheckpointError as error:
        return {"error": str(error)}
    return None if found == UNCALIBRATED else asdict(found)


def _probe(model: PairModel) -> Row:
    """What the model's answers to plain pairs say on their own, and whether the known order says the same."""
    from entailment.checkpoint.labels import order_from_probe, probe_disagreement
    from entailment.checkpoint.probe_pairs import PROBE_PAIRS

    _, logits = model.run([(premise, hypothesis) for premise, hypothesis, _ in PROBE_PAIRS])
    try:
        found = order_from_probe(logits, model.engine.num_labels, model.class_names)
    except LabelOrderError as error:
        return {"names": None, "agrees": None, "error": str(error)}
    against = None if model.labels is None else probe_disagreement(model.labels, logits)
    if against is not None:
        note(f"{against}; if that is so, state it: --label-order {','.join(found.names)}")
    return {"names": list(found.names), "agrees": against is None}


def licence_of(folder: Path) -> str | None:
    """The licence in the front matter of a model card, README.md; None where none is stated."""
    try:
        card = (folder / "README.md").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    front = re.match(r"\ufeff?---\s*\n(.*?)\n---\s*(\n|\Z)", card, flags=re.DOTALL)
    if front is None:
        return None
    pattern = r"^(license(?:_name)?):[ \t]*['\"]?(.+?)['\"]?[ \t]*$"
    stated = dict(re.findall(pattern, front[1], flags=re.MULTILINE))
    licence = stated.get("license")
    return stated.get("license_name", licence) if licence == "other" else licence


def _show(facts: Row) -> None:
    from entailment.cli import show

    def number(name: str) -> str:
        return f"{facts[name]:,}"

    lines = {
        "model": str(facts["model"]),
        "folder": str(facts["folder"]),
        "architecture": f"{facts['architecture']}: {_count(facts['layers'], 'layer')} of width "
        f"{facts['hidden_size']}, {_count(facts['attention_heads'], 'head')}, "
        f"{number('vocabulary')} word pieces",
        "parameters": number("parameters"),
        "compute": f"{_billions(facts['flops_at_128_tokens'])} FLOPs for 128 tokens; a multiply-add is two",
        "size": f"{_megabytes(facts['size_bytes'])} on disk",
        "attention": str(facts["attention"]),
        "max length": f"{facts['max_length']} tokens",
        "label order": _order_in_words(facts),
        "int8": _int8_in_words(facts["int8"]),
        "calibration": _calibration_in_words(facts["calibration"]),
        "licence": str(facts["licence"] or "not stated in a model card"),
    }
    if isinstance(found := facts.get("probe"), dict):
        lines["probe"] = _probe_in_words(found)
    show.facts(lines)


def _count(number: object, noun: str) -> str:
    return counted(number, noun) if isinstance(number, int) else f"{number} {noun}s"


def _megabytes(size: object) -> str:
    return f"{size / 1e6:,.1f} MB" if isinstance(size, int) else str(size)


def _billions(count: object) -> str:
    return f"{count / 1e9:,.3g} billion" if isinstance(count, int) else str(count)


def _order_in_words(facts: Row) -> str:
    order = facts["label_order"]
    if not isinstance(order, dict):
        return f"unknown: {facts['label_order_error']}"
    return f"{', '.join(order['names'])} ({HOW[order['source']]})"


def _int8_in_words(found: object) -> str:
    if not isinstance(found, dict):
        return "not measured; `entail quantize` does"
    if "error" in found:
        return f"unusable: {found['error']}"
    text = f"{found['agreement']:.2%} agreement with float32 on {_count(found['pairs'], 'pair')}"
    if found["accuracy"] is not None:
        text += f", accuracy {found['accuracy']:.4f} instead of {found['float32_accuracy']:.4f}"
    return text


def _calibration_in_words(found: object) -> str:
    if not isinstance(found, dict):
        return "none; `entail calibrate` fits one"
    if "error" in found:
        return f"unusable: {found['error']}"
    return "; ".join(_scaling_in_words(name, each) for name, each in found.items() if each is not None)


def _scaling_in_words(question: str, found: Row) -> str:
    text = f"{question}: temperature {found['temperature']:.4g}" + (", biases" if found["bias"] else "")
    if isinstance(threshold := found["threshold"], dict):
        text += f", threshold {threshold['value']:.4g} for a precision of {threshold['target']:g}"
    return f"{text}, fitted to {_count(found['rows'], 'row')} of {found['data']}"


def _probe_in_words(found: Row) -> str:
    names = found["names"]
    if not isinstance(names, list):
        return "undecided: the answers to the plain pairs show no order"
    return f"{', '.join(names)} ({'agrees' if found['agrees'] else 'DISAGREES'})"
