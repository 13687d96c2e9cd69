"""`entail quantize`: what it writes, where, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Entail
from tests.cli.pair_files import CLASSES, rows, write
from tests.tiny import tiny_bert, tiny_mobilebert

from entailment.checkpoint.calibration import Calibration, Scaling, write_calibration
from entailment.checkpoint.folder import open_checkpoint
from entailment.checkpoint.quantization import QUANTIZATION_FILE
from entailment.runtime.processor import exact_weight_bits
from entailment.tasks.model import load_model
from entailment.tasks.nli import NLI

BITS = [str(bits) for bits in (8, 7) if bits <= exact_weight_bits()]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data") / "pairs.jsonl", rows(456, 0))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs that calibrate, where others judge."""
    return write(tmp_path_factory.mktemp("data") / "others.jsonl", rows(256, 77), "premise", "hypothesis")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A model in a folder of one's own, whose plans pass."""
    return tiny_bert(tmp_path / "mine", attention="prefix", seed=2)


def test_help(entail: Entail) -> None:
    found = entail("quantize", "--help")
    assert found.code == 0
    for part in ("entail quantize my-model --data", "--calibrate FILE", "--out FOLDER", "--limit N"):
        assert part in found.out


def test_in_the_folder_of_the_model(entail: Entail, mine: Path, pairs: Path) -> None:
    before = {path.name: path.read_bytes() for path in mine.iterdir()}
    found = entail("quantize", mine, "--data", pairs, "--json")
    assert found.code == 0
    assert (found.json["folder"], list(found.json["weight_bits"])) == (str(mine), ["8", "7"])
    assert found.json["weight_bits_here"] == exact_weight_bits()
    for bits in BITS:
        gate = found.json["weight_bits"][bits]
        assert gate["pairs"] == 200
        assert gate["agreement"] >= 0.99
        assert gate["float32_accuracy"] - gate["accuracy"] <= 0.0031
    after = {path.name: path.read_bytes() for path in mine.iterdir()}
    assert json.loads(after.pop(QUANTIZATION_FILE))["weight_bits"].keys() == set(BITS)
    assert after == before
    assert "% agreement on 200 pairs" in found.err
    assert "judged by only 200 pairs: each is 0.50% of the agreement" in found.err
    assert f"written: {mine / QUANTIZATION_FILE}" in found.err


def test_the_measured_accuracy_is_that_of_evaluate(entail: Entail, others: Path, tmp_path: Path) -> None:
    """Gold labels reach the right logits, whatever their order."""
    model = tiny_bert(tmp_path / "reversed", labels=CLASSES[::-1], attention="prefix", seed=2)
    values = rows(400, 3)
    answers = NLI(model)([(row["premise"], row["hypothesis"]) for row in values])
    for row, answer in list(zip(values, answers, strict=True))[:300]:  # three quarters are right
        row["label"] = answer.label
    assert len({answer.label for answer in answers} - {"neutral"}) > 0
    data = write(tmp_path / "judged.jsonl", values)
    gate = entail("quantize", model, "--data", data, "--calibrate", others, "--json").json["weight_bits"][
        BITS[0]
    ]
    assert gate["float32_accuracy"] >= 0.75
    for precision, key in (("float32", "float32_accuracy"), ("int8", "accuracy")):
        measured = entail("evaluate", model, "--data", data, "--precision", precision, "--json").json
        assert measured["accuracy"] == pytest.approx(gate[key])


def test_twice_is_the_same(entail: Entail, mine: Path, pairs: Path) -> None:
    entail("quantize", mine, "--data", pairs)
    first = (mine / QUANTIZATION_FILE).read_bytes()
    entail("quantize", mine, "--data", pairs)
    assert (mine / QUANTIZATION_FILE).read_bytes() == first


def test_a_copy(entail: Entail, mine: Path, pairs: Path, tmp_path: Path) -> None:
    (mine / "README.md").write_text("---\nlicense: mit\n---\n")
    found = entail("quantize", mine, "--data", pairs, "--out", tmp_path / "copies" / "int8")
    assert found.code == 0
    copy = tmp_path / "copies" / "int8"
    assert {path.name for path in copy.iterdir()} == {path.name for path in mine.iterdir()} | {
        QUANTIZATION_FILE
    }
    assert not (mine / QUANTIZATION_FILE).exists()
    assert [path.name for path in copy.parent.iterdir()] == ["int8"]
    assert load_model(copy, precision="int8").engine.num_labels == 3


def test_a_table_for_a_person(entail: Entail, mine: Path, pairs: Path) -> None:
    out = entail("quantize", mine, "--data", pairs).out
    for part in (
        "agreement",
        "accuracy",
        "layers in float32",
        f"{exact_weight_bits()} bits, used here",
        "200",
    ):
        assert part in out


