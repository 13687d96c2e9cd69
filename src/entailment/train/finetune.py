"""The loop that fine-tunes a pair classifier: AdamW, warm-up, early stopping, and exact resume.

A run lives in a folder: `state.pt` (weights, optimizer, random state, position; written whole or not at all),
`log.jsonl` (one line an evaluation) and `best.safetensors` (the weights that validated best). Started again
on the same folder it goes on from `state.pt` and ends with the very weights an uninterrupted run ends with,
because the batches of an epoch are a pure function of seed and epoch and the random state is restored.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError  # raised by torch.load; nothing is unpickled here
from typing import Any, Literal

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import load_file, save_file
from torch import Tensor

from entailment.errors import CheckpointError, DataFileError, NonFiniteLogitsError
from entailment.models.load import PairClassifier
from entailment.models.prefix import PrefixBertForSequenceClassification
from entailment.train.batches import Batch, EncodedExample, collate, plan
from entailment.train.losses import choice_loss, entailment_loss


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a run is made of, besides its model and data.

    Attributes:
        learning_rate: the peak, reached after the warm-up; then linear to zero.
        warmup: share of all steps.
        weight_decay: of matrices; biases and norms have none.
        epochs: passes over the data.
        tokens_per_batch: padding counted.
        choice_weight: how much the loss between rival labels counts beside the loss of each pair.
        clip: the largest norm of a gradient.
        evaluations: how often in a whole run the validation sets are scored.
        patience: evaluations without a better score before the run stops.
        seed: of batches, dropout and the new head.
        precision: "bfloat16" computes matrix products in bfloat16, weights stay in float32.
    """

    learning_rate: float = 1e-4
    warmup: float = 0.06
    weight_decay: float = 0.01
    epochs: int = 1
    tokens_per_batch: int = 4096
    choice_weight: float = 1.0
    clip: float = 1.0
    evaluations: int = 10
    patience: int = 4
    seed: int = 42
    precision: Literal["float32", "bfloat16"] = "float32"


@dataclass(frozen=True)
class Special:
    """Ids that batches are padded with."""

    pad_id: int
    sep_id: int


def score(model: PairClassifier, batch: Batch) -> Tensor:
    """Logits [P, L, K] of a batch, whichever attention the model has."""
    if isinstance(model, PrefixBertForSequenceClassification):
        logits: Tensor = model(
            batch.premise_ids, batch.premise_lengths, batch.hypothesis_ids, batch.hypothesis_lengths
        )
        return logits
    P, L, _ = batch.hypothesis_ids.shape
    logits = model(*batch.joined()).logits
    return logits.view(P, L, -1)


