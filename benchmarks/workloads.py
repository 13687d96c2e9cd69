"""What is classified and scored: real texts from a data folder where there is one, made-up texts elsewhere.

The folder is that of `make train`: `zeroshot/ag_news.parquet`, `zeroshot/clinc150.parquet` and
`nli/mnli_matched.parquet`. Texts are drawn with a fixed seed, so that every run gets the same.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

from entailment.tables import read_rows
from entailment.text.tokenizer import Tokenizer

Pair = tuple[str, str]

TOPICS = (
    "world news",
    "sports",
    "business",
    "science and technology",
    "politics",
    "music",
    "travel",
    "health",
    "food and cooking",
    "weather",
)
TOPIC_TEMPLATE = "This text is about {}."
INTENT_TEMPLATE = "The user is asking about {}."

# Every one of these is one token of the English uncased vocabulary.
WORDS = """
the of and to in is was for on that with as at by it from his he she they we you are were be this had not but
or one two three about match team player game goal won lost sport politics food music film story news world
country city river house school work day night morning week year time people man woman child dog cat horse
bird garden kitchen street car train plane boat water fire earth red blue green black white big small old new
good bad great happy young long short fast slow run walk eat play read write sleep sit buy sell take see say
think want like love outside under after before because nobody some many all no very more most text minister
election bank money price market soup bread doctor hospital rain sun snow final twice government
""".split()


@dataclass(frozen=True)
class ZeroShot:
    """Texts, labels and the template that makes hypotheses of the labels.

    Attributes:
        real: the texts come from a data set.
    """

    name: str
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    template: str
    real: bool

    @property
    def pairs(self) -> list[Pair]:
        """Every text with every hypothesis, text by text."""
        return [(text, self.template.format(label)) for text in self.texts for label in self.labels]


@dataclass(frozen=True)
class Pairs:
    """Premises and hypotheses; `real` as in `ZeroShot`, `gold` are class names (none where made up)."""

    name: str
    pairs: tuple[Pair, ...]
    gold: tuple[str, ...]
    real: bool


def ag_news(data: Path | None, texts: int, labels: int) -> ZeroShot:
    """News of some 40 words, and the first so many topics; the first four are those of the set."""
    name = f"AG News texts, {labels} labels"
    path = data and data / "zeroshot" / "ag_news.parquet"
    if path is None:
        return ZeroShot(name, made_up(texts, 40), TOPICS[:labels], TOPIC_TEMPLATE, real=False)
    return ZeroShot(name, _drawn(path, texts), TOPICS[:labels], TOPIC_TEMPLATE, real=True)


def clinc(data: Path | None, texts: int) -> ZeroShot:
    """Requests of some 8 words, and 150 intents."""
    name = "CLINC150 texts, 150 labels"
    if data is None:
        return ZeroShot(name, made_up(texts, 8), many_labels(150), INTENT_TEMPLATE, real=False)
    folder = data / "zeroshot"
    labels = json.loads((folder / "clinc150.labels.json").read_text(encoding="utf-8"))["labels"]
    return ZeroShot(
        name, _drawn(folder / "clinc150.parquet", texts), tuple(labels), INTENT_TEMPLATE, real=True
    )


def mnli(data: Path | None, pairs: int, *, shuffle: bool = True) -> Pairs:
    """Pairs of MultiNLI dev matched: drawn at random, or the first so many."""
    if data is None:
        premises, hypotheses = made_up(pairs, 20), made_up(pairs, 10, seed=1)
        return Pairs("made-up pairs", tuple(zip(premises, hypotheses, strict=True)), (), real=False)
    rows = list(read_rows(data / "nli" / "mnli_matched.parquet"))
    rows = random.Random(0).sample(rows, pairs) if shuffle else rows[:pairs]
    found = tuple((str(row["premise"]), str(row["hypothesis"])) for row in rows)
    return Pairs("MultiNLI pairs", found, tuple(str(row["label"]) for row in rows), real=True)


def many_labels(count: int) -> tuple[str, ...]:
    """As many different labels of two words as wanted, up to some 16,000."""
    return tuple(f"{first} {second}" for first, second in product(WORDS, WORDS) if first != second)[:count]


def pair_of(tokens: int, number: int = 0) -> Pair:
    """A pair of exactly so many tokens, special ones included; a quarter of its words are the hypothesis."""
    words = tokens - 3  # [CLS], [SEP] and [SEP]
    rng = random.Random(number)
    chosen = [rng.choice(one_token_words()) for _ in range(words)]
    split = words - max(1, words // 4)
    return " ".join(chosen[:split]), " ".join(chosen[split:])


def text_of(tokens: int) -> str:
    """A text of exactly so many tokens, special tokens left out."""
    return " ".join(random.Random(0).choices(one_token_words(), k=tokens))


@cache
def one_token_words() -> tuple[str, ...]:
    """Those of `WORDS` that the bundled vocabulary holds whole."""
    from benchmarks.checkpoints import bundled

    ids = Tokenizer.from_folder(bundled()).ids(WORDS)
    return tuple(word for word, tokens in zip(WORDS, ids, strict=True) if len(tokens) == 1)


def made_up(count: int, words: int, seed: int = 0) -> tuple[str, ...]:
    """Texts of about so many words; their lengths differ by a third either way, as those of real texts do."""
    rng = random.Random(seed)
    lengths = (rng.randint(words * 2 // 3, words * 4 // 3) for _ in range(count))
    return tuple(" ".join(rng.choices(WORDS, k=length)) for length in lengths)


def _drawn(path: Path, count: int) -> tuple[str, ...]:
    return tuple(random.Random(0).sample([str(row["text"]) for row in read_rows(path)], count))