def test_limit_and_calibration_pairs_of_their_own(
    entail: Entail, mine: Path, pairs: Path, tmp_path: Path
) -> None:
    other = write(tmp_path / "other.jsonl", rows(40, 1), "premise", "hypothesis")
    found = entail("quantize", mine, "--data", pairs, "--calibrate", other, "--limit", 120, "--json")
    assert [gate["pairs"] for gate in found.json["weight_bits"].values() if gate] == [120] * len(BITS)


def test_pairs_that_calibrate_do_not_judge(entail: Entail, mine: Path, pairs: Path, tmp_path: Path) -> None:
    by_default = entail("quantize", mine, "--data", pairs, "--json")
    assert "left out of judging" not in by_default.err
    plan = (mine / QUANTIZATION_FILE).read_bytes()
    same = entail("quantize", mine, "--data", pairs, "--calibrate", pairs, "--json")
    assert same.json == by_default.json
    assert (mine / QUANTIZATION_FILE).read_bytes() == plan
    assert f"256 pairs of {pairs} left out of judging: the same texts set the ranges" in same.err
    # A file that shares 40 of them, in other rows and with other labels.
    shared = [{**row, "label": "neutral"} for row in rows(456, 0)[100:140]]
    other = write(tmp_path / "other.jsonl", rows(30, 8) + shared)
    found = entail("quantize", mine, "--data", pairs, "--calibrate", other, "--json")
    assert found.json["weight_bits"][BITS[0]]["pairs"] == 416
    assert f"40 pairs of {pairs} left out of judging" in found.err


def test_the_same_pair_in_two_rows_judges_in_neither_if_one_calibrates(
    entail: Entail, mine: Path, tmp_path: Path
) -> None:
    data = write(tmp_path / "double.jsonl", rows(400, 0) * 2)
    found = entail("quantize", mine, "--data", data, "--json")
    left = found.json["weight_bits"][BITS[0]]["pairs"]
    calibrating = (800 - left) // 2
    assert 128 <= calibrating < 256
    assert f"{800 - left - 256} pairs of {data} left out of judging" in found.err


def test_a_calibration_for_other_names_is_no_obstacle(entail: Entail, mine: Path, pairs: Path) -> None:
    scaling = Scaling(1.0, {"entailment": -1.0, "not_entailment": 1.0}, None, "rows", 2, 0.0, 0.0, 0.0, 0.0)
    write_calibration(mine, Calibration(pairs=scaling), open_checkpoint(mine).fingerprint())
    assert entail("quantize", mine, "--data", pairs).code == 0


def test_pairs_without_labels(entail: Entail, mine: Path, tmp_path: Path) -> None:
    data = tmp_path / "pairs.csv"
    data.write_text(
        "premise,hypothesis\n" + "".join(f"{r['premise']},{r['hypothesis']}\n" for r in rows(356, 0))
    )
    found = entail("quantize", mine, "--data", data, "--json")
    assert found.json["weight_bits"][BITS[0]]["accuracy"] is None
    assert "the pairs have no labels: agreement is measured, accuracy is not" in found.err


def test_classes_the_model_does_not_have(entail: Entail, mine: Path, others: Path, tmp_path: Path) -> None:
    data = write(tmp_path / "two.jsonl", [{**row, "label": "not_entailment"} for row in rows(200, 0)])
    found = entail("quantize", mine, "--data", data, "--calibrate", others, "--json")
    assert found.json["weight_bits"][BITS[0]]["accuracy"] is None
    assert "has no class not_entailment" in found.err


def test_a_model_of_two_classes_folds_the_others(entail: Entail, others: Path, tmp_path: Path) -> None:
    two = tiny_bert(tmp_path / "two", labels=("not_entailment", "entailment"), seed=1)
    data = write(tmp_path / "pairs.jsonl", rows(100, 5))
    found = entail("quantize", two, "--data", data, "--calibrate", others, "--json")
    gate = found.json["weight_bits"][BITS[0]]
    measured = entail("evaluate", two, "--data", data, "--json").json
    assert measured["accuracy"] == pytest.approx(gate["float32_accuracy"])


def test_labels_need_an_order_and_none_need_none(entail: Entail, others: Path, tmp_path: Path) -> None:
    nameless = tiny_bert(
        tmp_path / "nameless", labels=("LABEL_0", "LABEL_1", "LABEL_2"), attention="prefix", seed=2
    )
    labelled = write(tmp_path / "labelled.jsonl", rows(100, 0))
    bare = write(tmp_path / "bare.jsonl", rows(100, 0), "premise", "hypothesis")
    found = entail("quantize", nameless, "--data", labelled, "--calibrate", others)
    assert found.code == 2
    assert "--label-order contradiction,entailment,neutral" in found.err
    order = ("--label-order", ",".join(CLASSES))
    assert entail("quantize", nameless, "--data", labelled, "--calibrate", others, *order).code == 0
    assert entail("quantize", nameless, "--data", bare, "--calibrate", others).code == 0


