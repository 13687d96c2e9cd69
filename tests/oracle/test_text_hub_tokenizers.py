"""The public tokenizers against the reference, over Unicode and over the arguments of a call."""

from __future__ import annotations

import itertools
import json
import random
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from entailment.errors import InputError, TextError
from entailment.text.auto import AutoTokenizer
from entailment.text.hub_tokenizers import (
    BertTokenizer,
    BertTokenizerFast,
    DistilBertTokenizer,
    DistilBertTokenizerFast,
    MobileBertTokenizer,
    MobileBertTokenizerFast,
)

pytestmark = pytest.mark.oracle
transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = "hello world the a un ##aff ##able do n ' t . , ! ? ok sure so nice it is we ' ve re s m not".split()
LETTERS = [
    *map(chr, range(33, 0x7F)),
    *map(chr, range(0xA1, 0x250)),
    *map(chr, range(0x300, 0x800)),
    "\u4e00",
    "\u4e01",
    "\U0001f300",
]
VOCABULARY = list(dict.fromkeys([*SPECIAL, *WORDS, *LETTERS, *(f"##{letter}" for letter in LETTERS)]))
SLOW_AND_FAST = [BertTokenizer, BertTokenizerFast]

# Blocks that hold something; private-use and unassigned code points are drawn from everywhere.
RANGES = [(0, 0x80)] * 6 + [(0x80, 0x250), (0x300, 0x370), (0x370, 0x800), (0x800, 0x1200), (0x1200, 0x2000)]
RANGES += [(0x2000, 0x2C00), (0x2C00, 0x3400), (0x3400, 0xA000), (0xA000, 0xD800), (0xE000, 0x10000)]
RANGES += [(0x10000, 0x11000), (0x11000, 0x12000), (0x1D000, 0x1E000), (0x1E000, 0x1F000), (0x1F000, 0x20000)]
RANGES += [(0x20000, 0x32000), (0xE0000, 0xE0200), (0, 0xD800), (0xE000, 0x110000)]


