"""Pairs against the reference: the ids of ``tokenizer(premise, hypothesis, truncation="only_first")``."""

from __future__ import annotations

import random
import string
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from entailment.text.pairs import PairEncoder
from entailment.text.tokenizer import Tokenizer

pytestmark = pytest.mark.oracle
transformers = pytest.importorskip("transformers")

# Any code point, and often those that matter to a tokenizer.
POOLS = [
    string.ascii_letters + " " * 10,
    string.punctuation + string.digits,
    " \t\n\r\u00a0\u2028\u3000\u200b\x00\ufffd\x85\x1c",
    "".join(map(chr, range(0xC0, 0x250))),
    "".join(map(chr, range(0x300, 0x370))),
    "".join(map(chr, range(0x370, 0x700))),
    "".join(map(chr, range(0x4E00, 0x4F00))) + "".join(map(chr, range(0xAC00, 0xAD00))),
    "".join(map(chr, range(0x1F300, 0x1F700))) + "\u200d\ufe0f\U0001f3fd",
]


def random_text(rng: random.Random, most: int) -> str:
    parts: list[str] = []
    while rng.random() < 0.95 and len(parts) < most:
        if rng.random() < 0.02:
            parts.append(rng.choice(["[SEP]", "[CLS]", "[MASK]", "[UNK]", "a" * 101]))
        elif rng.random() < 0.05:
            char = chr(rng.choice([rng.randrange(0x110000), rng.randrange(0x3000)]))
            parts.append("" if unicodedata.category(char) == "Cs" else char)
        else:
            pool = rng.choice(POOLS)
            parts.extend(rng.choice(pool) for _ in range(rng.randrange(1, 8)))
    return "".join(parts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    letters = [*map(chr, range(33, 0x250)), *map(chr, range(0x300, 0x700)), "\u4e00", "\u4e01", "\U0001f300"]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def reference(folder: Path) -> Any:
    return transformers.BertTokenizer.from_pretrained(folder)


def test_ids_are_those_of_the_reference(folder: Path, reference: Any) -> None:
    rng = random.Random(2)
    texts = [random_text(rng, 60) for _ in range(3000)]
    expected = reference(texts, add_special_tokens=False)["input_ids"]
    for text, ids, right in zip(texts, Tokenizer.from_folder(folder).ids(texts), expected, strict=True):
        assert ids.tolist() == right, repr(text)


@pytest.mark.parametrize("max_length", [24, 40, 512])
def test_joined_pairs_are_those_of_the_reference(folder: Path, reference: Any, max_length: int) -> None:
    rng = random.Random(max_length)
    tokenizer = Tokenizer.from_folder(folder)
    pairs: list[tuple[str, str]] = []
    while len(pairs) < 1000:
        premise, hypothesis = random_text(rng, 80), random_text(rng, 12)
        lengths = [len(ids) for ids in tokenizer.ids([premise, hypothesis])]
        if lengths[0] and 0 < lengths[1] < max_length - 3:
            pairs.append((premise, hypothesis))
    expected = reference(
        [premise for premise, _ in pairs],
        [hypothesis for _, hypothesis in pairs],
        truncation="only_first",
        max_length=max_length,
    )
    encoded = PairEncoder(tokenizer, max_length=max_length).encode(pairs)
    assert any(pair.truncated for pair in encoded) == (max_length < 512)
    for pair, got, ids, types in zip(
        pairs, encoded, expected["input_ids"], expected["token_type_ids"], strict=True
    ):
        assert np.concatenate([got.premise, got.hypothesis]).tolist() == ids, pair
        assert [0] * len(got.premise) + [1] * len(got.hypothesis) == types


@pytest.mark.parametrize(
    "settings",
    [
        {"do_lower_case": False},
        {"do_lower_case": False, "strip_accents": True},
        {"strip_accents": False},
        {"tokenize_chinese_chars": False},
    ],
)
def test_settings_are_those_of_the_reference(folder: Path, tmp_path: Path, settings: dict[str, bool]) -> None:
    rng = random.Random(5)
    texts = [random_text(rng, 40) for _ in range(500)]
    vocabulary = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines(keepends=False)
    reference = transformers.BertTokenizer(
        vocab={token: index for index, token in enumerate(vocabulary)}, **settings
    )
    reference.save_pretrained(
        tmp_path
    )  # tokenizer.json and tokenizer_config.json, as folders on the hub have
    tokenizer = Tokenizer.from_folder(tmp_path)
    for text, ids, right in zip(
        texts, tokenizer.ids(texts), reference(texts, add_special_tokens=False)["input_ids"], strict=True
    ):
        assert ids.tolist() == right, repr(text)


def test_a_long_text_is_cut_as_the_reference_cuts_it(folder: Path, reference: Any) -> None:
    rng = random.Random(7)
    encoder = PairEncoder(Tokenizer.from_folder(folder), max_length=64)
    for _ in range(20):
        premise = "a" + "".join(random_text(rng, 400) + rng.choice(["", " ", "x" * 3000]) for _ in range(30))
        (pair,) = encoder.encode([(premise, "a claim")])
        expected = reference(premise, "a claim", truncation="only_first", max_length=64)["input_ids"]
        assert np.concatenate([pair.premise, pair.hypothesis]).tolist() == expected
