"""What a call does not have is refused, and says what there is instead."""

from __future__ import annotations

import pytest

from entailment.checkpoint.arguments import INSTEAD, refuse_unknown
from entailment.errors import InputError

KNOWN = ("branch", "cache_dir")


def test_known_arguments_pass() -> None:
    refuse_unknown({"branch": "v1", "cache_dir": None}, KNOWN, "open")
    refuse_unknown({}, (), "open")


def test_a_slip_of_the_pen_is_shown_what_there_is() -> None:
    for value in ("v1", None, False):
        with pytest.raises(InputError) as error:
            refuse_unknown({"brunch": value}, KNOWN, "open")
        assert str(error.value) == "open has no argument 'brunch'; it has branch, cache_dir"


@pytest.mark.parametrize("name", INSTEAD)
def test_an_argument_of_the_reference_is_told_what_to_do(name: str) -> None:
    with pytest.raises(InputError) as error:
        refuse_unknown({name: name != "safe_serialization"}, KNOWN, "open")
    assert str(error.value) == f"open has no argument {name}: {INSTEAD[name]}"
    refuse_unknown({name: None}, KNOWN, "open")
    refuse_unknown({name: True}, (name,), "open")


def test_none_and_false_ask_for_nothing() -> None:
    refuse_unknown({"trust_remote_code": False, "from_tf": False, "device_map": None}, KNOWN, "open")
    for name in ("use_safetensors", "do_basic_tokenize"):
        with pytest.raises(InputError, match=name):
            refuse_unknown({name: False}, KNOWN, "open")


def test_what_is_done_anyhow_may_be_asked_for() -> None:
    refuse_unknown({"safe_serialization": True, "push_to_hub": False}, KNOWN, "save")
    refuse_unknown({"max_shard_size": "10GB"}, KNOWN, "save")
    for wish in ({"safe_serialization": False}, {"max_shard_size": "200MB"}):
        with pytest.raises(InputError, match="save has no argument"):
            refuse_unknown(wish, KNOWN, "save")