def random_text(rng: random.Random) -> str:
    parts: list[str] = []
    while rng.random() < 0.93 and len(parts) < 40:
        if rng.random() < 0.04:
            parts.append(rng.choice([*SPECIAL, "a" * 101, "hello", " ", "\u0301\u0323", "\u200d\ufe0f"]))
        low, high = rng.choice(RANGES)
        parts += [chr(rng.randrange(low, high)) for _ in range(rng.randrange(1, 6))]
    return "".join(parts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in VOCABULARY), encoding="utf-8")
    settings = {"tokenizer_class": "BertTokenizer", "model_max_length": 24, "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def reference(folder: Path) -> Any:
    return transformers.BertTokenizer.from_pretrained(folder)


def plain(answer: Any) -> dict[str, Any]:
    return {name: lists(values) for name, values in dict(answer).items()}


def lists(values: Any) -> Any:
    if isinstance(values, (list, tuple)):
        return [lists(value) for value in values]
    return values.tolist() if hasattr(values, "tolist") else values


def compare_unicode(folder: Path, reference: Any, count: int, seed: int) -> None:
    rng = random.Random(seed)
    slow, fast = BertTokenizer.from_pretrained(folder), BertTokenizerFast.from_pretrained(folder)
    for _ in range(0, count, 1000):
        texts = [random_text(rng) for _ in range(min(count, 1000))]
        assert not any(unicodedata.category(char) == "Cs" for char in "".join(texts))
        expected = reference(texts)["input_ids"]
        for text, left, middle, right in zip(
            texts,
            slow(texts, verbose=False)["input_ids"],
            fast(texts, verbose=False)["input_ids"],
            expected,
            strict=True,
        ):
            assert left == middle == right, repr(text)


def test_random_unicode(folder: Path, reference: Any) -> None:
    compare_unicode(folder, reference, 3000, seed=0)


@pytest.mark.slow
def test_a_hundred_thousand_random_texts(folder: Path, reference: Any) -> None:
    compare_unicode(folder, reference, 100_000, seed=1)


@pytest.mark.slow
def test_a_hundred_thousand_random_texts_cased(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_bytes((folder / "vocab.txt").read_bytes())
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    compare_unicode(tmp_path, transformers.BertTokenizer.from_pretrained(tmp_path), 100_000, seed=2)


TEXTS: list[tuple[Any, Any]] = [
    ("hello world unaffable", None),
    ("", None),
    ("hello world so nice it is", "ok sure"),
    ("ok", "hello world so nice it is, the world!"),
    ("a", ""),
    (["hello", "hello world so nice it is. the world is nice", ""], None),
    (["hello world so nice", "ok", "it is"], ["ok sure", "hello world so nice it is", ""]),
    ([("hello", "ok sure"), ("world so nice", "a")], None),
    ([["hello", "ok sure"], ["world so nice", "a"]], None),
    ([("hello", "ok sure"), "world so nice"], None),
]
GRID: dict[str, list[Any]] = {
    "padding": [False, True, "max_length"],
    "truncation": [None, True, "only_first", "only_second", False],
    "max_length": [None, 3, 7, 12],
    "add_special_tokens": [True, False],
    "padding_side": [None, "left"],
}


def outcome(tokenizer: Any, text: Any, pair: Any, arguments: dict[str, Any]) -> Any:
    try:
        return plain(tokenizer(text, pair, **arguments))
    except (InputError, TextError) as error:
        return type(error)
    # The reference raises nearly anything, a Rust panic included, which is no Exception.
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return InputError


@pytest.mark.parametrize("cls", SLOW_AND_FAST)
@pytest.mark.parametrize("multiple", [None, 4])
@pytest.mark.filterwarnings("ignore:`max_length` is ignored")
def test_calls_are_answered_as_by_the_reference(
    folder: Path, reference: Any, cls: Any, multiple: int | None
) -> None:
    tokenizer = cls.from_pretrained(folder)
    compared = 0
    for values in itertools.product(*GRID.values()):
        arguments = dict(zip(GRID, values, strict=True)) | {"pad_to_multiple_of": multiple}
        for text, pair in TEXTS:
            mine = outcome(tokenizer, text, pair, arguments)
            theirs = outcome(reference, text, pair, arguments)
            if mine is InputError and theirs is not InputError:
                # We refuse, and it ignores, a length that the special tokens alone exceed.
                raise AssertionError((text, pair, arguments, theirs))
            assert mine == theirs, (text, pair, arguments)
            compared += mine is not InputError
    assert compared > 500


def test_strategies_have_two_names(folder: Path, reference: Any) -> None:
    tokenizer = BertTokenizerFast.from_pretrained(folder)
    text = (["hello world so nice it is"], ["ok sure"])
    every: list[dict[str, Any]] = [
        {"padding": "longest", "truncation": "longest_first", "max_length": 8},
        {"padding": "do_not_pad", "truncation": "do_not_truncate"},
        {"padding": transformers.utils.PaddingStrategy.MAX_LENGTH, "max_length": 16},
        {"truncation": transformers.tokenization_utils_base.TruncationStrategy.ONLY_FIRST, "max_length": 8},
    ]
    for arguments in every:
        assert outcome(tokenizer, *text, arguments) == outcome(reference, *text, arguments)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("cls", SLOW_AND_FAST)
def test_overflow_is_that_of_the_reference(folder: Path, cls: Any, side: str) -> None:
    tokenizer = cls.from_pretrained(folder, truncation_side=side)
    reference = transformers.BertTokenizer.from_pretrained(folder, truncation_side=side)
    refused = 0
    for max_length, stride, truncation, padding in itertools.product(
        [4, 5, 7, 9, 12], [0, 1, 2, 3], ["longest_first", "only_first", "only_second"], [False, True]
    ):
        arguments = {
            "max_length": max_length,
            "stride": stride,
            "truncation": truncation,
            "padding": padding,
            "return_overflowing_tokens": True,
            "return_special_tokens_mask": True,
            "return_length": True,
        }
        for text, pair in TEXTS:
            mine = outcome(tokenizer, text, pair, arguments)
            theirs = outcome(reference, text, pair, arguments)
            refused += mine is InputError
            if padding and theirs is not InputError and len(set(map(len, theirs["input_ids"]))) > 1:
                # Where nothing of a text fits, the rest of it is longer than what the reference pads to.
                assert len(set(map(len, mine["input_ids"]))) == 1
                continue
            if theirs is InputError and stride >= max_length - 2:
                continue  # It refuses such a stride even where nothing has to be cut.
            assert mine == theirs, (text, pair, arguments)
    assert refused < 1000


def test_places_are_those_of_the_reference(folder: Path, reference: Any) -> None:
    fast = BertTokenizerFast.from_pretrained(folder)
    rng = random.Random(4)
    arguments: dict[str, Any] = {
        "max_length": 20,
        "padding": "max_length",
        "truncation": True,
        "return_offsets_mapping": True,
    }
    for _ in range(300):
        text, pair = random_text(rng), random_text(rng)
        mine, theirs = fast(text, pair, **arguments), reference(text, pair, **arguments)
        assert plain(mine) == plain(theirs)
        assert mine.word_ids() == theirs.word_ids()
        assert mine.sequence_ids() == theirs.sequence_ids()
        assert mine.tokens() == theirs.tokens()
        for token in range(20):
            assert mine.token_to_chars(token) == theirs.token_to_chars(token)
            assert mine.token_to_word(token) == theirs.token_to_word(token)
            assert mine.token_to_sequence(token) == mine.sequence_ids()[token]


def test_characters_and_words_are_those_of_the_reference(folder: Path, reference: Any) -> None:
    fast = BertTokenizerFast.from_pretrained(folder)
    texts, pairs = ["hello unaffable world!", "ok"], ["so nice", "it is unaffable"]
    mine, theirs = fast(texts, pairs), reference(texts, pairs)
    for row, sequence, place in itertools.product([0, 1], [0, 1], range(3)):
        found = mine.char_to_token(row, place, sequence)
        assert found == theirs.char_to_token(row, place, sequence)
        assert mine.char_to_word(row, place, sequence) == theirs.char_to_word(row, place, sequence)
        words = {
            word
            for word, of in zip(mine.word_ids(row), mine.sequence_ids(row), strict=True)
            if of == sequence
        }
        if place in words:
            assert mine.word_to_tokens(row, place, sequence) == theirs.word_to_tokens(row, place, sequence)
            assert mine.word_to_chars(row, place, sequence) == theirs.word_to_chars(row, place, sequence)
    assert mine.n_sequences == theirs.n_sequences == 2
    assert mine.is_fast


@pytest.mark.parametrize("cls", SLOW_AND_FAST)
def test_split_words_are_those_of_the_reference(folder: Path, reference: Any, cls: Any) -> None:
    tokenizer = cls.from_pretrained(folder)
    for words, pair in [
        (["hello", "unaffable world", ""], None),
        ([["hello"], ["world", "unaffable"]], None),
        ([["hello"], ["world", "unaffable"]], [["a"], ["so", "nice"]]),
        ([(["hello"], ["so", "nice"])], None),
        (["hello"], ["so", "nice"]),
    ]:
        mine = tokenizer(words, pair, is_split_into_words=True)
        theirs = reference(words, pair, is_split_into_words=True)
        assert plain(mine) == plain(theirs)
        if mine.is_fast:
            for row in range(len(theirs.encodings)):
                assert mine.word_ids(row) == theirs.word_ids(row)


@pytest.mark.parametrize("cls", SLOW_AND_FAST)
def test_further_answers_are_those_of_the_reference(folder: Path, reference: Any, cls: Any) -> None:
    tokenizer = cls.from_pretrained(folder)
    every: list[dict[str, Any]] = [
        {"return_token_type_ids": False},
        {"return_attention_mask": False, "return_length": True},
        {"return_special_tokens_mask": True, "return_length": True},
        {"split_special_tokens": True},
        {"return_tensors": "np"},
        {"return_tensors": "pt", "padding": True},
        {"text_target": "so nice"},
        {"text_target": "so nice", "text_pair_target": "ok"},
    ]
    for arguments in every:
        text, pair = "hello [SEP] world [MASK]", "[CLS] ok"
        mine, theirs = tokenizer(text, pair, **arguments), reference(text, pair, **arguments)
        assert plain(mine) == plain(theirs), arguments
        assert list(mine) == list(theirs)
        for left, right in zip(mine.values(), theirs.values(), strict=True):
            assert type(left) is type(right)
            assert getattr(left, "dtype", None) == getattr(right, "dtype", None)


@pytest.mark.parametrize("cls", SLOW_AND_FAST)
def test_the_way_back_is_that_of_the_reference(folder: Path, reference: Any, cls: Any) -> None:
    tokenizer = cls.from_pretrained(folder)
    rng = random.Random(3)
    rows = [[rng.randrange(len(VOCABULARY)) for _ in range(rng.randrange(12))] for _ in range(200)]
    common = [VOCABULARY.index(token) for token in [*SPECIAL, *WORDS]]
    rows += [rng.choices(common, k=rng.randrange(1, 12)) for _ in range(600)]
    rows += [tokenizer("do not, we ' ve it ' s. hello ! [SEP]")["input_ids"]]
    for row, skip, cleans in itertools.product(rows, [True, False], [True, False, None]):
        arguments = {"skip_special_tokens": skip, "clean_up_tokenization_spaces": cleans}
        assert tokenizer.decode(row, **arguments) == reference.decode(row, **arguments), row
        names = tokenizer.convert_ids_to_tokens(row, skip_special_tokens=skip)
        assert names == reference.convert_ids_to_tokens(row, skip_special_tokens=skip)
        assert tokenizer.convert_tokens_to_ids(names) == reference.convert_tokens_to_ids(names)
        assert tokenizer.convert_tokens_to_string(names) == reference.convert_tokens_to_string(names)
    assert tokenizer.batch_decode(rows) == reference.batch_decode(rows)
    assert tokenizer.decode(rows) == reference.decode(rows)
    assert tokenizer.decode(7) == reference.decode(7)
    assert tokenizer.decode(torch.tensor([7, 8])) == reference.decode(torch.tensor([7, 8]))
    assert tokenizer.decode(np.array([[7, 8]])) == reference.decode(np.array([[7, 8]]))
    assert tokenizer.tokenize("unaffable", pair="a", add_special_tokens=True) == reference.tokenize(
        "unaffable", pair="a", add_special_tokens=True
    )


@pytest.mark.parametrize("cls", SLOW_AND_FAST)
def test_properties_are_those_of_the_reference(folder: Path, reference: Any, cls: Any) -> None:
    tokenizer = cls.from_pretrained(folder)
    names = [
        f"{role}_token{suffix}" for role in ("cls", "sep", "pad", "unk", "mask") for suffix in ("", "_id")
    ]
    names += ["vocab_size", "special_tokens_map", "model_max_length", "padding_side", "truncation_side"]
    names += ["model_input_names", "max_len_single_sentence", "max_len_sentences_pair", "pad_token_type_id"]
    for name in names:
        assert getattr(tokenizer, name) == getattr(reference, name), name
    assert len(tokenizer) == len(reference)
    assert tokenizer.get_vocab() == reference.get_vocab()
    assert sorted(tokenizer.all_special_ids) == sorted(reference.all_special_ids)
    assert tokenizer.get_added_vocab() == reference.get_added_vocab()
    assert tokenizer.num_special_tokens_to_add(True) == reference.num_special_tokens_to_add(True)
    row = tokenizer("hello [MASK]")["input_ids"]
    mask = tokenizer.get_special_tokens_mask(row, already_has_special_tokens=True)
    assert mask == reference.get_special_tokens_mask(row, already_has_special_tokens=True)


@pytest.mark.parametrize("cls", SLOW_AND_FAST)
def test_added_tokens_are_those_of_the_reference(folder: Path, cls: Any, tmp_path: Path) -> None:
    tokenizer = cls.from_pretrained(folder)
    reference = transformers.BertTokenizer.from_pretrained(folder)
    from tokenizers import AddedToken

    for each in (tokenizer, reference):
        each.add_tokens(["NewTok", "hello", "new", "\u00c9t\u00e9", "x y"])
        each.add_tokens([AddedToken("word", single_word=True), AddedToken("raw", normalized=False)])
        each.add_special_tokens({"additional_special_tokens": ["<x>", "<xx>"]})
    texts = [
        "a NewTok newtok anewtokb HELLO ete \u00e9t\u00c9 new newt x y x  y",
        "words word wordy a.word, raw RAW strawberry",
        "a<x>b<xx><xx>x> <X>",
    ]
    rng = random.Random(8)
    texts += [
        "".join(rng.choices(["word", "new", "NewTok", "<x>", "x", " y", " ", "a"], k=8)) for _ in range(300)
    ]
    for text in texts:
        assert tokenizer(text)["input_ids"] == reference(text)["input_ids"], text
        for split in (True, False):
            mine = tokenizer(text, split_special_tokens=split)["input_ids"]
            assert mine == reference(text, split_special_tokens=split)["input_ids"], text
    assert len(tokenizer) == len(reference)
    assert tokenizer.get_vocab() == reference.get_vocab()
    tokenizer.save_pretrained(tmp_path)
    again = cls.from_pretrained(tmp_path)
    theirs = transformers.BertTokenizer.from_pretrained(tmp_path)
    for text in texts:
        assert again(text)["input_ids"] == tokenizer(text)["input_ids"] == theirs(text)["input_ids"], text
    assert again.all_special_tokens == tokenizer.all_special_tokens


FAMILIES = [
    (BertTokenizer, "BertTokenizer"),
    (BertTokenizerFast, "BertTokenizer"),
    (DistilBertTokenizer, "DistilBertTokenizer"),
    (DistilBertTokenizerFast, "DistilBertTokenizer"),
    (MobileBertTokenizer, "MobileBertTokenizer"),
    (MobileBertTokenizerFast, "MobileBertTokenizer"),
]


@pytest.mark.parametrize(("cls", "name"), FAMILIES)
@pytest.mark.parametrize("settings", [{}, {"do_lower_case": False}, {"strip_accents": False}])
def test_saved_tokenizers_open_in_the_reference_and_back(
    folder: Path, tmp_path: Path, cls: Any, name: str, settings: dict[str, bool]
) -> None:
    tokenizer = cls(folder / "vocab.txt", model_max_length=33, padding_side="left", **settings)
    tokenizer.save_pretrained(tmp_path / "ours")
    theirs = getattr(transformers, name).from_pretrained(tmp_path / "ours")
    assert theirs.model_max_length == 33
    assert theirs.padding_side == "left"
    theirs.save_pretrained(tmp_path / "theirs")
    again = cls.from_pretrained(tmp_path / "theirs")
    auto = AutoTokenizer.from_pretrained(tmp_path / "ours", use_fast=cls.is_fast)
    assert type(auto) is cls
    text = ["Hello W\u00f6rld, UNAFFABLE \u4e00\u4e01!", "[MASK] ok"]
    expected = plain(tokenizer(text, padding=True))
    for each in (theirs, again, auto):
        assert plain(each(text, padding=True)) == expected


@pytest.mark.parametrize("cls", SLOW_AND_FAST)
def test_padding_afterwards_is_that_of_the_reference(folder: Path, reference: Any, cls: Any) -> None:
    tokenizer = cls.from_pretrained(folder)
    rows = [dict(reference("hello world")), dict(reference("hello", "so nice it is"))]
    every: list[dict[str, Any]] = [
        {},
        {"padding": "max_length", "max_length": 12},
        {"pad_to_multiple_of": 8, "return_tensors": "pt"},
        {"padding_side": "left", "return_tensors": "np"},
        {"padding": False},
    ]
    for arguments in every:
        mine, theirs = tokenizer.pad(rows, **arguments), reference.pad(rows, **arguments)
        assert plain(mine) == plain(theirs)
        assert type(mine["input_ids"]) is type(theirs["input_ids"])
    single = {"input_ids": torch.tensor([2, 7, 3])}
    assert torch.equal(tokenizer.pad(single).input_ids, reference.pad(dict(single)).input_ids)
    collator = transformers.DataCollatorWithPadding(tokenizer)
    labelled = [row | {"label": index} for index, row in enumerate(rows)]
    assert collator(labelled)["input_ids"].shape == (2, 8)


def test_legacy_python_arguments_do_what_they_did(folder: Path) -> None:
    from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy

    every: list[dict[str, Any]] = [
        {"never_split": ["UNaff", "a.b"]},
        {"do_basic_tokenize": False},
        {"do_lower_case": False, "never_split": ["hello!"]},
        {"tokenize_chinese_chars": False},
    ]
    for settings in every:
        mine = BertTokenizer(folder / "vocab.txt", **settings)
        theirs = BertTokenizerLegacy(str(folder / "vocab.txt"), **settings)
        for text in ["hello UNaff a.b world.", "Hello hello! \u4e00a unaffable", "a.b,a.b a.b"]:
            assert mine.encode(text) == theirs.encode(text), (settings, text)
            assert mine.encode(text, "ok") == theirs.encode(text, "ok")
        for one, two in [([5, 6], None), ([5, 6], [7]), ([], [])]:
            for method in (
                "build_inputs_with_special_tokens",
                "create_token_type_ids_from_sequences",
                "get_special_tokens_mask",
            ):
                assert getattr(mine, method)(one, two) == getattr(theirs, method)(one, two)


@pytest.mark.parametrize("side", ["left", "right"])
def test_ids_are_cut_and_made_ready_as_by_the_reference(folder: Path, side: str) -> None:
    from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy

    mine: Any = BertTokenizer(folder / "vocab.txt", truncation_side=side)
    theirs = BertTokenizerLegacy(str(folder / "vocab.txt"), truncation_side=side)
    pairs: list[tuple[list[int], list[int] | None]] = [
        (list(range(10, 10 + first)), None if second is None else list(range(30, 30 + second)))
        for first, second in itertools.product([4, 5, 9], [None, 4, 5, 8])
    ]
    compared = 0
    for (ids, pair), gone, stride, strategy in itertools.product(
        pairs, [0, 1, 2, 3], [0, 2], ["longest_first", "only_first", "only_second"]
    ):
        if pair is None and strategy == "only_second":
            continue  # It cuts nothing, which we refuse.
        expected = theirs.truncate_sequences(ids, pair, gone, strategy, stride)
        assert mine.truncate_sequences(ids, pair, gone, strategy, stride) == expected
        both = pair is not None and strategy == "longest_first"
        for padding, special in itertools.product([False, "max_length"], [True, False]):
            arguments: dict[str, Any] = {
                "add_special_tokens": special,
                "padding": padding,
                "truncation": strategy,
                "max_length": len(ids) + len(pair or []) + (3 if pair else 2) * special - gone,
                "stride": stride,
                "return_overflowing_tokens": not both,
                "return_special_tokens_mask": True,
                "return_length": True,
                "return_token_type_ids": special,  # without special tokens it gives both texts type 0
            }
            found = mine.prepare_for_model(ids, pair, **arguments)
            assert plain(found) == plain(theirs.prepare_for_model(ids, pair, **arguments)), arguments
            compared += 1
    assert compared > 500
    batched: dict[str, Any] = {
        "return_tensors": "pt",
        "prepend_batch_axis": True,
        "return_token_type_ids": True,
    }
    row, again = (each.prepare_for_model([10, 11], [12], **batched) for each in (mine, theirs))
    assert plain(row) == plain(again)
    assert row.input_ids.shape == (1, 6)


@pytest.mark.parametrize("cls", SLOW_AND_FAST)
def test_stated_settings_do_what_they_do_in_the_reference(folder: Path, cls: Any) -> None:
    every: list[dict[str, Any]] = [
        {"do_lower_case": False},
        {"model_max_length": 7, "padding_side": "left", "truncation_side": "left"},
        {"clean_up_tokenization_spaces": True},
        {"split_special_tokens": True},
        {"mask_token": "hello"},
        {"cls_token": "<c>", "sep_token": "<s>"},
        {"additional_special_tokens": ["<x>", "world"]},
    ]
    text = ["Hello <x> world , it 's [MASK] <c> [SEP] nice", "ok"]
    for settings in every:
        mine = cls.from_pretrained(folder, **settings)
        theirs = transformers.BertTokenizer.from_pretrained(folder, **settings)
        found, expected = (each(text, padding=True, truncation=True) for each in (mine, theirs))
        assert plain(found) == plain(expected), settings
        assert mine.batch_decode(found["input_ids"]) == theirs.batch_decode(expected["input_ids"])
        assert len(mine) == len(theirs)
