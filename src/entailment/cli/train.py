"""`entail train`: a recipe run, or shown."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from entailment.cli.notes import note
from entailment.cli.options import PATH
from entailment.cli.output import print_json

if TYPE_CHECKING:
    from entailment.train.recipe import Recipe
    from entailment.train.run import Trained


@click.command(short_help="Fine-tune a model by a recipe.")
@click.argument("recipe", required=False)
@click.option("--out", type=PATH, metavar="FOLDER", help="The run, and the checkpoint in FOLDER/model.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="Another value than the recipe's, as in settings.epochs=1; may be given often.",
)
@click.option(
    "--data-folder", type=PATH, metavar="FOLDER", help="Read the recipe's local files there, not the hub."
)
@click.option("--steps", type=click.IntRange(min=1), metavar="N", help="Train N steps, whatever the epochs.")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Use at most N rows of each source, for a trial."
)
@click.option(
    "--tracker",
    "trackers",
    multiple=True,
    metavar="NAME",
    help="Log there as well: tensorboard, or another tracker of accelerate's that is installed.",
)
@click.option("--list", "listing", is_flag=True, help="Name the recipes of the package, and do nothing.")
@click.option("--show", is_flag=True, help="Print the recipe as TOML, changes included, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def train(
    recipe: str | None,
    out: Path | None,
    changes: tuple[str, ...],
    data_folder: Path | None,
    steps: int | None,
    limit: int | None,
    trackers: tuple[str, ...],
    listing: bool,
    show: bool,
    as_json: bool,
) -> None:
    """Fine-tune a model by RECIPE: the name of one in the package, or a .toml file of your own.

    \b
    entail train --list
    entail train minilm-l6-mnli --show > recipes/mine.toml
    entail train minilm-l6-mnli --out runs/minilm
    entail train recipes/mine.toml --set settings.epochs=1 --data-folder data --out runs/mine

    Stopped at any moment, the same command goes on where it was. OUT/model is a checkpoint, and
    OUT/model/training.json records what it was made of. Commands that ask a model, as `entail nli` does, need
    one of the task nli; what other tasks train (text-classification, ...) is opened in Python, by
    AutoModelForSequenceClassification and its like, of this package or of transformers.
    """
    if listing:
        _list(as_json)
        return
    if recipe is None:
        raise click.UsageError("name a RECIPE; --list shows those of the package")
    from entailment.train.recipe import load_recipe, parse_change, to_toml

    stated = [parse_change(change) for change in changes]
    if steps is not None:
        stated.append(("settings.max_steps", steps))
    loaded = load_recipe(recipe, stated)
    loaded = loaded if limit is None else loaded.limited(limit)
    if show:
        click.echo(to_toml(loaded), nl=False)
        return
    if out is None:
        raise click.UsageError("say with --out FOLDER where the run and its checkpoint go")
    _require_torch()
    if loaded.task == "bundled":
        _train_bundled(loaded, out, data_folder, limit, trackers)
        return

    from entailment.train.run import run_recipe

    command = _command(recipe, changes, steps, limit, local=data_folder is not None)
    trained = run_recipe(loaded, out, data_folder=data_folder, command=command, trackers=trackers)
    if not trained.main:
        return
    if as_json:
        print_json(_facts(trained))
    else:
        _show(loaded, trained)


def _list(as_json: bool) -> None:
    from entailment.cli import show
    from entailment.train.recipe import load_recipe, recipe_names

    recipes = [load_recipe(name) for name in recipe_names()]
    if as_json:
        print_json([{"name": one.name, "task": one.task, "description": one.description} for one in recipes])
    else:
        show.facts({one.name: one.description for one in recipes})


def _command(
    recipe: str, changes: tuple[str, ...], steps: int | None, limit: int | None, *, local: bool
) -> str:
    """What was typed, for the record; where a user's files lie is nobody's business."""
    from entailment.train.public import public_name

    words = ["entail", "train", Path(recipe).name]
    for change in changes:
        key, _, value = change.partition("=")
        words += ["--set", f"{key}={public_name(value)}" if Path(value).is_absolute() else change]
    for option, number in (("--steps", steps), ("--limit", limit)):
        words += [] if number is None else [option, str(number)]
    words += ["--data-folder", "FOLDER"] if local else []
    return shlex.join([*words, "--out", "FOLDER"])


def _require_torch() -> None:
    """Refuses to begin without PyTorch, before anything is written.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import torch  # noqa: F401
    except ImportError as error:
        from entailment.errors import MissingExtraError

        raise MissingExtraError("torch", extra="train", purpose="training") from error


def _train_bundled(
    recipe: Recipe, out: Path, data_folder: Path | None, limit: int | None, trackers: tuple[str, ...]
) -> None:
    """Hand over to the program that trains the bundled model; it prints its measures as JSON."""
    if trackers:
        raise click.UsageError(f"{recipe.name} has no trackers")
    if data_folder is None:
        raise click.UsageError(f"{recipe.name} reads files: say with --data-folder where they are")
    from entailment.train.bundled import main as train_bundled

    arguments = ["--data", str(data_folder), "--out", str(out)]
    arguments += ["--full-attention"] if recipe.model.attention == "full" else []
    arguments += [] if limit is None else ["--limit", str(limit)]
    train_bundled(arguments, standalone_mode=False)
    note(f"written: {out / 'model'}")


def _facts(trained: Trained) -> dict[str, object]:
    outcome = trained.outcome
    return {
        "model": str(trained.folder),
        "steps": outcome.steps,
        "best": outcome.best,
        "seconds": outcome.seconds,
        "tokens": outcome.tokens,
    }


def _show(recipe: Recipe, trained: Trained) -> None:
    from entailment.cli import show

    outcome = trained.outcome
    measures = {name: f"{value:.4f}" for name, value in outcome.best.items() if name != "step"}
    show.facts(
        {
            "recipe": recipe.name,
            "steps": f"{outcome.steps:,}",
            "best step": f"{int(outcome.best.get('step', 0)):,}",
            **measures,
            "tokens per second": f"{outcome.tokens / max(outcome.seconds, 1e-9):,.0f}",
        }
    )
    note(f"written: {trained.folder}")
