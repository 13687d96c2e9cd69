"""What a report says, in all three forms, whatever stands in the texts."""

from __future__ import annotations

import json
import os
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from entailment.errors import DataFileError
from entailment.evaluate.compare import paired_bootstrap
from entailment.evaluate.predict import Predictions
from entailment.evaluate.report import (
    Report,
    Subject,
    Wording,
    check_report_folder,
    groups_of,
    make_report,
    worst_mistakes,
    write_report,
)
from entailment.evaluate.report_html import html
from entailment.evaluate.report_markdown import escape, markdown
from entailment.evaluate.report_tables import tables

CLASSES = ("entailment", "neutral", "contradiction")
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src="http://evil.example/x.png" onerror="alert(2)">',
    "a | b\n| c | [link](http://evil.example) ![x](http://evil.example/y.png)",
    "{curly} & ampersand &lt; `code` $x$ www.evil.example",
    "</table></body><iframe src=//evil.example>",
    "half \ud800 of a pair, and a bell \x07",
)


def predictions(
    gold: list[int],
    probabilities: list[list[float]],
    *,
    groups: tuple[str, ...] = (),
    texts: tuple[tuple[str, ...], ...] = (),
    numbers: tuple[int, ...] = (),
    classes: tuple[str, ...] = CLASSES,
) -> Predictions:
    return Predictions(
        classes=classes,
        gold=np.array(gold, dtype=np.int64),
        probabilities=np.array(probabilities),
        groups=groups,
        texts=texts,
        numbers=numbers or tuple(range(1, len(texts) + 1)),
        seconds=0.5,
    )


def some(**more: tuple[str, ...] | tuple[int, ...] | tuple[tuple[str, ...], ...]) -> Predictions:
    """Five rows, of which the last three are wrong, the fourth most surely."""
    table = [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.5, 0.3, 0.2], [0.05, 0.9, 0.05], [0.5, 0.25, 0.25]]
    return predictions([0, 1, 1, 2, 2], table, **more)  # type: ignore[arg-type]


def hostile_report() -> Report:
    texts = tuple((text, text) for text in HOSTILE)
    found = predictions(
        [0] * len(HOSTILE), [[0.1, 0.8, 0.1]] * len(HOSTILE), texts=texts, groups=HOSTILE, classes=CLASSES
    )
    subject = Subject(
        model=HOSTILE[0],
        data=HOSTILE[1],
        task="nli",
        version="1",
        template=HOSTILE[2],
        other_model=HOSTILE[4],
        group_by=HOSTILE[0],
    )
    wordings = [Wording(text, 0.5, 0.5, 0.1) for text in HOSTILE]
    return make_report(
        subject, found, comparison=paired_bootstrap(found.correct, found.correct), wordings=wordings
    )


