"""The page and the targets, from results that nobody measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.plots import curves, points
from benchmarks.records import RESULTS, read_groups, tables_of, write_group
from benchmarks.report import page, target_line
from benchmarks.settings import ROOT
from benchmarks.targets import TARGETS, Target
from tests.benchmarks import made_up

PAGE = ROOT / "docs" / "benchmarks.md"


@pytest.fixture
def lines() -> dict[str, list[str]]:
    """Cells of the target table by measure."""
    tables = tables_of(made_up.groups())
    found = [target_line(target, tables).strip("| ").split(" | ") for target in TARGETS]
    return {cells[0]: [cell.strip() for cell in cells[1:]] for cells in found}


def cells(lines: dict[str, list[str]], beginning: str) -> list[str]:
    (found,) = [cells for measure, cells in lines.items() if measure.startswith(beginning)]
    return found


@pytest.mark.parametrize(
    ("beginning", "expected"),
    [
        ("zero-shot texts/s", ["15.00x", "25.00x", "25.00x", "50.00x", "aim"]),
        (
            "… against the best float32 peer",
            ["6.00x", "10.00x", "2.00x", "4.00x", "missed"],
        ),  # GLiClass aside
        ("… against the best int8 peer", ["3.50x", "6.00x", "1.50x", "3.00x", "missed"]),
        ("… against GLiClass", ["", "", "1.00x", "2.00x", ""]),
        ("100 labels", ["12.00x", "7.00x", "10.00x", "", "met"]),
        ("single pair, 16 tokens", ["2.50x", "4.00x", "2.50x", "", "met"]),
        ("pair scoring", ["1.50x", "2.20x", "", "", "not measured"]),
        ("share of the measured", ["85%", "95%", "80%", "", "missed"]),
        ("MobileBERT (ours) against transformers' MobileBERT", ["1.40x", "2.30x", "2.00x", "", "met"]),
        ("MobileBERT (ours) against transformers' BERT_BASE", ["4.00x", "5.50x", "6.00x", "", "aim"]),
        ("… one pair of 16", ["3.00x", "5.00x", "", "", "not measured"]),
        ("`entail classify`", ["5.00x", "8.00x", "10.00x", "", "aim"]),
        ("peak memory", ["0.33", "0.20", "0.25", "", "met"]),
    ],
)
def test_a_target(lines: dict[str, list[str]], beginning: str, expected: list[str]) -> None:
    assert cells(lines, beginning)[:5] == expected


def test_only_the_precisions_that_a_target_is_about_decide() -> None:
    found = {"float32": (9.0, "a"), "int8": (1.0, "b")}
    target = Target("m", 2, 3, lambda _, precision: found[precision], precisions=("int8",))
    assert "| 9.00x | 1.00x | missed | b |" in target_line(target, {})


def test_precisions_that_fare_differently_are_both_told() -> None:
    found = {"float32": (1.0, "a"), "int8": (9.0, "b")}
    target = Target("m", 2, 3, lambda _, precision: found[precision])
    assert "| 1.00x | 9.00x | missed in float32, aim in int8 | b |" in target_line(target, {})


def test_the_page_says_what_is_missing_and_what_was_measured() -> None:
    text = page(made_up.groups())
    assert "- without somebody: it is not installed" in text
    assert f"| **{made_up.OURS}** | 4.00 | 3.60 to 5.20 | 250 | 25.00 |" in text
    assert "a processor (avx2), 2 cores, 2 threads, 3 rounds" in text
    assert "0.7500" in text  # accuracy, beside int8


def test_groups_of_different_settings_say_so() -> None:
    groups = made_up.groups()
    groups["shell"] = type(groups["shell"])("shell", made_up.SETTING | {"threads": 1}, groups["shell"].tables)
    assert "- shell: a processor (avx2), 2 cores, 1 thread," in page(groups)


def test_results_survive_their_files(tmp_path: Path) -> None:
    groups = made_up.groups()
    for group in groups.values():
        write_group(group, tmp_path)
    assert page(read_groups(tmp_path)) == page(groups)


def test_a_file_of_an_older_benchmark_is_refused(tmp_path: Path) -> None:
    (tmp_path / "zero_shot.json").write_text(json.dumps({"results": {}}))
    with pytest.raises(ValueError, match=r"zero_shot\.json was written by an older benchmark"):
        read_groups(tmp_path)


def test_plots_have_their_data() -> None:
    tables = tables_of(made_up.groups())
    assert [(row.name, round(x, 6), y) for row, x, y in points(tables)] == [(made_up.OURS, 4.0, 0.75)]
    counts, times = curves(tables)[made_up.OURS]
    assert counts == [1, 100] and times == pytest.approx([2.0, 20.0])


@pytest.mark.skipif(not PAGE.is_file(), reason="docs/benchmarks.md has not been written yet: make bench")
def test_the_page_in_the_repository_is_that_of_the_results() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(read_groups(RESULTS)), "run: python -m benchmarks report"
