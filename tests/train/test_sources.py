"""Rows from files and from folders in the hub's layout: checked, cleaned, drawn, and every loss counted."""

from __future__ import annotations

import builtins
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entailment.errors import DataFileError, InputError, LabelsError, MissingExtraError
from entailment.train.leakage import fingerprint
from entailment.train.repeats import repeats
from entailment.train.source_rows import Row
from entailment.train.sources import Gathered, Source, gather, held_out_texts

NLI = ("entailment", "neutral", "contradiction")
COLUMNS = ("premise", "hypothesis", "label")


def pair(premise: str, hypothesis: str, label: object) -> dict[str, object]:
    return {"premise": premise, "hypothesis": hypothesis, "label": label}


def pairs(count: int) -> list[dict[str, object]]:
    return [pair(f"Dog number {i} runs.", f"Dog {i} moves.", NLI[i % 3]) for i in range(count)]


def written(path: Path, rows: Sequence[Mapping[str, object]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def gathered(*sources: Source, seed: int = 0, **given: Any) -> Gathered:
    return gather(sources, seed=seed, **{"label_names": NLI, "columns": COLUMNS, **given})


# Files


def test_a_file_gives_its_rows_in_order_and_says_what_it_was(tmp_path: Path) -> None:
    name = written(tmp_path / "rows.jsonl", [{**row, "genre": "fiction"} for row in pairs(5)])
    found = gathered(Source(name=name))
    assert found.rows == pairs(5)
    (facts,) = found.facts
    assert (facts.name, facts.split, facts.rows, facts.kept, facts.dropped) == (name, None, 5, 5, {})
    assert facts.revision is not None and facts.revision.startswith("sha256:") and len(facts.revision) == 71
    assert facts.licence is None


def test_other_columns_labels_and_numbers_are_translated(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("sentence1,sentence2,gold\nA dog runs.,A dog moves.,0\nA cat sits.,A cat runs.,2\n")
    columns = {"premise": "sentence1", "hypothesis": "sentence2", "label": "gold"}
    labels = {"0": "entailment", "1": "neutral", "2": "contradiction"}
    found = gathered(Source(name=str(path), columns=columns, labels=labels))
    assert found.rows == [
        pair("A dog runs.", "A dog moves.", "entailment"),
        pair("A cat sits.", "A cat runs.", "contradiction"),
    ]


def test_several_columns_become_a_list_and_optional_ones_are_read_where_named(tmp_path: Path) -> None:
    row = {"start": "He opens", "a": "the door", "b": "the sea", "more": "He comes home.", "label": "0"}
    name = written(tmp_path / "rows.jsonl", [row])
    columns = {"question": "start", "context": "more", "choices": "a, b"}
    source = Source(name=name, columns=columns)
    found = gathered(source, columns=("context", "choices", "label"), label_names=None)
    assert found.rows == [
        {
            "context": "He comes home.",
            "choices": ["the door", "the sea"],
            "label": "0",
            "question": "He opens",
        }
    ]


@pytest.mark.parametrize("label", [-1, "-1", "-", "", None])
def test_an_unlabelled_row_is_dropped_and_counted(tmp_path: Path, label: object) -> None:
    name = written(tmp_path / "rows.jsonl", [*pairs(2), pair("A bird sings.", "It sings.", label)])
    found = gathered(Source(name=name))
    assert found.rows == pairs(2)
    assert found.facts[0].dropped == {"unlabelled": 1}


def test_labels_are_found_whatever_their_case(tmp_path: Path) -> None:
    name = written(
        tmp_path / "rows.jsonl", [pair("A.", "B.", "Not-Entailment"), pair("C.", "D.", "ENTAILMENT")]
    )
    found = gathered(Source(name=name), label_names=("entailment", "not_entailment"))
    assert [row["label"] for row in found.rows] == ["not_entailment", "entailment"]


def test_without_names_labels_stay_as_they_are(tmp_path: Path) -> None:
    name = written(
        tmp_path / "rows.jsonl", [{"text": "Good.", "label": 4.5}, {"text": "Bad.", "label": -1.0}]
    )
    found = gathered(Source(name=name), columns=("text", "label"), label_names=None)
    assert [row["label"] for row in found.rows] == [4.5, -1.0]


def test_lists_of_labels_are_read_one_by_one(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"words": ["Anna", "runs"], "label": ["Per", "O"]},
        {"words": ["Oslo"], "label": [None]},
    ]
    name = written(tmp_path / "rows.jsonl", rows)
    found = gathered(
        Source(name=name, labels={"Per": "B-PER"}), columns=("words", "label"), label_names=("O", "B-PER")
    )
    assert found.rows == [{"words": ["Anna", "runs"], "label": ["B-PER", "O"]}]
    assert found.facts[0].dropped == {"unlabelled": 1}


def test_an_empty_text_is_dropped_and_counted(tmp_path: Path) -> None:
    name = written(tmp_path / "rows.jsonl", [*pairs(2), pair("A dog.", "  ", "neutral")])
    assert gathered(Source(name=name)).facts[0].dropped == {"empty text": 1}


@pytest.mark.parametrize(
    ("rows", "given", "error", "says"),
    [
        ([pair("A.", "B.", 0)], {}, LabelsError, r"row 1 has the label 0, and data sets disagree"),
        ([pair("A.", "B.", "yes")], {}, LabelsError, r"'yes', which is none of 'entailment', 'neutral'"),
        ([pair("A.", "B.", "neutral")], {"labels": {"yes": "entailed"}}, LabelsError, "did you mean 'entail"),
        (
            [pair("A.", "B.", "neutral")],
            {"columns": {"premise": "first"}},
            DataFileError,
            "no column 'first'",
        ),
        (
            [{"premise": 3, "hypothesis": "B.", "label": "neutral"}],
            {},
            DataFileError,
            "row 1: the premise is",
        ),
        ([pair("A.", "B.", "-")], {}, DataFileError, "no row is left"),
        ([], {}, DataFileError, "holds no rows"),
        ([pair("A.", "B.", "neutral")], {"split": "train"}, DataFileError, "has no split 'train'"),
    ],
)
def test_what_cannot_be_used_is_refused(
    tmp_path: Path, rows: list[Any], given: dict[str, Any], error: type[Exception], says: str
) -> None:
    name = written(tmp_path / "rows.jsonl", rows)
    with pytest.raises(error, match=says):
        gathered(Source(name=name, **given))


@pytest.mark.parametrize("given", [{"weight": 0.0}, {"weight": 1.5}, {"limit": 0}, {"name": " "}])
def test_a_source_out_of_range_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Source(**{"name": "rows.csv", **given})


def test_no_sources_are_refused() -> None:
    with pytest.raises(DataFileError, match="no sources"):
        gathered()


# Repeats


def test_a_repeated_pair_is_learnt_once_across_sources(tmp_path: Path) -> None:
    first = written(tmp_path / "first.jsonl", [*pairs(3), pairs(3)[1]])
    second = written(tmp_path / "second.jsonl", pairs(5))
    found = gathered(Source(name=first), Source(name=second))
    assert found.rows == pairs(5)
    assert [facts.dropped for facts in found.facts] == [{"duplicate": 1}, {"duplicate": 3}]


def test_a_pair_with_two_labels_goes_altogether(tmp_path: Path) -> None:
    other = {**pairs(1)[0], "label": "contradiction"}
    first = written(tmp_path / "first.jsonl", [*pairs(2), pairs(1)[0]])
    second = written(tmp_path / "second.jsonl", [other])
    found = gathered(Source(name=first), Source(name=second))
    assert found.rows == pairs(2)[1:]
    assert [facts.dropped for facts in found.facts] == [{"two labels": 2}, {"two labels": 1}]


ROWS = st.lists(st.fixed_dictionaries({"text": st.sampled_from("abc"), "label": st.sampled_from("xy")}))


@given(st.lists(ROWS))
def test_what_is_left_has_every_text_once_and_with_its_only_label(sources: list[list[Row]]) -> None:
    found = repeats(sources, {"label"})
    left = [
        row
        for rows, each in zip(sources, found, strict=True)
        for place, row in enumerate(rows)
        if place not in {*each.contradicted, *each.duplicates}
    ]
    labels_of: dict[object, set[object]] = {}
    for row in (row for rows in sources for row in rows):
        labels_of.setdefault(row["text"], set()).add(row["label"])
    sure = {text: labels for text, labels in labels_of.items() if len(labels) == 1}
    assert {row["text"]: {row["label"]} for row in left} == sure
    assert len(left) == len(sure)


# Draws


def test_every_row_is_kept_or_counted_and_the_draw_is_seeded(tmp_path: Path) -> None:
    rows = [*pairs(100), *pairs(3), pair("A.", "B.", "-")]
    source = Source(name=written(tmp_path / "rows.jsonl", rows), weight=0.3)
    found = gathered(source, seed=1)
    (facts,) = found.facts
    assert (facts.rows, facts.kept) == (104, 30)
    assert facts.kept + sum(facts.dropped.values()) == facts.rows
    assert facts.dropped == {"duplicate": 3, "unlabelled": 1, "not drawn": 70}
    assert found.rows == gathered(source, seed=1).rows
    assert found.rows != gathered(source, seed=2).rows
    assert found.rows == sorted(found.rows, key=lambda row: pairs(100).index(dict(row)))


def test_what_is_drawn_of_a_source_does_not_depend_on_the_others(tmp_path: Path) -> None:
    first = Source(name=written(tmp_path / "first.jsonl", pairs(50)), limit=7)
    other = Source(name=written(tmp_path / "other.jsonl", [pair("A.", "B.", "neutral")]))
    alone = gathered(first).rows
    assert len(alone) == 7
    assert gathered(other, first).rows[1:] == alone


def test_what_is_drawn_does_not_depend_on_where_a_file_lies(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    here, there = (
        gathered(Source(name=written(folder / "rows.jsonl", pairs(50)), weight=0.1)).rows
        for folder in (tmp_path, tmp_path / "elsewhere")
    )
    assert here == there and len(here) == 5


def test_of_a_small_source_one_row_is_drawn_at_least(tmp_path: Path) -> None:
    source = Source(name=written(tmp_path / "rows.jsonl", pairs(3)), weight=0.01)
    assert len(gathered(source).rows) == 1


def test_a_limit_beyond_the_rows_takes_all(tmp_path: Path) -> None:
    assert gathered(Source(name=written(tmp_path / "rows.jsonl", pairs(4)), limit=9)).rows == pairs(4)


# Leakage


def test_a_premise_of_an_evaluation_set_is_refused_with_count_and_examples(tmp_path: Path) -> None:
    source = Source(name=written(tmp_path / "rows.jsonl", pairs(6)))
    held_out = [pair("DOG number 4, runs!", "Something else.", "neutral")]
    with pytest.raises(DataFileError, match=r"1 of 6 rows of .* a premise that .* 'Dog number 4 runs\.'"):
        gathered(source, held_out=held_out)
    found = gathered(source, held_out=held_out, drop_leaks=True)
    assert [row["premise"] for row in found.rows] == [
        row["premise"] for row in pairs(6) if row != pairs(6)[4]
    ]
    assert found.facts[0].dropped == {"in evaluation set": 1}


def test_all_texts_of_an_evaluation_set_are_held_out(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"first": "A dog.", "gold": "yes"},
        {"first": "A dog.", "gold": "no"},
        {"first": None, "gold": "-"},
    ]
    source = Source(
        name=written(tmp_path / "rows.jsonl", rows),
        columns={"premise": "first", "label": "gold"},
        weight=0.5,
        limit=1,
    )
    assert [row["premise"] for row in held_out_texts([source], "premise")] == ["A dog.", "A dog.", None]


def test_several_columns_of_an_evaluation_set_are_one_text(tmp_path: Path) -> None:
    rows = [{"a": "A dog", "b": "runs."}]
    source = Source(name=written(tmp_path / "rows.jsonl", rows), columns={"premise": "a, b"})
    assert held_out_texts([source], "premise") == [{"premise": ["A dog", "runs."]}]


def test_a_text_that_is_missing_is_no_leak(tmp_path: Path) -> None:
    source = Source(name=written(tmp_path / "rows.jsonl", [pair("None.", "B.", "neutral")]))
    assert len(gathered(source, held_out=[{"premise": None}]).rows) == 1


def test_held_out_rows_without_the_text_are_refused(tmp_path: Path) -> None:
    source = Source(name=written(tmp_path / "rows.jsonl", pairs(2)))
    with pytest.raises(DataFileError, match="held-out set has no column 'premise'"):
        gathered(source, held_out=[{"text": "A."}])


def test_texts_without_letters_are_no_leak(tmp_path: Path) -> None:
    source = Source(name=written(tmp_path / "rows.jsonl", [pair("...", "It is silent.", "neutral")]))
    assert len(gathered(source, held_out=[pair("!?", "B.", "neutral")]).rows) == 1


@given(st.text())
def test_fingerprints_ignore_case_and_marks(text: str) -> None:
    assert fingerprint(f" {text}! ") == fingerprint(text) == fingerprint([text, "-"])


# Folders in the hub's layout


@pytest.fixture
def hub_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data set as the hub keeps one: two configurations, class names in the metadata of README.md."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    folder = tmp_path / "sets"
    names = datasets.ClassLabel(names=["contradiction", "neutral", "entailment"])
    text = datasets.Value("string")
    nli = datasets.Features({"sentence1": text, "sentence2": text, "label": names})
    several = datasets.Features({"text": text, "labels": datasets.Sequence(names)})
    tables: dict[str, tuple[Any, dict[str, list[tuple[object, ...]]]]] = {
        "nli": (nli, {"train": [("A dog runs.", "A dog moves.", 2), ("It rains.", "It is hot.", -1)]}),
        "several": (several, {"train": [("Fine.", [2, 1])], "test": [("Bad.", [])]}),
    }
    described: dict[str, list[Any]] = {"configs": [], "dataset_info": []}
    for configuration, (features, splits) in tables.items():
        for split, rows in splits.items():
            columns = dict(zip(features, map(list, zip(*rows, strict=True)), strict=True))
            path = folder / configuration / f"{split}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            datasets.Dataset.from_dict(columns, features=features).to_parquet(str(path))
        files = [{"split": split, "path": f"{configuration}/{split}.parquet"} for split in splits]
        described["configs"].append({"config_name": configuration, "data_files": files})
        described["dataset_info"].append({"config_name": configuration, "features": features._to_yaml_list()})
    card = json.dumps({"license": "cc-by-4.0", **described})
    (folder / "README.md").write_text(f"---\n{card}\n---\n# A set of our own\n", encoding="utf-8")
    yield folder
    datasets.enable_progress_bars()


def test_a_folder_gives_rows_by_the_class_names_of_its_own(hub_folder: Path) -> None:
    name = f"{hub_folder}:nli"
    columns = {"premise": "sentence1", "hypothesis": "sentence2"}
    found = gathered(Source(name=name, split="train", columns=columns))
    # 2 is entailment here: what a number means, the data set says.
    assert found.rows == [pair("A dog runs.", "A dog moves.", "entailment")]
    (facts,) = found.facts
    assert (facts.split, facts.rows, facts.dropped, facts.licence) == (
        "train",
        2,
        {"unlabelled": 1},
        "cc-by-4.0",
    )


def test_the_only_split_needs_no_name_and_one_of_several_does(hub_folder: Path) -> None:
    columns = {"premise": "sentence1", "hypothesis": "sentence2"}
    assert gathered(Source(name=f"{hub_folder}:nli", columns=columns)).facts[0].split == "train"
    with pytest.raises(DataFileError, match="has the splits train, test: say which"):
        gathered(Source(name=f"{hub_folder}:several"))


def test_lists_of_classes_become_names_and_none_is_a_list_too(hub_folder: Path) -> None:
    sources = [
        Source(name=f"{hub_folder}:several", split=split, columns={"label": "labels"})
        for split in ("train", "test")
    ]
    found = gathered(*sources, columns=("text", "label"))
    assert found.rows == [
        {"text": "Fine.", "label": ["entailment", "neutral"]},
        {"text": "Bad.", "label": []},
    ]


@pytest.mark.parametrize(
    ("labels", "label_names", "says"),
    [
        ({"entails": "entailment"}, NLI, "maps 'entails', but its classes are .*; did you mean 'entailment'"),
        ({}, ("entailment", "neutral"), "class 0, has the label 'contradiction', which is none of"),
    ],
)
def test_a_label_map_that_does_not_fit_the_classes_is_refused(
    hub_folder: Path, labels: dict[str, str], label_names: tuple[str, ...], says: str
) -> None:
    columns = {"premise": "sentence1", "hypothesis": "sentence2"}
    source = Source(name=f"{hub_folder}:nli", split="train", columns=columns, labels=labels)
    with pytest.raises(LabelsError, match=says):
        gathered(source, label_names=label_names)


def test_classes_can_be_put_together(hub_folder: Path) -> None:
    source = Source(
        name=f"{hub_folder}:nli",
        split="train",
        columns={"premise": "sentence1", "hypothesis": "sentence2"},
        labels={"neutral": "not_entailment", "contradiction": "not_entailment"},
    )
    found = gathered(source, label_names=("entailment", "not_entailment"))
    assert Counter(row["label"] for row in found.rows) == {"entailment": 1}


@pytest.mark.parametrize(("tail", "split"), [(":nli", "dev"), (":other", "train"), ("/nowhere", "train")])
def test_a_split_configuration_or_folder_that_is_not_there_is_refused(
    hub_folder: Path, tail: str, split: str
) -> None:
    with pytest.raises(DataFileError, match="cannot read split"):
        gathered(Source(name=f"{hub_folder}{tail}", split=split))


def test_a_hub_name_hands_on_configuration_and_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    commit = "0123456789abcdef0123456789abcdef01234567"
    asked: list[tuple[object, ...]] = []

    def stand_in(path: str, name: str | None, *, split: str, revision: str | None) -> Any:
        asked.append((path, name, split, revision))
        found = datasets.Dataset.from_dict({"premise": ["A."], "hypothesis": ["B."], "label": ["neutral"]})
        found.info.license = "mit"
        found.info.download_checksums = {f"hf://datasets/{path}@{commit}/mnli/train.parquet": {}}
        return found

    monkeypatch.setattr(datasets, "load_dataset", stand_in)
    (facts,) = gathered(Source(name="nyu-mll/glue:mnli", split="train")).facts
    assert (facts.revision, facts.licence) == (commit, "mit")
    assert gathered(Source(name="nyu-mll/multi_nli@v1", split="train")).facts[0].revision == "v1"
    assert asked == [("nyu-mll/glue", "mnli", "train", None), ("nyu-mll/multi_nli", None, "train", "v1")]


def test_without_datasets_a_hub_name_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "datasets":
            raise ModuleNotFoundError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"nyu-mll/glue:mnli .*entailment\[train\]"):
        gathered(Source(name="nyu-mll/glue:mnli", split="train"))
