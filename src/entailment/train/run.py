"""A recipe run: sources, start, objective and loop put together, and the checkpoint folder that comes of it.

out/recipe.toml          the recipe as it runs
out/run/                 the state of the loop: started again on the same folder, the run goes on
out/run/layer-01/ ...    likewise of each layer's steps, where a teacher's layers are learnt one by one
out/model/               the checkpoint, which every task of this package opens
out/model/training.json  the facts of the training, which the model card is written from
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from entailment.checkpoint.json_files import write_json
from entailment.errors import MissingExtraError
from entailment.models.pretrained import save_pretrained
from entailment.train.claim import claim
from entailment.train.distil.stages import Taught, learn
from entailment.train.distil.teacher import Teacher, open_teacher
from entailment.train.loop import train
from entailment.train.outcome import Outcome
from entailment.train.public import public_name, public_start, without_folders
from entailment.train.recipe import LABELLED, Recipe, to_toml
from entailment.train.settings import Precision
from entailment.train.sources import Gathered, Source, SourceFacts, gather, held_out_texts
from entailment.train.starts import Start, start
from entailment.train.tasks import COLUMNS, objective_of

logger = logging.getLogger("entailment")

RECIPE_FILE = "recipe.toml"


@dataclass(frozen=True)
class Trained:
    """What a run came to.

    Attributes:
        folder: the checkpoint.
        outcome: the facts of the loop.
        main: whether this process, of several, wrote it.
    """

    folder: Path
    outcome: Outcome
    main: bool


@dataclass(frozen=True)
class _Data:
    train: Gathered
    validation: Gathered


def run_recipe(
    recipe: Recipe,
    out: str | Path,
    *,
    data_folder: str | Path | None = None,
    command: str = "",
    trackers: Sequence[str] = (),
    device: torch.device | None = None,
) -> Trained:
    """Train what a recipe says and write `out/model`; a run that was interrupted goes on.

    What is done otherwise than the recipe says, or is easily taken for more than it is, is logged as a
    warning: another precision, and weights that are random.

    Args:
        recipe: of any task but "bundled".
        out: the folder of the run, made where it does not exist.
        data_folder: read the recipe's local files under this folder, not its hub names.
        command: what was typed, for the record.
        trackers: names of accelerate's trackers, e.g. "tensorboard".
        device: by default a GPU where there is one.

    Raises:
        CheckpointError: the start cannot be used, or `out` holds the run of another recipe or of other
            data.
        DataFileError: a source cannot be read, has leaked into training, or leaves no rows.
        InputError: parts of the recipe do not fit each other, the start, or the teacher.
        MissingExtraError: a package that is needed is not installed.
        NonFiniteLogitsError: the loss, a measure or a weight became NaN or infinite; no model is written.
    """
    out = Path(out)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu") if device is None else device
    precision, reason = suited_precision(recipe.settings.precision, device)
    notes = [] if reason is None else [reason]
    running = replace(recipe, settings=replace(recipe.settings, precision=precision))
    main = _is_main()
    began = start(running)
    if began.base is None:
        progressive = running.teacher is not None and running.teacher.progressive
        but = "but for its teacher's embeddings and heads " if progressive else ""
        notes.append(
            f"recipe {recipe.name} starts from random weights: {but}nothing in the model is pretrained"
        )
    for note in notes if main else ():
        logger.warning("%s", note)
    part, teacher = running.teacher, None
    if part is not None:
        teacher = open_teacher(running, part, began.model, began.tokenizer_folder)
        notes.append(teacher.sentence())
    data = _gathered(running, None if data_folder is None else Path(data_folder))
    objective = objective_of(running, data.train.rows, data.validation.rows, began.tokenizer_folder)
    if main:
        claim(out / RECIPE_FILE, _claimed(running, data, teacher), begun=(out / "run").exists())
    folder, settings = out / "run", running.settings
    if teacher is None:
        done = Taught((), train(began.model, objective, settings, folder, trackers=trackers, device=device))
    else:
        new = began.base is None
        done = learn(
            began.model, objective, teacher, settings, folder, new=new, trackers=trackers, device=device
        )
    if main:
        _write(running, began, data, teacher, done, out / "model", command, notes)
    return Trained(out / "model", done.outcome, main)


def suited_precision(wanted: Precision, device: torch.device) -> tuple[Precision, str | None]:
    """The precision that a device computes in, and why it is another than the wanted one, if it is."""
    if wanted == "float32":
        return wanted, None
    if device.type == "cpu":
        # Emulated, bfloat16 is slower than float32 and rounds as well.
        able = wanted == "bfloat16" and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    else:
        able = device.type != "cuda" or wanted == "float16" or torch.cuda.is_bf16_supported()
    if able:
        return wanted, None
    kind = "a CPU" if device.type == "cpu" and wanted == "float16" else f"this {device.type.upper()}"
    return "float32", f"the recipe's precision is {wanted}, which {kind} does not compute in: it is float32"


def _is_main() -> bool:
    """Whether this process is the one, of those that `accelerate launch` or torchrun started, that writes."""
    try:
        from accelerate import PartialState
    except ImportError as error:
        raise MissingExtraError("accelerate", extra="train", purpose="training") from error
    return bool(PartialState().is_main_process)


def _claimed(recipe: Recipe, data: _Data, teacher: Teacher | None) -> str:
    """The recipe, and in comments the rows and teacher it found: what runs are told apart by."""
    sources = [
        f"# {name}: {each.kept} rows of {each.name}" + (f", {each.revision}" if each.revision else "")
        for name, gathered in (("train", data.train), ("validation", data.validation))
        for each in gathered.facts
    ]
    teachers = [] if teacher is None else [f"# teacher: {teacher.fingerprint}"]
    return "\n".join([to_toml(recipe), *sources, *teachers, ""])


def _gathered(recipe: Recipe, data_folder: Path | None) -> _Data:
    """The rows to learn from and to validate on, with none of an evaluation set among the former."""
    sources, columns, seed = recipe.sources(data_folder), COLUMNS[recipe.task], recipe.settings.seed
    labels = recipe.model.labels if recipe.task in LABELLED else None
    learnt = gather(
        sources.train,
        seed=seed,
        label_names=labels,
        columns=columns,
        held_out=held_out_texts(sources.evaluation, columns[0]),
        drop_leaks=sources.drop_leaks,
    )
    validated = gather(sources.validation, seed=seed, label_names=labels, columns=columns)
    stated = recipe.stated(data_folder)
    return _Data(_as_stated(learnt, stated.train), _as_stated(validated, stated.validation))


def _as_stated(gathered: Gathered, sources: Sequence[Source]) -> Gathered:
    """The facts under the recipe's names, wherever its files lie: what runs are told apart by."""
    facts = [replace(each, name=one.name) for each, one in zip(gathered.facts, sources, strict=True)]
    return replace(gathered, facts=tuple(facts))


def _write(
    recipe: Recipe,
    began: Start,
    data: _Data,
    teacher: Teacher | None,
    done: Taught,
    folder: Path,
    command: str,
    notes: Sequence[str],
) -> None:
    save_pretrained(began.model.cpu(), folder, tokenizer_folder=began.tokenizer_folder)
    taught: dict[str, object] = {} if teacher is None else {"teacher": teacher.facts()}
    if done.layers:
        taught["layers"] = [asdict(each) for each in done.layers]
    write_json(
        folder / "training.json",
        {
            "name": recipe.name,
            "recipe": asdict(without_folders(recipe)),
            "command": command,
            "base_model": None if began.base is None else public_start(began.base),
            "new_weights": began.new,
            "task": recipe.task,
            "labels": recipe.model.labels,
            "notes": notes,
            "data": {"train": _plain(data.train.facts), "validation": _plain(data.validation.facts)},
            "run": asdict(done.outcome),
            **taught,
        },
    )


def _plain(facts: Sequence[SourceFacts]) -> list[dict[str, object]]:
    return [asdict(replace(each, name=public_name(each.name))) for each in facts]
