"""`entail info`: the facts of a checkpoint."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.cli.conftest import Entail
from tests.tiny import tiny_bert_arrays, tiny_bert_config

from entailment.checkpoint.config import BertConfig
from entailment.checkpoint.counts import flops
from entailment.cli.info import licence_of


def test_facts(entail: Entail, prefix_model: Path) -> None:
    found = entail("info", prefix_model, "--json")
    assert (found.code, found.err) == (0, "")
    facts = found.json
    assert facts["parameters"] == sum(array.size for array in tiny_bert_arrays(tiny_bert_config()).values())
    assert facts["flops_at_128_tokens"] == flops(BertConfig.from_dict(tiny_bert_config()), 128)
    assert facts["size_bytes"] == sum(path.stat().st_size for path in prefix_model.iterdir())
    assert (facts["architecture"], facts["attention"], facts["max_length"]) == ("bert", "prefix", 64)
    assert facts["label_order"] == {"names": ["entailment", "neutral", "contradiction"], "source": "names"}
    assert facts["licence"] is None
    assert "probe" not in facts


def test_a_probe_checks_named_orders(entail: Entail, model: Path) -> None:
    probe = entail("info", model, "--probe", "--json").json["probe"]
    assert set(probe) in ({"names", "agrees"}, {"names", "agrees", "error"})


def test_a_decisive_disagreement_is_reported(
    entail: Entail, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from entailment.checkpoint import labels

    swapped = labels.order_stated(["contradiction", "neutral", "entailment"])
    monkeypatch.setattr(labels, "order_from_probe", lambda *_: swapped)
    found = entail("info", model, "--probe", "--json")
    assert found.code == 0
    assert found.json["probe"] == {"names": ["contradiction", "neutral", "entailment"], "agrees": False}
    assert found.err.startswith("entail: note: ")
    assert "the logits are entailment, neutral, contradiction, but" in found.err
    assert "--label-order contradiction,neutral,entailment" in found.err
    assert "DISAGREES" in entail("info", model, "--probe").out


def test_an_order_nobody_knows_is_a_fact_as_well(entail: Entail, nameless_model: Path) -> None:
    found = entail("info", nameless_model, "--json")
    assert found.code == 0
    assert found.json["label_order"] is None
    assert found.json["classes"] == ["LABEL_0", "LABEL_1", "LABEL_2"]
    assert found.json["label_order_error"] != ""
    assert "unknown:" in entail("info", nameless_model).out
    stated = entail("info", nameless_model, "--label-order", "neutral,entailment,contradiction", "--json")
    assert stated.json["label_order"]["source"] == "stated"


def test_a_table_for_a_person(entail: Entail, model: Path) -> None:
    out = entail("info", model, "--probe").out
    for name in ("parameters", "compute", "attention", "label order", "licence", "max length", "probe"):
        assert name in out


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: apache-2.0\n---\n# Model", "apache-2.0"),
        ("---\ntags:\n- nli\nlicense: 'mit'\n---\n", "mit"),
        ("---\nlicense: other\nlicense_name: own-words\n---\n", "own-words"),
        ("---\nlicense: other\n---\n", "other"),
        ("---\nlanguage: en\n---\nlicense: mit\n", None),
        ("license: mit\n", None),
        ("", None),
    ],
)
def test_the_licence_is_that_of_the_card(tmp_path: Path, card: str, licence: str | None) -> None:
    (tmp_path / "README.md").write_text(card)
    assert licence_of(tmp_path) == licence


def test_no_card_no_licence(tmp_path: Path) -> None:
    assert licence_of(tmp_path) is None


def test_the_licence_in_the_table(entail: Entail, model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(model, tmp_path / "model")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    assert json.loads(entail("info", folder, "--json").out)["licence"] == "mit"
    assert "mit" in entail("info", folder).out.split()
