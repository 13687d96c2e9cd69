"""Special tokens asked for in a constructor, set by attribute, added, replaced and skipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken

from entailment.errors import InputError
from entailment.text.hub_tokenizers import BertTokenizer, BertTokenizerFast
from entailment.text.special_tokens import ExtraTokens, RoleId, RoleToken

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "blue", "sky", "<", ">", "x"]
VOCABULARY = {token: index for index, token in enumerate(TOKENS)}
PAD, UNK, CLS, SEP, MASK, RED, BLUE = range(7)
NEW = len(TOKENS)
NEW_MASK = "<mask>"
EOS = "<e>"
BOTH = pytest.mark.parametrize("cls", [BertTokenizer, BertTokenizerFast])


@BOTH
def test_constructors_add_the_special_tokens_they_are_given(cls: Any, tmp_path: Path) -> None:
    extra = cls(VOCABULARY, additional_special_tokens=[AddedToken("<x>")])
    assert extra("red <x> blue")["input_ids"] == [CLS, RED, NEW, BLUE, SEP]
    assert (len(extra), extra.additional_special_tokens, extra.all_special_ids[-1]) == (NEW + 1, ["<x>"], NEW)
    extra.save_pretrained(tmp_path)
    assert cls.from_pretrained(tmp_path)("red <x> blue").data == extra("red <x> blue").data
    masked = cls(VOCABULARY, mask_token=NEW_MASK)
    assert masked("<mask>")["input_ids"] == [CLS, masked.mask_token_id, SEP] == [CLS, NEW, SEP]
    assert len(cls(VOCABULARY, additional_special_tokens=["sky"])) == NEW
    both = cls({"[UNK]": 0, "red": 1}, mask_token=NEW_MASK)
    assert (both.sep_token_id, both.pad_token_id, both.cls_token_id, both.mask_token_id) == (2, 3, 4, 5)
    assert len(cls({"[UNK]": 0, "red": 1})) == 2
    for bad in ("<x>", 3, ["<x>", None], [""]):
        with pytest.raises(InputError, match="additional_special_tokens is"):
            cls(VOCABULARY, additional_special_tokens=bad)
    with pytest.raises(InputError, match="pad_token is None; expected a token"):
        cls(VOCABULARY, pad_token=None)


def test_a_tokenizer_file_gets_the_special_tokens_given_with_it(tmp_path: Path) -> None:
    BertTokenizerFast(VOCABULARY).save_pretrained(tmp_path)
    file = tmp_path / "tokenizer.json"
    opened = BertTokenizerFast(tokenizer_file=file, mask_token=NEW_MASK, additional_special_tokens=["<x>"])
    assert opened("<mask> <x>")["input_ids"] == [CLS, NEW, NEW + 1, SEP]


@BOTH
def test_special_tokens_are_set_by_attribute(cls: Any) -> None:
    tokenizer = cls(VOCABULARY)
    tokenizer.pad_token = TOKENS[7]
    assert (tokenizer.pad_token, tokenizer.pad_token_id, len(tokenizer)) == ("sky", 7, NEW)
    assert tokenizer(["red", "red blue"], padding=True)["input_ids"][0] == [CLS, RED, SEP, 7]
    tokenizer.mask_token = AddedToken("<mask>")
    assert tokenizer("<mask>")["input_ids"] == [CLS, NEW, SEP]
    tokenizer.sep_token_id = BLUE
    assert (tokenizer.sep_token, tokenizer("red")["input_ids"]) == ("blue", [CLS, RED, BLUE])
    tokenizer.extra_special_tokens = ["<x>"]
    assert tokenizer("<x>")["input_ids"] == [CLS, NEW + 1, BLUE]
    tokenizer.additional_special_tokens = []
    assert tokenizer.all_special_tokens == ["[UNK]", "blue", "sky", "[CLS]", "<mask>"]
    before = tokenizer.files
    for name, value, message in (
        ("pad_token", None, "pad_token is None; expected a token"),
        ("pad_token_id", 99, "99 is no id"),
        ("unk_token", "<u>", "must be a token of the vocabulary"),
        ("extra_special_tokens", "<x>", "expected a list of tokens"),
    ):
        with pytest.raises(InputError, match=message):
            setattr(tokenizer, name, value)
    assert tokenizer.files is before


@BOTH
def test_tokens_of_decoders_may_be_set(cls: Any, tmp_path: Path) -> None:
    plain = cls(VOCABULARY)
    assert (plain.bos_token, plain.eos_token, plain.bos_token_id, plain.eos_token_id) == (None,) * 4
    assert "eos_token" not in plain.special_tokens_map
    plain.save_pretrained(tmp_path)
    plain.bos_token, plain.eos_token = TOKENS[2], EOS
    assert (plain.bos_token_id, plain.eos_token_id, len(plain)) == (CLS, NEW, NEW + 1)
    opened = cls.from_pretrained(tmp_path, eos_token=EOS)
    opened.save_pretrained(tmp_path)
    for each in (opened, cls.from_pretrained(tmp_path), cls(VOCABULARY, eos_token=EOS)):
        assert (each.bos_token, each.eos_token, each.eos_token_id, len(each)) == (None, "<e>", NEW, NEW + 1)
        assert each.all_special_tokens == ["<e>", "[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"]
        assert [*each.special_tokens_map][:2] == ["eos_token", "unk_token"]
        assert each("red <e>")["input_ids"] == [CLS, RED, NEW, SEP]


@BOTH
def test_an_added_token_keeps_its_flags(cls: Any, tmp_path: Path) -> None:
    def told(**flags: bool) -> AddedToken:
        return AddedToken("<m>", lstrip=True, single_word=True, **flags)

    added, attribute, further = cls(VOCABULARY), cls(VOCABULARY), cls(VOCABULARY)
    added.add_special_tokens({"mask_token": told()})
    attribute.mask_token = told()
    given = told()
    further.add_tokens([given], special_tokens=True)
    assert not given.special  # the caller's own is left as it was
    extra = cls(VOCABULARY, additional_special_tokens=[told()])
    made = cls(VOCABULARY, mask_token=told())
    made.save_pretrained(tmp_path / "made")
    cls(VOCABULARY).save_pretrained(tmp_path)
    opened = cls.from_pretrained(tmp_path, mask_token=told())
    again = cls.from_pretrained(tmp_path / "made")
    for each in (added, attribute, further, extra, made, opened, again):
        token = each.added_tokens_decoder[NEW]
        assert (token.special, token.lstrip, token.single_word, token.rstrip) == (True, True, True, False)
        assert not token.normalized
        assert each.tokenize("red <m> x<m> <M>")[:3] == ["red", "<m>", "x"]
        assert each.encode("red <m> x<m> <M>").count(NEW) == 1
    written = cls(VOCABULARY, mask_token=told(normalized=True))
    assert written.encode("red <m> x<m> <M>").count(NEW) == 2
    known = cls(VOCABULARY, mask_token=AddedToken("[MASK]", lstrip=True))
    assert (known.added_tokens_decoder[MASK].lstrip, len(known)) == (True, NEW)


@BOTH
def test_further_members(cls: Any) -> None:
    tokenizer = cls(VOCABULARY, additional_special_tokens=["<x>", "sky"])
    assert tokenizer.additional_special_tokens_ids == tokenizer.extra_special_tokens_ids == [NEW, 7]
    assert tokenizer.clean_up_tokenization("do n't , i 'm .") == "don't, i'm."


def test_the_attributes_explain_themselves() -> None:
    named: list[Any] = [
        BertTokenizer.pad_token,
        BertTokenizer.pad_token_id,
        BertTokenizer.extra_special_tokens,
    ]
    assert [*map(type, named)] == [RoleToken, RoleId, ExtraTokens]
    assert all(attribute.__doc__ for attribute in named)


@BOTH
def test_further_special_tokens_replace_those_before(cls: Any) -> None:
    tokenizer = cls(VOCABULARY)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<a>"]})
    assert tokenizer.add_special_tokens({"extra_special_tokens": ["<b>"]}) == 1
    assert tokenizer.extra_special_tokens == ["<b>"]
    assert tokenizer("<a>")["input_ids"] == [CLS, NEW, SEP]
    more: dict[str, Any] = {"extra_special_tokens": ["<c>", "<b>"]}
    tokenizer.add_special_tokens(more, replace_extra_special_tokens=False)
    assert tokenizer.extra_special_tokens == ["<b>", "<c>"]
    tokenizer.add_special_tokens({"pad_token": "sky"})
    assert tokenizer.extra_special_tokens == ["<b>", "<c>"]
    with pytest.raises(InputError, match="additional_special_tokens is '<d>'; expected a list of tokens"):
        tokenizer.add_special_tokens({"additional_special_tokens": "<d>"})


@BOTH
def test_tokens_added_as_special_are_skipped(cls: Any) -> None:
    tokenizer = cls(VOCABULARY)
    tokenizer.add_tokens(["<x>"], special_tokens=True)
    tokenizer.add_tokens(["<y>"])
    row = tokenizer("red <x> <y> blue")["input_ids"]
    assert tokenizer.decode(row, skip_special_tokens=True) == "red <y> blue"
    assert tokenizer.batch_decode([row], skip_special_tokens=True) == ["red <y> blue"]
    assert tokenizer.decode(row) == "[CLS] red <x> <y> blue [SEP]"
    assert tokenizer.decode(NEW, skip_special_tokens=True) == ""


@BOTH
def test_a_token_never_gets_the_id_of_another(cls: Any, tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_text("".join(f"{token}\n" for token in [*TOKENS, "red"]))
    tokenizer = cls(path)
    before = tokenizer.files
    with pytest.raises(InputError, match=rf"'<x>' would get id {NEW}, which 'red' has, .*a line twice"):
        tokenizer.add_tokens(["<x>"])
    assert tokenizer.files is before
    assert tokenizer.add_tokens(["blue"]) == 0
    gap = cls({"[UNK]": 0, "red": 3})
    assert gap.add_tokens(["<x>"]) == 1
    with pytest.raises(InputError, match="'<y>' would get id 3, which 'red' has"):
        gap.add_tokens(["<y>"])
