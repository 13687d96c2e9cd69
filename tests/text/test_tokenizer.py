"""Opening tokenizer folders, good and bad, and the ids that come out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend
from tokenizers import models, normalizers, pre_tokenizers

from entailment.errors import (
    CheckpointError,
    CheckpointNotFoundError,
    CorruptCheckpointError,
    TextError,
    UnsupportedModelError,
)
from entailment.text.files import TokenizerFiles, read_tokenizer_files
from entailment.text.tokenizer import Tokenizer
from entailment.text.wordpiece import WordPiece

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz!.,'[]", "Ab"]
TOKENS += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"] + ["\u00e9", "the", "##ing", "\u4e2d"]
VOCABULARY = {token: index for index, token in enumerate(TOKENS)}
FILES = TokenizerFiles(source=Path("vocab.txt"), vocabulary=VOCABULARY)


def write_vocabulary(folder: Path, tokens: list[str] = TOKENS, **settings: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    if settings:
        (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def tokenizer_json(**changes: object) -> dict[str, Any]:
    backend = Backend(models.WordPiece(VOCABULARY, unk_token=TOKENS[1]))
    backend.normalizer = normalizers.BertNormalizer()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.add_special_tokens(TOKENS[:5])
    backend.enable_truncation(4)
    backend.enable_padding(length=4)
    content: dict[str, Any] = json.loads(backend.to_str())
    return content | changes


def write_json(folder: Path, content: object, **settings: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    if settings:
        (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def tokens_of(folder: Path, text: str) -> list[str]:
    return [TOKENS[index] for index in Tokenizer.from_folder(folder).ids([text])[0]]


def test_either_file_gives_the_same_tokenizer(tmp_path: Path) -> None:
    from_json = Tokenizer.from_folder(write_json(tmp_path / "json", tokenizer_json()))
    from_text = Tokenizer.from_folder(write_vocabulary(tmp_path / "text"))
    for tokenizer in (from_json, from_text):
        assert (tokenizer.cls_id, tokenizer.sep_id, tokenizer.pad_id) == (2, 3, 0)
        assert tokenizer.vocab_size == len(TOKENS)
        (ids,) = tokenizer.ids(["The b\u00e9ing [SEP] that the file would cut and pad"])
        assert ids.dtype == np.int64
        assert [TOKENS[index] for index in ids][:5] == ["the", "b", "##e", "##ing", "[SEP]"]
    texts = ["", "a", "A cab, the BEING! \u4e2da [MASK]x", "\u00e9" * 101]
    for left, right in zip(from_json.ids(texts), from_text.ids(texts), strict=True):
        np.testing.assert_array_equal(left, right)


def test_nothing_is_cut_or_padded_though_the_file_says_so(tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_folder(write_json(tmp_path, tokenizer_json()))
    assert [len(ids) for ids in tokenizer.ids(["a", "a b c d e f g"])] == [1, 7]


def test_settings_are_heard(tmp_path: Path) -> None:
    write_vocabulary(tmp_path, do_lower_case=False)
    assert tokens_of(tmp_path, "Ab \u00e9") == ["Ab", "\u00e9"]
    write_vocabulary(tmp_path, strip_accents=False)
    assert tokens_of(tmp_path, "\u00c9") == ["\u00e9"]
    write_vocabulary(tmp_path, do_lower_case=False, strip_accents=True)
    assert tokens_of(tmp_path, "Ab\u0300 \u00e9") == ["Ab", "e"]
    write_vocabulary(tmp_path, tokenize_chinese_chars=False)
    assert tokens_of(tmp_path, "a\u4e2d \u4e2d") == ["[UNK]", "\u4e2d"]


def test_tokenizer_config_wins_over_tokenizer_json(tmp_path: Path) -> None:
    write_json(tmp_path, tokenizer_json(), do_lower_case=False)
    assert tokens_of(tmp_path, "Ab") == ["Ab"]


def test_tokenizer_json_counts_where_the_config_is_silent(tmp_path: Path) -> None:
    cased = tokenizer_json()
    cased["normalizer"]["lowercase"] = False
    assert tokens_of(write_json(tmp_path / "a", cased), "Ab") == ["Ab"]
    generic = write_json(tmp_path / "b", cased, tokenizer_class="PreTrainedTokenizerFast", do_lower_case=True)
    assert tokens_of(generic, "Ab") == ["Ab"]


def test_other_special_tokens(tmp_path: Path) -> None:
    write_vocabulary(
        tmp_path, cls_token={"content": "the"}, sep_token={"content": "Ab"}, extra_special_tokens=["##ing"]
    )
    tokenizer = Tokenizer.from_folder(tmp_path)
    assert (tokenizer.cls_id, tokenizer.sep_id) == (VOCABULARY["the"], VOCABULARY["Ab"])
    assert tokens_of(tmp_path, "x##ingx") == ["x", "##ing", "x"]


def test_special_tokens_typed_by_a_user_are_special() -> None:
    tokenizer = Tokenizer(FILES)
    ids = tokenizer.ids(["a[SEP]b [sep] [MASK]"])[0]
    assert [TOKENS[i] for i in ids] == ["a", "[SEP]", "b", "[", "s", "##e", "##p", "]", "[MASK]"]


def test_vocabulary_size_counts_gaps_and_added_tokens(tmp_path: Path) -> None:
    content = tokenizer_json()
    content["added_tokens"].append(
        {**content["added_tokens"][0], "id": 200, "content": "[E1]", "special": True}
    )
    content["model"]["vocab"]["[E1]"] = 200
    assert Tokenizer.from_folder(write_json(tmp_path / "a", content)).vocab_size == 201
    del content["model"]["vocab"]["[E1]"]
    with pytest.raises(
        CorruptCheckpointError, match=rf"'\[E1\]' is said to have id 200.*it gets {len(TOKENS)}"
    ):
        Tokenizer.from_folder(write_json(tmp_path / "b", content))
    content["added_tokens"][-1]["id"] = len(TOKENS)
    assert Tokenizer.from_folder(write_json(tmp_path / "c", content)).vocab_size == len(TOKENS) + 1


def test_added_tokens_beside_a_vocabulary_file(tmp_path: Path) -> None:
    write_vocabulary(tmp_path)
    (tmp_path / "added_tokens.json").write_text(json.dumps({"zebra": len(TOKENS)}), encoding="utf-8")
    assert Tokenizer.from_folder(tmp_path).ids(["a zebra"])[0].tolist() == [VOCABULARY["a"], len(TOKENS)]
    decoder = {str(len(TOKENS)): {"content": "<x>", "special": True, "normalized": False}}
    (tmp_path / "added_tokens.json").unlink()
    write_vocabulary(tmp_path, added_tokens_decoder=decoder)
    assert Tokenizer.from_folder(tmp_path).ids(["a<x>"])[0].tolist() == [VOCABULARY["a"], len(TOKENS)]
    write_vocabulary(tmp_path, added_tokens_decoder={"x": "y"})
    with pytest.raises(CorruptCheckpointError, match="not an added token with an id: 'x'"):
        Tokenizer.from_folder(tmp_path)


def test_windows_line_ends_and_blank_last_lines(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_bytes(("\r\n".join(TOKENS) + "\r\n\r\n\r\n").encode())
    assert Tokenizer.from_folder(tmp_path).vocab_size == len(TOKENS)
    assert tokens_of(tmp_path, "the") == ["the"]


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="[")))
def test_ids_are_those_of_the_plain_definition(text: str) -> None:
    (ids,) = Tokenizer(FILES).ids([text])
    tokens = WordPiece(vocabulary=VOCABULARY).tokenize(text)
    assert [TOKENS[index] for index in ids] == tokens


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_a_batch_is_its_texts_one_by_one(texts: list[str]) -> None:
    tokenizer = Tokenizer(FILES)
    for text, ids in zip(texts, tokenizer.ids(texts), strict=True):
        np.testing.assert_array_equal(ids, tokenizer.ids([text])[0])


@pytest.mark.parametrize("text", [None, 3, b"a", ["a"], float("nan")])
def test_what_is_no_string_is_refused(text: Any) -> None:
    with pytest.raises(TextError, match=f"text 1 is {type(text).__name__}, not a string"):
        Tokenizer(FILES).ids(["a", text])


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(TextError, match=r"text 0 .* surrogate pair \(U\+D83D at character 3\)"):
        Tokenizer(FILES).ids(["abc\ud83d"])


def test_a_folder_without_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(CheckpointNotFoundError, match=r"neither tokenizer\.json nor vocab\.txt"):
        Tokenizer.from_folder(tmp_path)
    with pytest.raises(CheckpointNotFoundError, match="no such folder"):
        Tokenizer.from_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokenizer.json", b"", "not valid JSON"),
        ("tokenizer.json", json.dumps(tokenizer_json()).encode()[:700], "not valid JSON"),
        ("tokenizer.json", b"[" * 100_000, "not valid JSON"),
        ("tokenizer.json", b"[1, 2]", "must hold a JSON object, not a list"),
        ("tokenizer.json", b'"text"', "must hold a JSON object, not a str"),
        ("tokenizer.json", b"\xff\xfe\x00", "not valid JSON .*byte 0xff in position 0"),
        ("tokenizer.json", b"{}", "no model with a vocabulary"),
        ("tokenizer.json", b'{"model": 5}', "no model with a vocabulary"),
        ("tokenizer.json", b'{"model": {"vocab": {}}}', "vocabulary is empty"),
        ("tokenizer.json", b'{"model": {"vocab": ["a"]}}', "vocabulary is empty or not"),
        ("tokenizer.json", b'{"model": {"vocab": {"[UNK]": "0"}}}', "not a whole number"),
        ("tokenizer.json", b'{"model": {"vocab": {"[UNK]": -1}}}', "not a whole number"),
        ("tokenizer.json", b'{"model": {"vocab": {"[UNK]": true}}}', "not a whole number"),
        ("tokenizer.json", b'{"model": {"vocab": {"a": 0}}}', r"lacks the unknown token '\[UNK\]'"),
        (
            "tokenizer.json",
            b'{"model": {"type": "WordPiece", "vocab": {"[UNK]": 0}}}',
            "not a usable tokenizer",
        ),
        ("tokenizer.json", json.dumps(tokenizer_json(normalizer={"type": "Evil"})).encode(), "not a usable"),
        ("vocab.txt", b"", "vocabulary is empty"),
        ("vocab.txt", b"\n\n\n", "vocabulary is empty"),
        ("vocab.txt", b"a\nb\n", r"lacks the unknown token '\[UNK\]'"),
        ("vocab.txt", b"[UNK]\na\n", r"lacks '\[CLS\]', the cls_token"),
        ("vocab.txt", b"[UNK]\n\x80\n", "byte 6 is not UTF-8"),
        ("tokenizer_config.json", b"{", "not valid JSON"),
        ("tokenizer_config.json", b'{"do_lower_case": "false"}', "do_lower_case is 'false'"),
        ("special_tokens_map.json", b"nope", "not valid JSON"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    if name in ("tokenizer_config.json", "special_tokens_map.json"):
        write_vocabulary(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorruptCheckpointError, match=message) as caught:
        Tokenizer.from_folder(tmp_path)
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize("kind", ["BPE", "Unigram", "WordLevel"])
def test_other_kinds_of_tokenizer_are_named(tmp_path: Path, kind: str) -> None:
    write_json(tmp_path, {"model": {"type": kind, "vocab": {"a": 0}}})
    with pytest.raises(UnsupportedModelError, match=f"of kind {kind}"):
        Tokenizer.from_folder(tmp_path)


def test_an_oversized_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "vocab.txt").open("wb") as file:
        file.truncate(2**40)  # sparse: takes no disk
    with pytest.raises(CorruptCheckpointError, match="more than"):
        Tokenizer.from_folder(tmp_path)


@settings(deadline=None)
@given(where=st.integers(0, 4000), junk=st.binary(min_size=1, max_size=8))
def test_any_damage_gives_a_tokenizer_or_a_named_error(
    tmp_path_factory: pytest.TempPathFactory, where: int, junk: bytes
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    content = bytearray(json.dumps(tokenizer_json()).encode())
    start = where % len(content)
    content[start : start + len(junk)] = junk
    (folder / "tokenizer.json").write_bytes(content)
    try:
        Tokenizer.from_folder(folder).ids(["a text"])
    except CheckpointError as error:
        assert "tokenizer.json" in str(error)


def test_the_settings_are_kept(tmp_path: Path) -> None:
    files = read_tokenizer_files(write_vocabulary(tmp_path, model_max_length=77, do_lower_case=True))
    assert files.settings["model_max_length"] == 77
    assert files.source == tmp_path / "vocab.txt"
