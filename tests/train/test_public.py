"""What training.json calls files and folders: nobody learns from it where they lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from entailment.evaluate.cards.metadata import is_hub_name
from entailment.train.public import public_name, public_start


def test_of_a_file_or_folder_the_last_part_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret" / "set").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    for name, expected in (
        ("/home/anna/train.csv", "train.csv"),
        ("../anna/train.JSONL", "train.JSONL"),
        ("secret/set", "./set"),
        ("secret/set:plain", "./set:plain"),
        ("/home/anna/set/", "./set"),
        ("~/set", "./set"),
        ("secret/..", f"./{tmp_path.name}"),
    ):
        assert public_name(name) == expected
        assert not is_hub_name(expected)


@pytest.mark.parametrize("name", ["nyu-mll/glue:mnli", "google/mobilebert-uncased@main", "bert-base"])
def test_names_of_the_hub_stay(name: str) -> None:
    assert public_name(name) == public_start(name) == name


def test_the_words_for_a_start_are_no_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("random").mkdir()
    assert public_start("random") == "random"
    assert public_start("./random") == "./random"
