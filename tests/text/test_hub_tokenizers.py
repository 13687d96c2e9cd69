"""The public tokenizers without the reference: slow against fast, answers, errors, coming and going."""

from __future__ import annotations

import itertools
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entailment.errors import (
    CheckpointNotFoundError,
    CorruptCheckpointError,
    InputError,
    MissingExtraError,
    TextError,
    UnsupportedModelError,
)
from entailment.text.auto import AutoTokenizer
from entailment.text.batch import BatchEncoding
from entailment.text.hub_tokenizers import (
    BertTokenizer,
    BertTokenizerFast,
    DistilBertTokenizer,
    DistilBertTokenizerFast,
    MobileBertTokenizer,
    MobileBertTokenizerFast,
)
from entailment.text.layout import Layout
from entailment.text.settings import TokenizerSettings

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz!.,'", "Ab", "the"]
TOKENS += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"] + ["\u00e9", "##ing", "\u4e2d"]
VOCABULARY = {token: index for index, token in enumerate(TOKENS)}
CLASSES = [
    BertTokenizer,
    BertTokenizerFast,
    DistilBertTokenizer,
    DistilBertTokenizerFast,
    MobileBertTokenizer,
    MobileBertTokenizerFast,
]
SLOW, FAST = BertTokenizer(VOCABULARY), BertTokenizerFast(VOCABULARY)
BOTH = [SLOW, FAST]
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("ab .")) | st.lists(
    st.sampled_from(["[SEP]", "[MASK]", "a", " ", "the", "[", "\u0301", "x" * 60])
).map("".join)


@settings(deadline=None)
@given(
    texts=st.lists(st.tuples(ANY_TEXT, ANY_TEXT), min_size=1, max_size=4),
    max_length=st.integers(3, 20),
    pads=st.booleans(),
    left=st.booleans(),
    overflow=st.booleans(),
)
def test_slow_and_fast_answer_alike(
    texts: list[tuple[str, str]], max_length: int, pads: bool, left: bool, overflow: bool
) -> None:
    arguments: dict[str, Any] = {
        "truncation": True,
        "max_length": max_length,
        "padding": pads,
        "padding_side": "left" if left else "right",
        "return_overflowing_tokens": overflow,
        "return_special_tokens_mask": True,
    }
    slow, fast = SLOW(texts, **arguments), FAST(texts, **arguments)
    assert dict(slow) == dict(fast)
    for row in range(len(fast["input_ids"])):
        assert slow.tokens(row) == fast.tokens(row)
        assert slow.sequence_ids(row) == fast.sequence_ids(row)


@settings(deadline=None)
@given(length=st.integers(0, 40), kept=st.integers(1, 40), stride=st.integers(0, 39), left=st.booleans())
def test_windows_cover_a_text(length: int, kept: int, stride: int, left: bool) -> None:
    side: Any = "left" if left else "right"
    layout = Layout(
        cls_id=2, sep_id=3, pad_id=0, names={}, stride=stride, overflow=True, truncation_side=side
    )
    if stride >= kept and kept < length:
        with pytest.raises(InputError, match="stride must be less"):
            layout._windows(length, kept)
        return
    windows = layout._windows(length, kept)
    assert {place for start, stop in windows for place in range(start, stop)} == set(range(length))
    assert all(stop - start <= kept for start, stop in windows)
    ordered = sorted(windows)
    for (_, stop), (start, _) in itertools.pairwise(ordered):
        assert stop - start >= stride


@settings(deadline=None)
@given(ANY_TEXT)
def test_places_point_at_the_text(text: str) -> None:
    answer = FAST(text, return_offsets_mapping=True)
    assert len(answer.word_ids()) == len(answer.input_ids)
    for token, (start, end) in zip(answer.tokens(), answer["offset_mapping"], strict=True):
        assert 0 <= start <= end <= len(text)
        if token in ("a", "b", ".", "the"):
            assert text[start:end].lower()[:1] == token[0] or text[start] > "\x7f"