class Tags(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attributes)
        if tag not in ("meta", "rect", "line", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "line", "path"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_groups_by_hand() -> None:
    largest, second, third = groups_of(some(groups=("b", "a", "b", "b", "c")))
    assert (largest.name, largest.count, largest.accuracy) == ("b", 3, 1 / 3)
    # Of b: 0 as 0, 1 as 0, 2 as 1.
    assert largest.macro_f1 == pytest.approx((2 / 3 + 0 + 0) / 3)
    assert (second.name, second.accuracy, third.name, third.accuracy) == ("a", 1.0, "c", 0.0)
    assert second.ece == pytest.approx(0.4)
    assert groups_of(some()) == ()


def test_worst_mistakes_by_hand() -> None:
    texts = tuple((f"p{row}", f"h{row}") for row in range(1, 6))
    first, second, third = worst_mistakes(some(texts=texts), most=20)
    assert (first.row, first.texts, first.gold, first.predicted) == (
        4,
        ("p4", "h4"),
        "contradiction",
        "neutral",
    )
    assert first.confidence == 0.9
    assert (second.row, third.row) == (3, 5)  # equally sure: in the order of the file
    assert [each.row for each in worst_mistakes(some(texts=texts), most=2)] == [4, 3]
    assert worst_mistakes(some(), most=20) == ()
    # Of a set that rows were left out of.
    numbered = some(texts=texts, numbers=(1, 2, 5, 8, 9))
    assert [(each.row, each.texts) for each in worst_mistakes(numbered, most=2)] == [
        (8, ("p4", "h4")),
        (5, ("p3", "h3")),
    ]


def test_tables_that_have_nothing_to_say_are_left_out() -> None:
    plain = make_report(Subject("m", "d", "nli", "1"), some())
    assert [table.title for table in tables(plain)] == ["Figures", "Classes", "Confusion", "Reliability"]
    assert [table.title for table in tables(hostile_report())] == [
        "Figures",
        "Comparison",
        "Templates",
        "Classes",
        "Groups",
        "Confusion",
        "Reliability",
        "Worst errors",
    ]


def test_of_many_classes_the_most_frequent_confusions_are_listed() -> None:
    names = tuple(f"label {index}" for index in range(30))
    table = np.full((3, 30), 0.01)
    table[:2, 7], table[2, 4] = 0.7, 0.7
    report = make_report(
        Subject("m", "d", "zero-shot", "1"), predictions([3, 3, 4], table.tolist(), classes=names)
    )
    (confusion,) = (each for each in tables(report) if each.title == "Confusion")
    assert confusion.rows == (("label 3", "label 7", "2"),)


def test_every_table_is_whole() -> None:
    for table in tables(hostile_report()):
        assert {len(row) for row in table.rows} == {len(table.head)}


def test_hostile_texts_are_shown_and_never_interpreted_by_a_browser() -> None:
    page = html(hostile_report())
    tags = Tags(page)
    assert tags.open == []
    assert not tags.tags & {"script", "img", "iframe", "a", "link", "object", "base", "form"}
    assert not tags.attributes & {"src", "href", "onerror", "onload", "action", "srcset"}
    assert "url(" not in page
    assert "default-src 'none'" in page
    for text in HOSTILE[:5]:
        assert " ".join(text.split()) in " ".join(tags.text.split())


def test_hostile_texts_are_shown_and_never_interpreted_as_markdown() -> None:
    lines = markdown(hostile_report()).splitlines()
    rows = [line.replace("\\|", "") for line in lines if line.startswith("|")]
    assert {row.count("|") for row in rows[-len(HOSTILE) :]} == {7}
    assert "<script" not in "".join(lines).replace("\\<", "")
    assert escape("[x](http://e.example) *b* <i> a|b\nc") == (
        "\\[x\\](http\\://e.example) \\*b\\* \\<i\\> a\\|b c"
    )


def test_the_three_files(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "report"
    written = write_report(folder, hostile_report())
    assert [path.name for path in written] == ["report.json", "report.md", "report.html"]
    assert {path.name for path in folder.iterdir()} == {path.name for path in written}
    kept = json.loads(written[0].read_text(encoding="utf-8"))
    assert kept["evaluation"]["count"] == len(HOSTILE)
    assert kept["mistakes"][0]["texts"][0] == HOSTILE[0]
    assert kept["comparison"]["p_value"] == 1.0
    assert len(kept["bins"]) == 15
    write_report(folder, make_report(Subject("m", "d", "nli", "1"), some()))
    assert "alert" not in written[2].read_text(encoding="utf-8")


def test_files_of_others_are_replaced_when_asked_only(tmp_path: Path) -> None:
    report = make_report(Subject("m", "d", "nli", "1"), some())
    theirs = {"report.json": "[]", "report.md": "# mine", "report.html": "<p>mine</p>"}
    for name, text in theirs.items():
        folder = tmp_path / name.replace(".", "-")
        folder.mkdir()
        for content in (text, '{"subject": 1}', "\udcff", "[" * 100_000):
            (folder / name).write_bytes(content.encode("utf-8", "surrogateescape"))
            with pytest.raises(DataFileError, match=f"{name} was not written by"):
                check_report_folder(folder)
            with pytest.raises(DataFileError, match=f"{name} was not written by"):
                write_report(folder, report)
            assert [path.name for path in folder.iterdir()] == [name]
        check_report_folder(folder, force=True)
        write_report(folder, report, force=True)
        check_report_folder(folder)
        write_report(folder, report)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    report = make_report(Subject("m", "d", "nli", "1"), some())
    for folder in (file, file / "below"):
        with pytest.raises(DataFileError, match="not a folder that you may write to"):
            check_report_folder(folder)
        with pytest.raises(DataFileError, match="cannot write the report into"):
            write_report(folder, report)
    check_report_folder(tmp_path / "not" / "yet")
    if os.geteuid() != 0:
        tmp_path.chmod(0o500)
        with pytest.raises(DataFileError):
            check_report_folder(tmp_path / "below")
        tmp_path.chmod(0o700)
