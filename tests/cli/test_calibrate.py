"""`entail calibrate`: what it writes, who reads it, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tests.cli.conftest import PAIRS, Entail


@pytest.fixture
def own(model: Path, tmp_path: Path) -> Path:
    """A model that may be written to."""
    return Path(shutil.copytree(model, tmp_path / "own"))


def _other(label: str) -> str:
    return "neutral" if label != "neutral" else "entailment"


def test_what_is_fitted_is_used_from_then_on(entail: Entail, own: Path, pairs: Path) -> None:
    before = entail("evaluate", own, "--data", pairs, "--json").json
    nli_before = entail("nli", *PAIRS[0][:2], "--model", own, "--json").json
    found = entail("calibrate", own, "--data", pairs, "--json")
    assert found.code == 0
    assert found.err.splitlines() == [
        "entail: note: only 6 rows: some hundreds more would make the fit surer",
        f"entail: note: written: {own / 'calibration.json'}",
    ]
    assert (found.json["question"], found.json["rows"], found.json["data"]) == ("pairs", 6, "pairs.csv")
    after = entail("evaluate", own, "--data", pairs, "--json").json
    assert after["confusion_matrix"] == before["confusion_matrix"]
    assert after["loss"] < before["loss"]
    assert before["loss"] == pytest.approx(found.json["loss_before"])
    assert after["loss"] == pytest.approx(found.json["loss"], abs=1e-6)
    assert after["ece"] == pytest.approx(found.json["ece"], abs=1e-6)
    nli_after = entail("nli", *PAIRS[0][:2], "--model", own, "--json").json
    logits = np.log(list(nli_before["scores"].values())) / found.json["temperature"]
    assert list(nli_after["scores"].values()) == pytest.approx(
        (np.exp(logits) / np.exp(logits).sum()).tolist(), abs=1e-5
    )
    # Fitted again, it starts from the logits, not from what was fitted before.
    again = entail("calibrate", own, "--data", pairs, "--json").json
    assert again == found.json


def test_texts_are_kept_apart_and_beside(entail: Entail, own: Path, pairs: Path, texts: Path) -> None:
    entail("calibrate", own, "--data", pairs, "--bias")
    nli = entail("nli", "rain", "snow", "--model", own, "--json").json
    found = entail("calibrate", own, "--data", texts, "--precision-target", 0.3, "--json")
    assert found.json["question"] == "labels"
    assert found.json["threshold"]["precision"] >= 0.3
    assert entail("nli", "rain", "snow", "--model", own, "--json").json == nli
    kept = entail("info", own, "--json").json["calibration"]
    assert set(kept["pairs"]["bias"]) == {"entailment", "neutral", "contradiction"}
    assert kept["labels"]["temperature"] == found.json["temperature"]
    shown = " ".join(entail("info", own).out.split())
    assert "pairs: temperature" in shown
    assert "labels: temperature" in shown
    assert "for a precision of 0.3, fitted to 3 rows of texts.jsonl" in shown


def test_a_copy_of_a_model_that_is_not_ours(entail: Entail, own: Path, pairs: Path, tmp_path: Path) -> None:
    refused = entail("calibrate", "--data", pairs)
    assert (refused.code, "give --out FOLDER" in refused.error) == (2, True)
    out = tmp_path / "copy"
    assert entail("calibrate", own, "--data", pairs, "--out", out).code == 0
    assert not (own / "calibration.json").exists()
    assert entail("info", own, "--json").json["calibration"] is None
    assert entail("info", out, "--json").json["calibration"]["pairs"]["rows"] == 6
    assert "the folder is not empty" in entail("calibrate", own, "--data", pairs, "--out", out).error


def test_weights_that_have_changed(entail: Entail, own: Path, pairs: Path) -> None:
    entail("calibrate", own, "--data", pairs)
    weights = load_file(own / "model.safetensors")
    name = next(name for name in weights if name.endswith("LayerNorm.bias"))
    save_file({**weights, name: weights[name] + 0.5}, own / "model.safetensors")
    refused = entail("nli", "rain", "snow", "--model", own)
    assert (refused.code, "was made for other weights" in refused.error) == (2, True)
    assert "other weights" in entail("info", own, "--json").json["calibration"]["error"]
    again = entail("calibrate", own, "--data", pairs)
    assert (again.code, "what was there is replaced" in again.err) == (0, True)
    assert entail("nli", "rain", "snow", "--model", own).code == 0


def test_rows_that_are_all_answered_right_are_noted(
    entail: Entail, own: Path, pairs: Path, tmp_path: Path
) -> None:
    answers = [entail("nli", p, h, "--model", own, "--json").json["label"] for p, h, _ in PAIRS[:2]]
    right = tmp_path / "right.jsonl"
    right.write_text(
        "".join(
            json.dumps({"premise": p, "hypothesis": h, "label": answer}) + "\n"
            for (p, h, _), answer in zip(PAIRS[:2], answers, strict=True)
        )
    )
    found = entail("calibrate", own, "--data", right)
    assert found.code == 0
    assert "all 2 rows are answered right, and the lower a temperature, the better it fits" in found.err
    assert "answered right" not in entail("calibrate", own, "--data", pairs).err


def test_labels_in_another_order_are_noted(entail: Entail, own: Path, pairs: Path, tmp_path: Path) -> None:
    scores = [entail("nli", p, h, "--model", own, "--json").json["scores"] for p, h, _ in PAIRS]
    worst = tmp_path / "worst.jsonl"
    rows = [
        {"premise": p, "hypothesis": h, "label": min(each, key=each.__getitem__)}
        for (p, h, _), each in zip(PAIRS, scores, strict=True)
    ]
    worst.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = entail("calibrate", own, "--data", worst)
    assert "temperature 20 is at an end of its range, 0.05 to 20: perhaps the labels of the" in found.err
    assert "end of its range" not in entail("calibrate", own, "--data", pairs).err


def test_a_threshold_that_is_dropped_is_noted(entail: Entail, own: Path, pairs: Path, texts: Path) -> None:
    first = entail("calibrate", own, "--data", pairs, "--precision-target", 0.1, "--json")
    value = first.json["threshold"]["value"]
    told = f"the threshold {value:.4f} that was there, for a precision of 0.1, is dropped"
    for others in (("--data", texts), ("--data", pairs, "--precision-target", 0.1)):
        assert "is dropped" not in entail("calibrate", own, *others).err
    assert told in entail("calibrate", own, "--data", pairs).err
    assert "is dropped" not in entail("calibrate", own, "--data", pairs).err


def test_a_table_for_a_person(entail: Entail, own: Path, pairs: Path) -> None:
    words = entail("calibrate", own, "--data", pairs, "--bias", "--precision-target", 0.1).out.split()
    for word in ("temperature", "bias", "threshold", "loss", "before", "after"):
        assert word in words


def test_what_cannot_be(entail: Entail, own: Path, pairs: Path, texts: Path, tmp_path: Path) -> None:
    def error(*arguments: object) -> str:
        found = entail("calibrate", own, *arguments)
        assert found.code == 2
        return found.err.splitlines()[-1]

    assert "must be a file" in error("--data", "-")
    assert "--bias is for the classes of pairs" in error("--data", texts, "--bias")
    wrong = [(p, h, _other(entail("nli", p, h, "--model", own, "--json").json["label"])) for p, h, _ in PAIRS]
    never = tmp_path / "never.csv"
    never.write_text("premise,hypothesis,label\n" + "".join(f"{p},{h},{y}\n" for p, h, y in wrong))
    assert "no threshold gives a precision of 0.5: the highest is 0.0000" in error(
        "--data", never, "--precision-target", 0.5
    )
    for share in (0, 1.5, "nan"):
        assert "--precision-target" in error("--data", pairs, "--precision-target", share)
    (tmp_path / "one.txt").write_text("sports\n")
    assert "one candidate label" in error("--data", texts, "--labels-file", tmp_path / "one.txt")
    (tmp_path / "two.csv").write_text("premise,hypothesis,label\na,b,not_entailment\na,c,entailment\n")
    assert "measured as entailment, not_entailment" in error("--data", tmp_path / "two.csv")
    assert not (own / "calibration.json").exists()