@pytest.mark.parametrize("cls", CLASSES)
def test_the_answer(cls: Any) -> None:
    answer = cls(VOCABULARY)("The a!", "Being")
    assert answer.input_ids == answer["input_ids"]
    assert [TOKENS[index] for index in answer.input_ids] == [
        "[CLS]",
        "the",
        "a",
        "!",
        "[SEP]",
        "b",
        "##e",
        "##ing",
        "[SEP]",
    ]
    types = [] if "Distil" in cls.__name__ else ["token_type_ids"]
    assert list(answer) == ["input_ids", *types, "attention_mask"]
    assert answer.is_fast == cls.is_fast == cls.__name__.endswith("Fast")
    assert {**answer}.keys() == answer.keys()
    with pytest.raises(AttributeError, match="has no 'labels'"):
        _ = answer.labels
    assert pickle.loads(pickle.dumps(answer)).data == answer.data  # noqa: S301 - our own bytes
    assert repr(cls(VOCABULARY)).startswith(f"{cls.__name__}(")


@pytest.mark.parametrize("tokenizer", BOTH)
def test_batches_and_slices(tokenizer: Any) -> None:
    answer = tokenizer(["a", "a b"], padding=True)
    assert answer["attention_mask"] == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert answer[1].tokens == ["[CLS]", "a", "b", "[SEP]"]
    assert answer.encodings is not None
    assert len(answer.encodings) == 2
    bare = BatchEncoding({"input_ids": [[1], [2]]})
    assert bare[:1] == {"input_ids": [[1]]}
    with pytest.raises(KeyError):
        _ = bare[0]
    with pytest.raises(InputError, match="not made from texts"):
        bare.tokens()
    assert tokenizer([])["input_ids"] == []


def test_the_slow_tokenizer_knows_no_places() -> None:
    with pytest.raises(InputError, match="ends in Fast"):
        SLOW("a", return_offsets_mapping=True)
    with pytest.raises(InputError, match="ends in Fast"):
        SLOW("a").word_ids()


@pytest.mark.parametrize("tokenizer", BOTH)
def test_tensors(tokenizer: Any) -> None:
    torch = pytest.importorskip("torch")
    answer = tokenizer("a b", return_tensors="pt").to("cpu")
    assert answer["input_ids"].dtype == torch.int64
    assert answer["input_ids"].shape == (1, 4)
    assert tokenizer.encode("a b", return_tensors="np").shape == (1, 4)
    assert tokenizer.decode(answer["input_ids"][0], skip_special_tokens=True) == "a b"
    assert tokenizer.batch_decode(answer["input_ids"]) == ["[CLS] a b [SEP]"]
    fast = tokenizer(["a", "b"], return_tensors="np", return_length=True)
    assert {name: values.dtype for name, values in fast.items()}["length"] == np.int64
    with pytest.raises(InputError, match=r"input_ids cannot become one tensor.*padding=True"):
        tokenizer(["a", "a b"], return_tensors="np")
    with pytest.raises(InputError, match="expected one of pt, np, tf"):
        tokenizer("a", return_tensors="jax")


@pytest.mark.parametrize(("kind", "module"), [("pt", "torch"), ("tf", "tensorflow")])
def test_a_missing_framework_is_named(kind: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=module):
        FAST("a", return_tensors=kind)


