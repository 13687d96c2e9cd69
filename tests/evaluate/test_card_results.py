"""results.json: from the files of `entail evaluate`, and what is refused."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tests.evaluate.card_files import MEASURED, report, results_of, trained, write

from entailment.checkpoint.calibration import Calibration, Scaling, write_calibration
from entailment.checkpoint.folder import open_checkpoint
from entailment.errors import CheckpointError, CorruptCheckpointError, DataFileError
from entailment.evaluate.cards.results import read_evaluations, read_results
from entailment.evaluate.cards.write import write_card

SCALING = Scaling(
    temperature=1.25,
    bias={"neutral": -0.5},
    threshold=None,
    data="validation.jsonl",
    rows=2000,
    loss=0.6,
    loss_before=0.65,
    ece=0.01,
    ece_before=0.06,
)


def test_a_report_and_what_json_printed_say_the_same(tmp_path: Path) -> None:
    found = read_evaluations([report(tmp_path / "report.json")], "model")["pairs"]
    printed = read_evaluations([write(tmp_path / "pairs.json", MEASURED)], "model")["pairs"]
    assert found == {**printed, "version": "0.1.0"}
    both = {"subject": {"data": "pairs.jsonl", "version": "0.1.0"}, **MEASURED}
    assert read_evaluations([write(tmp_path / "printed.json", both)], "model")["pairs"] == found
    assert (found["accuracy"], found["ece"], found["task"]) == (0.7123, 0.0321, "nli")


def test_texts_have_their_template_and_the_number_of_their_labels(tmp_path: Path) -> None:
    path = report(tmp_path / "r.json", data="news.parquet", task="zero-shot", template="This is {}.")
    folder = trained(tmp_path / "model")
    text = write_card(folder, evaluations=[path, report(tmp_path / "report.json")]).read_text(
        encoding="utf-8"
    )
    assert "| `news` | 3,000 | 3 | `This is {}.` | 0.7123 | 0.6950 | 0.0321 |" in text
    assert "mean macro F1 **0.6950**" in text
    assert "right least often on" in text
    assert {each.task_type for each in results_of(text)} == {
        "text-classification",
        "zero-shot-classification",
    }


def test_a_suite_is_known_by_its_place_on_the_hub(tmp_path: Path) -> None:
    folder = trained(tmp_path / "model")
    write_card(folder, evaluations=[report(tmp_path / "r.json", data="hans")])
    results = results_of((folder / "README.md").read_text("utf-8"))
    assert {(each.dataset_type, each.dataset_split) for each in results} == {
        ("jhu-cogsci/hans", "validation")
    }
    # A file that is called so is not the suite.
    write_card(folder, evaluations=[report(tmp_path / "r.json", data="hans.jsonl")])
    results = results_of((folder / "README.md").read_text("utf-8"))
    assert {(each.dataset_type, each.dataset_split) for each in results} == {("hans", None)}


def test_evaluations_replace_the_older_ones_and_are_kept(tmp_path: Path) -> None:
    folder = trained(tmp_path / "model")
    write_card(folder, evaluations=[report(tmp_path / "r.json", data="one.csv")])
    text = write_card(folder, evaluations=[report(tmp_path / "r.json", data="two.csv")]).read_text(
        encoding="utf-8"
    )
    assert [result.name for result in read_results(folder)] == ["two"]
    assert write_card(folder).read_text(encoding="utf-8") == text


def test_a_report_about_another_model_is_noted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = report(tmp_path / "report.json", model="runs/another")
    with caplog.at_level(logging.WARNING, logger="entailment"):
        read_evaluations([report(tmp_path / "r.json", model="runs/model")], "model")
        assert caplog.messages == []
        read_evaluations([path], "model")
    assert "runs/another" in caplog.text


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([], "holds a list"),
        ({}, "no result with count"),
        ({**MEASURED, "accuracy": float("nan")}, "accuracy should be a number"),
        ({**MEASURED, "accuracy": "0.9"}, "accuracy should be a number"),
        ({**MEASURED, "count": -1}, "count should be"),
        ({**MEASURED, "accuracy": 71.2}, "no share from 0 to 1"),
        ({**MEASURED, "classes": 3}, "not iterable"),
        ({"subject": {"data": "x"}, "evaluation": []}, "evaluation should be an object"),
    ],
)
def test_what_is_no_evaluation_is_refused_by_name(tmp_path: Path, value: object, says: str) -> None:
    path = write(tmp_path / "bad.json", value)
    with pytest.raises(DataFileError, match=says) as caught:
        read_evaluations([path], "model")
    assert str(path) in str(caught.value)


def test_unreadable_files_and_two_on_the_same_data(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="cannot read"):
        read_evaluations([tmp_path / "none.json"], "model")
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataFileError, match="not valid JSON"):
        read_evaluations([tmp_path / "broken.json"], "model")
    with pytest.raises(DataFileError, match="second evaluation on pairs"):
        read_evaluations([report(tmp_path / "a.json"), report(tmp_path / "b.json")], "model")


def test_damaged_results_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "results.json", {"pairs": {"count": 3}})
    with pytest.raises(CorruptCheckpointError, match=r"results\.json.*measure again"):
        read_results(tmp_path)


def test_a_result_of_other_weights_is_refused(tmp_path: Path) -> None:
    folder, other = (trained(tmp_path / name) for name in ("model", "other"))
    own = open_checkpoint(folder).fingerprint()
    write_card(folder, evaluations=[report(tmp_path / "r.json", weights=own)])
    assert [each.weights for each in read_results(folder)] == [own]
    before = (folder / "results.json").read_bytes()

    spoilt = load_file(other / "model.safetensors")
    spoilt = {name: array + np.float32(0.5) for name, array in spoilt.items()}
    save_file(spoilt, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="the result on pairs was measured with other weights"):
        write_card(folder)
    with pytest.raises(CheckpointError, match="entail evaluate"):
        write_card(folder, evaluations=[tmp_path / "r.json"])
    assert (folder / "results.json").read_bytes() == before
    new = report(tmp_path / "n.json", weights=open_checkpoint(folder).fingerprint())
    assert "| `pairs` | 3,000 |" in write_card(folder, evaluations=[new]).read_text("utf-8")


def test_a_result_of_another_calibration_is_refused(tmp_path: Path) -> None:
    folder = trained(tmp_path / "model")
    own = open_checkpoint(folder).fingerprint()
    used = {"temperature": 1.25, "bias": {"neutral": -0.5}}
    calibrated = report(tmp_path / "c.json", weights=own, calibration=used)
    plain = report(tmp_path / "p.json", weights=own, calibration=None)
    with pytest.raises(CheckpointError, match="the result on pairs was measured with another calibration"):
        write_card(folder, evaluations=[calibrated])
    before = write_card(folder, evaluations=[plain]).read_text("utf-8")
    write_calibration(folder, Calibration(pairs=SCALING), own)
    with pytest.raises(CheckpointError, match="the result on pairs was measured with no calibration"):
        write_card(folder)
    after = write_card(folder, evaluations=[calibrated]).read_text("utf-8")
    assert [each.calibration for each in read_results(folder)] == [used]
    assert write_card(folder).read_text("utf-8") == after != before
    # The choice among labels is calibrated apart, and what states no weights is taken at its word.
    text = report(tmp_path / "t.json", data="news.csv", task="zero-shot", template="{}", weights=own)
    write_card(folder, evaluations=[text, report(tmp_path / "o.json")])


def test_a_result_in_another_precision_is_refused(tmp_path: Path) -> None:
    exact = report(tmp_path / "exact.json", precision="float32")
    assert read_evaluations([exact], "model") == read_evaluations([report(tmp_path / "old.json")], "model")
    for precision in ("int8", "bfloat16"):
        path = report(tmp_path / "report.json", precision=precision)
        with pytest.raises(DataFileError, match=f"was measured in {precision}, .* --precision float32"):
            read_evaluations([path], "model")