class TestRefused:
    """Exit code 2, and nothing written."""

    def refused(self, entail: Entail, *arguments: object) -> str:
        found = entail("quantize", *arguments)
        assert (found.code, found.out) == (2, "")
        last = found.err.splitlines()[-1]
        assert last.startswith("entail: error: ")
        return last

    def test_where_no_plan_passes(
        self, entail: Entail, mine: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("entailment.export.int8.LEAST_AGREEMENT", 1.01)
        for out in ((), ("--out", tmp_path / "copy")):
            error = self.refused(entail, mine, "--data", pairs, *out)
            assert "not accurate enough" in error
            assert "% agreement on 200 pairs, accuracy 0." in error
        assert [path.name for path in tmp_path.iterdir()] == ["mine"]
        assert not (mine / QUANTIZATION_FILE).exists()

    def test_the_bundled_model_and_those_of_the_hub_need_a_copy(self, entail: Entail, pairs: Path) -> None:
        for model in ((), ("bundled",)):
            assert "bundled is not a folder of yours: give --out FOLDER" in self.refused(
                entail, *model, "--data", pairs
            )

    def test_a_folder_that_is_taken(self, entail: Entail, mine: Path, pairs: Path) -> None:
        assert "the folder is not empty" in self.refused(entail, mine, "--data", pairs, "--out", mine)

    def test_mobilebert(self, entail: Entail, pairs: Path, tmp_path: Path) -> None:
        folder = tiny_mobilebert(tmp_path / "mobile")
        assert "MobileBERT computes in float32 only" in self.refused(entail, folder, "--data", pairs)

    def test_one_logit(self, entail: Entail, others: Path, tmp_path: Path) -> None:
        folder = tiny_bert(tmp_path / "one", labels=("LABEL_0",))
        data = write(tmp_path / "bare.jsonl", rows(99, 0), "premise", "hypothesis")
        assert "one logit" in self.refused(entail, folder, "--data", data, "--calibrate", others)

    @pytest.mark.parametrize(
        ("held", "found"),
        [
            (99, "holds 99 pairs, of which 99 calibrate: none is left"),
            (256, "holds 256 pairs, of which 256 calibrate: none is left"),
            (257, "holds 257 pairs, of which 256 calibrate: 1 is left"),
            (354, "holds 354 pairs, of which 256 calibrate: 98 are left"),
        ],
    )
    def test_too_few_pairs(self, entail: Entail, mine: Path, tmp_path: Path, held: int, found: str) -> None:
        data = write(tmp_path / "few.jsonl", rows(held, 0))
        error = self.refused(entail, mine, "--data", data)
        assert f"{found} to judge, and at least 99 are needed" in error
        assert "--calibrate FILE" in error

    def test_a_limit_that_leaves_too_few(self, entail: Entail, mine: Path, pairs: Path) -> None:
        error = self.refused(entail, mine, "--data", pairs, "--limit", 98)
        assert "int8 cannot be judged by so few pairs (98): at least 99 are needed" in error
        assert not (mine / QUANTIZATION_FILE).exists()

    @pytest.mark.parametrize("option", ["--data", "--calibrate"])
    def test_standard_input(self, entail: Entail, mine: Path, pairs: Path, option: str) -> None:
        files = {"--data": pairs, "--calibrate": pairs, option: "-"}
        arguments = [part for item in files.items() for part in item]
        assert "must be files" in self.refused(entail, mine, *arguments)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", "is empty"),
            ("premise,hypothesis\n", "holds no rows"),
            ("text,label\nbread,food\n", "premise"),
            ("premise,hypothesis,label\na,b,entailment\na,b,maybe\n", "row 2: the label 'maybe'"),
            ("premise,hypothesis,label\na,b,1\n", "row 1: the label '1' is a number"),
            ("premise,hypothesis,label\na,,entailment\n", "row 1: the hypothesis is empty"),
            ("premise,hypothesis\na,b\n,b\n", "row 2: premise is empty"),
        ],
    )
    def test_bad_data(self, entail: Entail, mine: Path, tmp_path: Path, content: str, message: str) -> None:
        data = tmp_path / "data.csv"
        data.write_text(content)
        error = self.refused(entail, mine, "--data", data)
        assert message in error
        assert str(data) in error

    def test_a_hypothesis_that_does_not_fit_is_named_by_its_row(
        self, entail: Entail, mine: Path, others: Path, tmp_path: Path
    ) -> None:
        values = rows(150, 0)
        values[33]["hypothesis"] = "the dog " * 40
        data = write(tmp_path / "long.jsonl", values)
        assert f"{data}, row 34" in self.refused(entail, mine, "--data", data, "--calibrate", others)