@pytest.mark.parametrize("tokenizer", BOTH)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"text": None}, "nothing to encode"),
        ({"padding": "longer"}, "padding is 'longer'; expected True, False, or one of longest, max_length"),
        ({"truncation": "first"}, "truncation is 'first'"),
        ({"max_length": 0}, "max_length is 0"),
        ({"max_length": 2.5}, "max_length is 2.5"),
        ({"max_length": 2}, "special tokens alone are 3"),
        ({"pad_to_multiple_of": -1}, "pad_to_multiple_of is -1"),
        ({"padding": True, "truncation": True, "max_length": 5, "pad_to_multiple_of": 4}, "not a multiple"),
        ({"padding_side": "up"}, "padding_side is 'up'"),
        ({"truncation": "only_second", "max_length": 4}, "second text has only 1"),
        (
            {"truncation": "only_first", "max_length": 5, "stride": 1, "return_overflowing_tokens": True},
            "stride",
        ),
    ],
)
def test_bad_arguments_are_named(tokenizer: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        tokenizer(**{"text": "a b c", "text_pair": "d", **arguments})


@pytest.mark.parametrize("tokenizer", BOTH)
@pytest.mark.parametrize(
    ("text", "pair", "words", "message"),
    [
        (3, None, False, "text is int"),
        (["a", None], None, False, "text 1 is NoneType"),
        (["a"], "b", False, "text_pair must be a list"),
        (["a"], ["b", "c"], False, "1 texts beside 2"),
        ("a\ud800", None, False, "surrogate"),
        ([("a", 1)], None, False, "the second of text 0 is int"),
        ("a", None, True, "not a list of words"),
        (["a", 2], None, True, "word 1 of text is int"),
    ],
)
def test_bad_texts_are_named(tokenizer: Any, text: Any, pair: Any, words: bool, message: str) -> None:
    with pytest.raises(TextError, match=message):
        tokenizer(text, pair, is_split_into_words=words)


@pytest.mark.parametrize("tokenizer", BOTH)
def test_ids_without_token_are_named(tokenizer: Any) -> None:
    for bad in (-1, -100, 2.5, None):
        with pytest.raises(InputError, match="no id of this vocabulary"):
            tokenizer.decode([5, bad])
    with pytest.raises(InputError, match="no id of this vocabulary"):
        tokenizer.convert_ids_to_tokens(len(TOKENS))
    assert tokenizer.convert_ids_to_tokens(5) == "a"
    assert tokenizer.convert_tokens_to_ids("nothing like it") == tokenizer.unk_token_id


@pytest.mark.parametrize(("tokenizer", "unknown"), [(SLOW, " [UNK]"), (FAST, "")])
def test_ids_beyond_the_vocabulary_are_decoded(tokenizer: Any, unknown: str) -> None:
    beyond = len(TOKENS) + 3
    assert tokenizer.decode([5, beyond, 6]) == f"a{unknown} b"
    assert tokenizer.decode(np.array([2, 5, beyond]), skip_special_tokens=True) == f"a{unknown}"
    assert tokenizer.decode(beyond) == unknown.strip()
    assert tokenizer.batch_decode([[5, beyond], [6]]) == [f"a{unknown}", "b"]
    assert type(tokenizer)({"[UNK]": 0, "a": 3}).decode([3, 1]) == f"a{unknown}"


@pytest.mark.parametrize("cls", [BertTokenizer, BertTokenizerFast])
def test_a_vocabulary_without_special_tokens(cls: Any) -> None:
    tokenizer = cls({"[UNK]": 0, "a": 1})
    with pytest.raises(InputError, match=r"lacks '\[CLS\]', the cls_token"):
        tokenizer("a")
    assert (
        tokenizer.add_special_tokens({"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]"}) == 3
    )
    assert tokenizer("a")["input_ids"] == [2, 1, 3]
    with pytest.raises(CorruptCheckpointError, match="lacks the unknown token"):
        cls({"a": 0})
    with pytest.raises(
        InputError, match="'end_token' is no special token; there are bos_token, eos_token, unk_token"
    ):
        tokenizer.add_special_tokens({"end_token": "<s>"})


def test_a_long_text_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    tokenizer = BertTokenizerFast(VOCABULARY, model_max_length=5)
    for _ in range(2):
        tokenizer("a b c d e f")
    assert [record.message for record in caplog.records] == [
        "a text has 8 tokens, but the model reads 5; pass truncation=True"
    ]
    assert tokenizer("a b c d e f", truncation=True)["input_ids"] == tokenizer("a b c")["input_ids"]


@pytest.mark.parametrize("cls", CLASSES)
def test_saved_and_opened_again(cls: Any, tmp_path: Path) -> None:
    tokenizer = cls(VOCABULARY, do_lower_case=False, model_max_length=16, padding_side="left")
    tokenizer.add_tokens(["Word"])
    tokenizer.add_special_tokens({"additional_special_tokens": ["<x>"]})
    paths = tokenizer.save_pretrained(tmp_path / "new" / "folder")
    assert sorted(Path(path).name for path in paths) == sorted(
        path.name for path in (tmp_path / "new" / "folder").iterdir()
    )
    for again in (
        cls.from_pretrained(tmp_path / "new" / "folder"),
        AutoTokenizer.from_pretrained(str(tmp_path / "new" / "folder"), use_fast=cls.is_fast),
    ):
        assert type(again) is cls
        assert again("Ab Word <x> the").data == tokenizer("Ab Word <x> the").data
        assert (again.model_max_length, again.padding_side) == (16, "left")
        assert again.get_vocab() == tokenizer.get_vocab()
        assert again.all_special_tokens == tokenizer.all_special_tokens
    assert cls.from_pretrained(tmp_path / "new" / "folder", do_lower_case=True).tokenize("The") == ["the"]
    before = {path.name: path.read_bytes() for path in (tmp_path / "new" / "folder").iterdir()}
    again.save_pretrained(tmp_path / "new" / "folder")
    assert {path.name: path.read_bytes() for path in (tmp_path / "new" / "folder").iterdir()} == before


def test_the_vocabulary_alone(tmp_path: Path) -> None:
    (path,) = SLOW.save_vocabulary(tmp_path, filename_prefix="my")
    assert Path(path).name == "my-vocab.txt"
    assert BertTokenizer(path).get_vocab() == VOCABULARY
    gap = {"[UNK]": 0, "a": 3}
    (path,) = BertTokenizer(gap).save_vocabulary(tmp_path)
    assert BertTokenizer(path).convert_tokens_to_ids("a") == 3
    with pytest.raises(InputError, match="is no folder"):
        SLOW.save_vocabulary(tmp_path / "missing")
    with pytest.raises(InputError, match="holds a line end"):
        BertTokenizer({"[UNK]": 0, "a\nb": 1}).save_vocabulary(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        SLOW.save_pretrained(tmp_path / "file" / "folder")


def test_tokenizer_file(tmp_path: Path) -> None:
    FAST.save_pretrained(tmp_path)
    from_file = BertTokenizerFast(tokenizer_file=tmp_path / "tokenizer.json", model_max_length=9)
    assert from_file("The")["input_ids"] == FAST("The")["input_ids"]
    assert from_file.model_max_length == 9
    with pytest.raises(CheckpointNotFoundError):
        BertTokenizerFast(tokenizer_file=tmp_path / "none.json")
    with pytest.raises(InputError, match="either"):
        BertTokenizerFast()
    stated = BertTokenizerFast(
        {"[UNK]": 0}, tokenizer_file=tmp_path / "tokenizer.json", clean_text=False, wordpieces_prefix="@"
    )
    assert stated.get_vocab() == VOCABULARY
    assert (stated.files.clean_text, stated.files.prefix) == (False, "@")
    assert stated.tokenize("a\u200bb") == ["[UNK]"]
    stated.save_pretrained(tmp_path / "stated")
    again = BertTokenizerFast(tokenizer_file=tmp_path / "stated" / "tokenizer.json")
    assert (again.files.clean_text, again.files.prefix) == (False, "@")
    prefixed = BertTokenizerFast({"[UNK]": 0, "a": 1, "@b": 2}, wordpieces_prefix="@", clean_text=False)
    assert prefixed.convert_tokens_to_string(["a", "@b", "a"]) == "ab a"


def test_a_tokenizer_that_is_not_berts(tmp_path: Path) -> None:
    FAST.save_pretrained(tmp_path)
    content = json.loads((tmp_path / "tokenizer.json").read_text())
    content["normalizer"] = {"type": "Lowercase"}
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    assert BertTokenizerFast.from_pretrained(tmp_path).tokenize("The \u00c9") == ["the", "\u00e9"]
    with pytest.raises(UnsupportedModelError, match="ends in Fast"):
        BertTokenizer.from_pretrained(tmp_path)


def test_the_class_follows_the_model(tmp_path: Path) -> None:
    FAST.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "mobilebert"}')
    assert type(AutoTokenizer.from_pretrained(tmp_path)) is BertTokenizerFast
    (tmp_path / "tokenizer_config.json").unlink()
    assert type(AutoTokenizer.from_pretrained(tmp_path)) is MobileBertTokenizerFast
    assert type(AutoTokenizer.from_pretrained(tmp_path, use_fast=False)) is MobileBertTokenizer
    (tmp_path / "config.json").write_text('{"model_type": "other"}')
    assert type(AutoTokenizer.from_pretrained(tmp_path)) is BertTokenizerFast


@pytest.mark.parametrize("cls", [*CLASSES, AutoTokenizer])
def test_a_folder_without_tokenizer(cls: Any, tmp_path: Path) -> None:
    with pytest.raises(CheckpointNotFoundError, match=r"neither tokenizer\.json nor vocab\.txt"):
        cls.from_pretrained(tmp_path)
    with pytest.raises(CheckpointNotFoundError):
        cls.from_pretrained(tmp_path / "nowhere")


def test_calling_needs_no_torch() -> None:
    program = (
        "import sys; sys.modules['torch'] = None; sys.modules['tensorflow'] = None\n"
        "from entailment.text.hub_tokenizers import BertTokenizer, BertTokenizerFast\n"
        "for cls in (BertTokenizer, BertTokenizerFast):\n"
        "    tokenizer = cls({'[UNK]': 0, '[CLS]': 1, '[SEP]': 2, '[PAD]': 3, 'a': 4})\n"
        "    print(tokenizer('a', return_tensors='np')['input_ids'].tolist(), tokenizer.decode([1, 4]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[[1, 4, 2]] [CLS] a\n" * 2


@pytest.mark.parametrize("tokenizer", BOTH)
def test_older_names_of_a_call(tokenizer: Any) -> None:
    options: dict[str, Any] = {"padding": "max_length", "max_length": 9, "truncation": True}
    assert tokenizer.encode_plus("a b", "the", **options) == tokenizer("a b", "the", **options)
    texts = ["a", ("a b", "the")]
    assert tokenizer.batch_encode_plus(texts, **options) == tokenizer(texts, **options)
    assert tokenizer.batch_encode_plus(batch_text_or_text_pairs=texts) == tokenizer(texts)
    with pytest.raises(InputError, match="takes a list of texts or pairs, not 'a'"):
        tokenizer.batch_encode_plus("a")
    words: dict[str, Any] = {"is_split_into_words": True}
    assert tokenizer.encode_plus(["a", "b"], **words) == tokenizer(["a", "b"], **words)
    for several, how in ((["a", "b"], {}), ([], {}), ([["a"], ["b"]], words)):
        with pytest.raises(InputError, match="encode_plus takes one text or pair, not a list of them"):
            tokenizer.encode_plus(several, **how)
    with pytest.raises(InputError, match=r"encode_plus has no argument pad_to_max_length: say padding="):
        tokenizer.encode_plus("a", pad_to_max_length=True)
    with pytest.raises(InputError, match=r"has no argument 'max_len'; it has .*max_length"):
        tokenizer.batch_encode_plus(["a"], max_len=5)


@settings(deadline=None)
@given(
    first=st.lists(st.sampled_from(list(range(5, 30))), max_size=9),
    second=st.none() | st.lists(st.sampled_from(list(range(5, 30))), min_size=1, max_size=9),
    max_length=st.integers(3, 20),
)
def test_ids_made_ready_are_those_of_a_call(
    first: list[int], second: list[int] | None, max_length: int
) -> None:
    one, other = SLOW.decode(first), None if second is None else SLOW.decode(second)
    options: dict[str, Any] = {"padding": "max_length", "return_special_tokens_mask": True}
    expected = SLOW(one, other, **options, max_length=40)
    assert SLOW.prepare_for_model(first, second, **options, max_length=40) == expected
    cut = SLOW.prepare_for_model(first, second, truncation=True, max_length=max_length)
    assert len(cut.input_ids) == min(max_length, sum(expected.attention_mask))


@pytest.mark.parametrize("tokenizer", BOTH)
def test_impossible_cuts_of_ids(tokenizer: Any) -> None:
    with pytest.raises(InputError, match="3 tokens cannot be cut from the first text: it has only 2"):
        tokenizer.truncate_sequences([5, 6], [7], 3, "only_first")
    with pytest.raises(InputError, match="from the second text: it has only 0"):
        tokenizer.truncate_sequences([5, 6], None, 1, "only_second")
    with pytest.raises(InputError, match="truncation is 'first'"):
        tokenizer.truncate_sequences([5, 6], None, 1, "first")
    assert tokenizer.truncate_sequences([5, 6], None, 1, "do_not_truncate") == ([5, 6], None, [])


SETTINGS: dict[str, Any] = {
    "do_lower_case": False,
    "strip_accents": False,
    "tokenize_chinese_chars": False,
    "clean_text": False,
    "wordpieces_prefix": "#",
    "mask_token": "a",
    "additional_special_tokens": ["<x>"],
    "model_max_length": 7,
    "padding_side": "left",
    "truncation_side": "left",
    "model_input_names": ["input_ids"],
    "clean_up_tokenization_spaces": True,
    "split_special_tokens": True,
}


@pytest.mark.parametrize("opener", [AutoTokenizer, BertTokenizerFast, MobileBertTokenizer])
def test_what_is_stated_replaces_what_is_said(opener: Any, tmp_path: Path) -> None:
    FAST.save_pretrained(tmp_path)
    roles = {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token"}
    assert SETTINGS.keys() | roles == (
        TokenizerSettings.__annotations__.keys() - {"never_split", "do_basic_tokenize"}
    )
    stated = opener.from_pretrained(tmp_path, **SETTINGS)
    names = {"strip_accents": "strip_accents", "clean_text": "clean_text", "wordpieces_prefix": "prefix"}
    names["tokenize_chinese_chars"] = "split_chinese"
    for name, value in SETTINGS.items():
        home = stated.files if name in names else stated
        assert getattr(home, names.get(name, name)) == value, name
    unchanged = opener.from_pretrained(tmp_path, **dict.fromkeys(SETTINGS))
    assert (unchanged.do_lower_case, unchanged.mask_token, len(unchanged)) == (True, "[MASK]", len(FAST))
    assert (
        opener.from_pretrained(tmp_path, trust_remote_code=False).files.settings == unchanged.files.settings
    )
    assert opener.from_pretrained(tmp_path, **{"cls_token": "[C]"}).cls_token_id == len(FAST)


def test_words_that_are_never_split(tmp_path: Path) -> None:
    FAST.save_pretrained(tmp_path)
    stated: dict[str, Any] = {"never_split": ["a.b"]}
    for slow in (
        AutoTokenizer.from_pretrained(tmp_path, use_fast=False, **stated),
        BertTokenizer.from_pretrained(tmp_path, **stated),
        BertTokenizer(VOCABULARY, **stated),
    ):
        assert slow.tokenize("a.b a.c") == ["[UNK]", "a", ".", "c"]
    for fast in (AutoTokenizer, BertTokenizerFast):
        for wish in (stated, {"do_basic_tokenize": False}):
            with pytest.raises(InputError, match="use_fast=False"):
                fast.from_pretrained(tmp_path, **wish)
        assert fast.from_pretrained(tmp_path, never_split=None, do_basic_tokenize=True).is_fast
    for wish in (stated, {"do_basic_tokenize": False}):
        with pytest.raises(InputError, match="only the plain-Python tokenizers have it"):
            BertTokenizerFast(VOCABULARY, **wish)


@pytest.mark.parametrize("cls", CLASSES)
def test_unknown_arguments_are_shown_what_there_is(cls: Any, tmp_path: Path) -> None:
    FAST.save_pretrained(tmp_path)
    with pytest.raises(InputError, match=rf"^{cls.__name__} has no argument 'lower'; it has .*do_lower_case"):
        cls(VOCABULARY, lower=True)
    openers: list[tuple[Any, str]] = [(cls, "never_split"), (AutoTokenizer, "use_fast")]
    for opener, known in openers:
        said = rf"{opener.__name__}\.from_pretrained has no argument"
        with pytest.raises(InputError, match=rf"{said} 'lower'; it has .*do_lower_case.*{known}"):
            opener.from_pretrained(tmp_path, lower=True)
        with pytest.raises(InputError, match=f"{said} trust_remote_code: no code"):
            opener.from_pretrained(tmp_path, trust_remote_code=True)


@pytest.mark.parametrize("cls", CLASSES)
def test_further_settings_of_constructors(cls: Any) -> None:
    assert cls(VOCABULARY).do_lower_case
    assert not cls(VOCABULARY, do_lower_case=False).do_lower_case
    split = cls(VOCABULARY, split_special_tokens=True)
    assert split("[MASK]") == cls(VOCABULARY)("[MASK]", split_special_tokens=True)
    with pytest.raises(InputError, match="'<u>' must be a token of the vocabulary"):
        split.add_special_tokens({"unk_token": "<u>"})


@pytest.mark.parametrize("tokenizer", [AutoTokenizer, MobileBertTokenizerFast])
def test_a_tokenizer_needs_a_name(tokenizer: Any) -> None:
    with pytest.raises(CheckpointNotFoundError, match="needs the name or folder of a checkpoint, not None"):
        tokenizer.from_pretrained(None)
