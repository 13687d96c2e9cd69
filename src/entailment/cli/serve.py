"""`entail serve`: the model over HTTP, and a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from entailment.cli.opening import open_model
from entailment.cli.options import PATH, comma_separated, model_options
from entailment.errors import DataFileError
from entailment.tables import read_rows

if TYPE_CHECKING:
    from entailment.runtime.engine import Precision

COUNT = click.IntRange(min=1)
SECONDS = click.FloatRange(min=0)
SOME_SECONDS = click.FloatRange(min=0, min_open=True)


@click.command(short_help="Answer over HTTP, with a page to try it on.")
@click.option("--model", metavar="M", help="A folder or a hub name.  [default: the bundled model]")
@model_options
@click.option("--host", default="127.0.0.1", metavar="H", show_default=True, help="0.0.0.0: any interface.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    metavar="N",
    show_default=True,
    help="0: any that is free.",
)
@click.option("--workers", type=COUNT, metavar="N", help="Model threads.  [default: one for each processor]")
@click.option("--labels", metavar="A,B,C", help="For a lone text on / and /predict, where nobody says any.")
@click.option("--api-keys-file", type=PATH, metavar="FILE", help="A key a line; who asks must bear one.")
@click.option("--cors-origin", multiple=True, metavar="URL", help="A site whose pages may ask; repeatable.")
@click.option(
    "--max-body-bytes",
    type=COUNT,
    default=1 << 20,
    metavar="N",
    show_default=True,
    help="Of the body of a request.",
)
@click.option("--max-texts", type=COUNT, default=256, metavar="N", show_default=True, help="In a request.")
@click.option("--max-labels", type=COUNT, default=1000, metavar="N", show_default=True, help="For a text.")
@click.option(
    "--max-pairs",
    type=COUNT,
    default=4096,
    metavar="N",
    show_default=True,
    help="In a request: texts times labels.",
)
@click.option(
    "--max-characters", type=COUNT, default=500_000, metavar="N", show_default=True, help="In a request."
)
@click.option(
    "--batch-tokens",
    type=COUNT,
    default=1024,
    metavar="N",
    show_default=True,
    help="In a batch of the model.",
)
@click.option(
    "--max-wait", type=SECONDS, default=0.002, metavar="S", show_default=True, help="For a batch to fill."
)
@click.option(
    "--queue-pairs", type=COUNT, default=768, metavar="N", show_default=True, help="In hand; more is a 429."
)
@click.option(
    "--queue-tokens", type=COUNT, default=65_536, metavar="N", show_default=True, help="In hand, likewise."
)
@click.option(
    "--deadline",
    type=SOME_SECONDS,
    default=30.0,
    metavar="S",
    show_default=True,
    help="For an answer, or a 503.",
)
@click.option(
    "--drain",
    type=SOME_SECONDS,
    default=25.0,
    metavar="S",
    show_default=True,
    help="After SIGTERM, at most.",
)
@click.option(
    "--connections", type=COUNT, default=960, metavar="N", show_default=True, help="At once; more get a 503."
)
def serve(
    model: str | None,
    threads: int | None,
    precision: Precision | None,
    device: str,
    label_order: tuple[str, ...] | None,
    host: str,
    port: int,
    workers: int | None,
    labels: str | None,
    api_keys_file: Path | None,
    cors_origin: tuple[str, ...],
    max_body_bytes: int,
    max_texts: int,
    max_labels: int,
    max_pairs: int,
    max_characters: int,
    batch_tokens: int,
    max_wait: float,
    queue_pairs: int,
    queue_tokens: int,
    deadline: float,
    drain: float,
    connections: int,
) -> None:
    """Answer over HTTP: zero-shot classification, inference, document check, and a page to try them on.

    \b
    entail serve --port 8000
    curl localhost:8000/v1/classify --json '{"text": "The striker scored", "labels": ["sports", "politics"]}'

    Clients of the Hugging Face inference format and of text-embeddings-inference work unchanged. The options
    named max are limits of one request. The log is one JSON object a line on stderr, without anybody's texts.
    SIGTERM lets what was taken in finish. docs/server.md says more.
    """
    default_labels = comma_separated(labels, "--labels") or ()
    keys = () if api_keys_file is None else read_keys(api_keys_file)

    from entailment.runtime.processor import usable_processors
    from entailment.serve.run import serve as run
    from entailment.serve.settings import Limits, Settings

    settings = Settings(
        limits=Limits(
            body_bytes=max_body_bytes,
            texts=max_texts,
            labels=max_labels,
            pairs=max_pairs,
            characters=max_characters,
        ),
        api_keys=keys,
        cors_origins=cors_origin,
        default_labels=default_labels,
        workers=workers or usable_processors(),
        batch_tokens=batch_tokens,
        max_wait_seconds=max_wait,
        queue_pairs=queue_pairs,
        queue_tokens=queue_tokens,
        deadline_seconds=deadline,
        drain_seconds=drain,
        connections=connections,
    )
    run(
        open_model(model, label_order=label_order, threads=threads, precision=precision, device=device),
        settings,
        host=host,
        port=port,
    )


def read_keys(path: Path) -> tuple[str, ...]:
    """API keys, one a line; empty lines are passed over.

    Raises:
        DataFileError: the file cannot be read; a line is a comment, which anybody could guess; there is no
            key: then anybody could ask.
    """
    keys = []
    for number, row in enumerate(read_rows(str(path), format=".txt"), start=1):
        key = str(row["text"]).strip()
        if key.startswith("#"):  # the line may hold a secret: it is not quoted
            raise DataFileError(
                f"{path}, line {number}: it begins with #, and comments have no place here; put each key on "
                "a line of its own, and begin none with #"
            )
        if key:
            keys.append(key)
    if not keys:
        raise DataFileError(f"{path} holds no API key: put one on a line, or leave --api-keys-file out")
    return tuple(keys)
