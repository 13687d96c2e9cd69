"""`entail card`: a trained folder gets its model card."""

from __future__ import annotations

from pathlib import Path

import click

from entailment.cli.notes import note
from entailment.cli.options import PATH
from entailment.errors import CheckpointNotFoundError

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(short_help="Write a checkpoint's model card from what was recorded.")
@click.argument("model", type=FOLDER)
@click.option(
    "--evaluation",
    "evaluations",
    type=PATH,
    multiple=True,
    metavar="FILE",
    help="A report.json of `entail evaluate`, or a file of what its --json printed; may be repeated.",
)
@click.option("--name", metavar="ORG/NAME", help="Where others will find it.  [default: the folder's name]")
@click.option(
    "--license", "licence", metavar="ID", help="Its licence, as the hub calls it: apache-2.0, mit, ..."
)
@click.option(
    "--language", "languages", multiple=True, metavar="CODE", help="A language it knows: en; may be repeated."
)
@click.option("--force", is_flag=True, help="Replace a README.md that somebody else wrote, too.")
def card(
    model: Path,
    evaluations: tuple[Path, ...],
    name: str | None,
    licence: str | None,
    languages: tuple[str, ...],
    force: bool,
) -> None:
    """Write README.md of the checkpoint folder MODEL: what the hub reads, and what people do.

    \b
    entail evaluate my-model --data mnli_matched.parquet --report report
    entail card my-model --evaluation report/report.json --name my-org/my-model --license mit --language en

    Every figure comes from the files in the folder: config.json, training.json, calibration.json,
    quantization.json, and results.json, which the evaluations become. What none of them records, and no
    option states, is left out.
    """
    from entailment.evaluate.cards.facts import Stated
    from entailment.evaluate.cards.write import write_card

    if name is not None:
        owned_name(name)
    stated = Stated(name=name, licence=licence, languages=languages)
    note(f"written: {write_card(model, stated, evaluations, force=force)}")


def owned_name(name: str, revision: str | None = None) -> tuple[str, str | None]:
    """The model "org/name" and the revision that a name of the hub means.

    Raises:
        CheckpointNotFoundError: it is none, or does not say whose model it is.
    """
    from entailment.checkpoint.hub import split_revision

    repo, branch = split_revision(name, revision)
    if "/" not in repo:
        raise CheckpointNotFoundError(
            f"{name!r} does not say whose model it will be: write it as 'org/{repo}'"
        )
    return repo, branch