def finetune(
    model: PairClassifier,
    examples_of_epoch: Callable[[int], Sequence[EncodedExample]],
    validate: Callable[[PairClassifier], dict[str, float]],
    settings: Settings,
    folder: Path,
    *,
    special: Special,
    save_seconds: float = 120.0,
    stop_after: int | None = None,
) -> dict[str, float]:
    """Train `model` in place and leave it with the weights that validated best.

    Args:
        model: on the device it shall train on.
        examples_of_epoch: the epoch's number -> its examples; the same number must give the same examples.
        validate: model in evaluation mode -> named measures; their mean is the score that early stopping
            follows.
        settings: the recipe.
        folder: where the run lives; a folder with a `state.pt` is resumed.
        special: ids that batches are padded with.
        save_seconds: how often the state is written.
        stop_after: end the call, resumable, after this many steps of the whole run.

    Returns:
        The measures of the best evaluation, with its `score` and `step`; empty when `stop_after` came first.

    Raises:
        CheckpointError: the folder holds a damaged run, or one of another model or other settings.
        DataFileError: there are no examples.
        NonFiniteLogitsError: the loss became NaN or infinite.
    """
    folder.mkdir(parents=True, exist_ok=True)
    device = next(model.parameters()).device
    torch.manual_seed(settings.seed)
    optimizer = _optimizer(model, settings)
    step, best, stale = 0, {}, 0
    evaluations: list[dict[str, float]] = []
    state_file = folder / "state.pt"
    if state_file.exists():
        state = _read_state(state_file, device)
        if state["settings"] != asdict(settings):
            raise CheckpointError(
                f"{folder} holds a run with other settings; resume with those, or use an empty folder"
            )
        try:
            model.load_state_dict(state["model"])
            optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError) as error:
            raise CheckpointError(f"{folder} holds a run of another model; use an empty folder") from error
        torch.set_rng_state(state["random"].cpu())
        step, best, stale = state["step"], state["best"], state["stale"]
        evaluations = state["evaluations"]

    def save() -> None:
        _write_whole(
            state_file,
            {
                "settings": asdict(settings),
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "random": torch.get_rng_state(),
                "step": step,
                "best": best,
                "stale": stale,
                "evaluations": evaluations,
            },
        )

    first_epoch = examples_of_epoch(0)
    if not first_epoch:
        raise DataFileError("there are no examples to train on")
    # Epochs differ by a few batches at most; the schedule takes the first one's length for all.
    steps_per_epoch = len(_plan(first_epoch, settings, epoch=0))
    total = steps_per_epoch * settings.epochs
    every = max(1, total // settings.evaluations)
    saved = time.monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("fine-tuning", total=total, completed=step, note="")
        while step < total and stale < settings.patience:
            epoch = step // steps_per_epoch
            examples = first_epoch if epoch == 0 else examples_of_epoch(epoch)
            batches = _plan(examples, settings, epoch=epoch)
            batches = [batches[i % len(batches)] for i in range(steps_per_epoch)]
            for members in batches[step % steps_per_epoch :]:
                rate = _rate(step, total, settings)
                for group in optimizer.param_groups:
                    group["lr"] = rate
                batch = collate([examples[i] for i in members], pad_id=special.pad_id, sep_id=special.sep_id)
                loss = _train_step(model, optimizer, batch.to(device), settings)
                if not math.isfinite(loss):
                    raise NonFiniteLogitsError(
                        f"the loss is {loss} at step {step + 1}: lower the learning rate and start in an "
                        f"empty folder ({folder} holds the run up to its last state)"
                    )
                step += 1
                if step % every == 0 or step == total:
                    measures = _validate(model, validate)
                    improved = measures["score"] > best.get("score", float("-inf"))
                    if improved:
                        best, stale = {**measures, "step": float(step)}, 0
                        _write_weights(folder / "best.safetensors", model)
                    else:
                        stale += 1
                    evaluations.append({"step": step, "loss": round(loss, 4), "rate": rate, **measures})
                    save()
                    # Written anew from the state: a run that died between the two repeats no line.
                    lines = "".join(json.dumps(each) + "\n" for each in evaluations)
                    (folder / "log.jsonl").write_text(lines, encoding="utf-8")
                    progress.console.print(_line(step, total, loss, measures), highlight=False)
                    if stale >= settings.patience:
                        break
                if time.monotonic() - saved > save_seconds:
                    save()
                    saved = time.monotonic()
                progress.update(bar, completed=step, note=f"loss {loss:.3f}  best {best.get('score', 0):.4f}")
                if stop_after is not None and step >= stop_after:
                    save()
                    return {}
    model.load_state_dict(load_file(folder / "best.safetensors", device=str(device)))
    model.eval()
    return best


def steps_taken(folder: Path) -> int:
    """How many steps the run in a folder has behind it."""
    return int(_read_state(folder / "state.pt", torch.device("cpu"))["step"])


def _read_state(path: Path, device: torch.device) -> dict[str, Any]:
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError, UnpicklingError) as error:
        raise CheckpointError(f"{path} is damaged; remove it to start the run again") from error
    return state


def _line(step: int, total: int, loss: float, measures: dict[str, float]) -> str:
    named = "  ".join(f"{name} {value:.4f}" for name, value in measures.items())
    return f"step {step} of {total}  loss {loss:.4f}  {named}"


def _plan(examples: Sequence[EncodedExample], settings: Settings, *, epoch: int) -> list[list[int]]:
    return plan(examples, tokens_per_batch=settings.tokens_per_batch, seed=settings.seed + epoch)


def _train_step(
    model: PairClassifier, optimizer: torch.optim.Optimizer, batch: Batch, settings: Settings
) -> float:
    model.train()
    with _precision(batch.premise_ids.device, settings):
        logits = score(model, batch)
    loss = entailment_loss(logits, batch.targets, batch.choice)
    loss = loss + settings.choice_weight * choice_loss(logits, batch.targets, batch.choice)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
    optimizer.step()
    return float(loss.detach())


def _validate(
    model: PairClassifier,
    validate: Callable[[PairClassifier], dict[str, float]],
) -> dict[str, float]:
    model.eval()
    with torch.inference_mode():
        measures = validate(model)
    return {**measures, "score": sum(measures.values()) / len(measures)}


def _precision(device: torch.device, settings: Settings) -> Any:
    if settings.precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def _optimizer(model: torch.nn.Module, settings: Settings) -> torch.optim.Optimizer:
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)


def _rate(step: int, total: int, settings: Settings) -> float:
    warm = max(1, round(total * settings.warmup))
    if step < warm:
        return settings.learning_rate * (step + 1) / warm
    return settings.learning_rate * (total - step) / max(1, total - warm)


def _write_weights(path: Path, model: torch.nn.Module) -> None:
    neighbour = path.with_name(path.name + ".part")
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, neighbour)
    neighbour.replace(path)


def _write_whole(path: Path, state: dict[str, Any]) -> None:
    neighbour = path.with_name(path.name + ".part")
    torch.save(state, neighbour)
    neighbour.replace(path)
