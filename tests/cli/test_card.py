"""`entail card`: from a trained folder to its README.md."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli import pair_files
from tests.cli.conftest import Entail
from tests.evaluate.card_files import hub_reads, report, results_of, spoil, trained, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return trained(tmp_path / "model")


def test_what_is_stated_and_what_is_recorded(entail: Entail, folder: Path, tmp_path: Path) -> None:
    one, two = (report(tmp_path / f"{name}.json", data=f"{name}.csv") for name in ("one", "two"))
    found = entail(
        *("card", folder, "--evaluation", one, "--evaluation", two),
        *("--name", "org/tiny", "--license", "mit", "--language", "en", "--language", "de"),
    )
    assert (found.code, found.out) == (0, "")
    assert found.err == f"entail: note: written: {folder / 'README.md'}\n"
    text = (folder / "README.md").read_text("utf-8")
    assert (hub_reads(text).license, hub_reads(text).language) == ("mit", ["en", "de"])
    assert {each.dataset_name for each in results_of(text)} == {"one", "two"}
    assert 'NLI("org/tiny")' in text
    assert entail("info", folder, "--json").json["licence"] == "mit"


def test_what_evaluate_writes_is_what_card_reads(entail: Entail, folder: Path, tmp_path: Path) -> None:
    rows = tmp_path / "pairs.jsonl"
    rows.write_text('{"premise": "a man eats", "hypothesis": "a man sleeps", "label": "neutral"}\n', "utf-8")
    assert entail("evaluate", folder, "--data", rows, "--report", tmp_path / "report").code == 0
    printed = tmp_path / "printed.json"
    printed.write_text(entail("evaluate", folder, "--data", rows, "--json").out, "utf-8")
    cards = set()
    for file in (tmp_path / "report" / "report.json", printed):
        assert entail("card", folder, "--evaluation", file).code == 0
        cards.add((folder / "README.md").read_text("utf-8"))
    assert len(cards) == 1
    assert {each.dataset_name for each in results_of(cards.pop())} == {"pairs"}


def test_what_was_measured_in_int8_is_no_result_of_a_card(
    entail: Entail, tmp_path: Path, folder: Path
) -> None:
    data = pair_files.write(tmp_path / "pairs.jsonl", pair_files.rows(400, 0))
    assert entail("quantize", folder, "--data", data).code == 0
    line = ("evaluate", folder, "--data", data, "--limit", 9, "--precision", "int8", "--json")
    printed = tmp_path / "printed.json"
    printed.write_text(entail(*line, "--report", tmp_path / "report").out, "utf-8")
    assert "Measured with entailment" in (said := (tmp_path / "report" / "report.md").read_text("utf-8"))
    assert ", in int8." in said
    for file in (tmp_path / "report" / "report.json", printed):
        found = entail("card", folder, "--evaluation", file)
        assert found.code == 2
        assert f"{file} was measured in int8, and a card says what a model does in float32" in found.error
    assert not (folder / "README.md").exists()


def test_what_was_measured_before_calibration_is_no_result_after_it(
    entail: Entail, tmp_path: Path, folder: Path
) -> None:
    data = pair_files.write(tmp_path / "pairs.jsonl", pair_files.rows(20, 0))
    measure = ("evaluate", folder, "--data", data, "--report", tmp_path / "report")
    card = ("card", folder, "--evaluation", tmp_path / "report" / "report.json")
    assert (entail(*measure).code, entail(*card).code) == (0, 0)
    before = (folder / "README.md").read_text("utf-8")
    assert entail("calibrate", folder, "--data", data).code == 0
    for line in (card, ("card", folder), ("card", folder, "--force")):
        found = entail(*line)
        assert found.code == 2
        assert f"the result on pairs was measured with no calibration, and {folder} has one" in found.error
    assert (folder / "README.md").read_text("utf-8") == before
    assert (entail(*measure).code, entail(*card).code) == (0, 0)
    assert entail("card", folder).code == 0
    assert (folder / "README.md").read_text("utf-8") != before
    assert entail("calibrate", folder, "--data", data, "--bias").code == 0
    assert f"with another calibration than {folder} has" in entail("card", folder).error


@pytest.mark.parametrize("command", ["calibrate", "quantize"])
def test_a_copy_has_the_card_that_its_source_had(
    entail: Entail, tmp_path: Path, folder: Path, command: str
) -> None:
    data = pair_files.write(tmp_path / "pairs.jsonl", pair_files.rows(400, 0))
    texts = tmp_path / "texts.csv"
    texts.write_text("text,label\nthe team won,sports\nsoup and bread,food\n", "utf-8")
    assert entail("evaluate", folder, "--data", data, "--report", tmp_path / "report").code == 0
    stated = ("--name", "org/tiny", "--license", "mit")
    assert entail("card", folder, "--evaluation", tmp_path / "report" / "report.json", *stated).code == 0
    # A calibration for texts leaves what was measured on pairs as it is.
    rows = texts if command == "calibrate" else data
    assert entail(command, folder, "--data", rows, "--out", tmp_path / "copy").code == 0
    assert entail("card", tmp_path / "copy", "--name", "org/tiny").err.count("\n") == 1
    copied = (tmp_path / "copy" / "README.md").read_text("utf-8")
    source = (folder / "README.md").read_text("utf-8")
    assert copied.split("\n---\n")[0] == source.split("\n---\n")[0]
    assert set(source.splitlines()) < set(copied.splitlines())


def test_what_a_new_card_has_lost_is_noted(entail: Entail, folder: Path, tmp_path: Path) -> None:
    one, two = (report(tmp_path / f"{name}.json", data=f"{name}.csv") for name in ("one", "two"))
    assert entail("card", folder, "--evaluation", one).code == 0
    written = f"entail: note: written: {folder / 'README.md'}\n"
    assert entail("card", folder).err == written
    found = entail("card", folder, "--evaluation", two)
    assert (found.code, found.err.endswith(written)) == (0, True)
    assert f"{folder / 'README.md'} no longer states results on one: no file" in found.err
    (folder / "results.json").unlink()
    (folder / "training.json").unlink()
    assert "no longer states base_model, datasets, results on two" in entail("card", folder).err


def test_a_report_about_another_model_is_noted(entail: Entail, folder: Path, tmp_path: Path) -> None:
    found = entail("card", folder, "--evaluation", report(tmp_path / "r.json", model="org/another"))
    assert found.code == 0
    assert "measured org/another, and this is model" in found.err


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (("--name", "tiny"), "'tiny' does not say whose model it will be: write it as 'org/tiny'"),
        (("--name", "http://x/y"), "'http://x/y' is neither a folder nor a hub name"),
        (("--name", ""), "is neither a folder nor a hub name"),
        (("--license", "MIT License"), "the licence is 'MIT License'; state its identifier on the hub"),
        (("--license", "mit\ntags: x"), "the licence is 'mit\\ntags: x'"),
        (("--license", ""), "the licence is ''"),
        (("--language", "en", "--language", "english"), "a language is 'english'; state its ISO 639 code"),
        (("--language", "EN"), "a language is 'EN'"),
    ],
)
def test_what_is_stated_is_checked(
    entail: Entail, folder: Path, stated: tuple[str, ...], message: str
) -> None:
    found = entail("card", folder, *stated)
    assert found.code == 2
    assert message in found.error
    assert not (folder / "README.md").exists()


def test_what_an_earlier_card_states_is_checked_as_well(entail: Entail, folder: Path) -> None:
    assert entail("card", folder, "--license", "mit").code == 0
    path = folder / "README.md"
    path.write_text(path.read_text("utf-8").replace("license: mit", "license: Any"), "utf-8")
    assert "the licence is 'Any'" in entail("card", folder).error
    assert entail("card", folder, "--license", "mit").code == 0


def test_weights_that_are_no_numbers_get_no_card(entail: Entail, folder: Path) -> None:
    spoil(folder)
    assert "holds NaN or infinity" in entail("card", folder).error
    assert not (folder / "README.md").exists()


def test_errors_leave_the_folder_as_it_was(entail: Entail, folder: Path, tmp_path: Path) -> None:
    before = sorted(folder.iterdir())
    assert "is no evaluation" in entail("card", folder, "--evaluation", write(tmp_path / "x.json", {})).error
    assert sorted(folder.iterdir()) == before
    (folder / "README.md").write_text("mine", "utf-8")
    assert "--force" in entail("card", folder).error
    assert (folder / "README.md").read_text("utf-8") == "mine"
    assert entail("card", folder, "--force").code == 0
    assert "does not exist" in entail("card", tmp_path / "nowhere").error
    write(folder / "training.json", {"run": 3})
    assert "training.json: run should be an object" in entail("card", folder).error
