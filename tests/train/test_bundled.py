"""The recipe of the bundled model from end to end, on a tiny encoder and texts of our own."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from click.testing import CliRunner
from tests.tiny import WORDS, tiny_bert

from entailment.checkpoint.folder import open_checkpoint
from entailment.errors import CheckpointError
from entailment.evaluate import card
from entailment.train import bundled, bundled_rows

LABELS = ["sports", "food", "music", "weather", "law"]


def write(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


def words(draw: random.Random, count: int) -> str:
    return " ".join(draw.choices(WORDS, k=count))


def nli(draw: random.Random, count: int, source: str) -> list[dict[str, object]]:
    return [
        {
            "premise": words(draw, 8),
            "hypothesis": words(draw, 4),
            "label": draw.choice(["entailment", "neutral", "contradiction"]),
            "source": source,
        }
        for _ in range(count)
    ]


def topics(draw: random.Random, count: int, source: str) -> list[dict[str, object]]:
    return [
        {
            "text": words(draw, 8),
            "label": draw.choice(LABELS),
            "labels_of_source": LABELS,
            "source": source,
            "template": "This is about {}.",
        }
        for _ in range(count)
    ]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    draw = random.Random(3)
    folder = tmp_path / "data"
    write(folder / "nli/train.parquet", nli(draw, 60, "snli") + nli(draw, 10, "sick_train"))
    two_way = [{**row, "label": "not_entailment"} for row in nli(draw, 10, "rte_train")]
    write(folder / "nli/train_binary.parquet", two_way + nli(draw, 10, "dnc"))
    write(folder / "nli/validation.parquet", nli(draw, 20, "snli"))
    write(folder / "topics/train.parquet", topics(draw, 30, "tickets") + topics(draw, 10, "liar_topics"))
    write(folder / "topics/validation.parquet", topics(draw, 10, "other"))
    for name in card.NLI_SETS:
        write(folder / f"nli/{name}.parquet", nli(draw, 12, name))
    for name in card.ZERO_SHOT_SETS:
        write(folder / f"zeroshot/{name}.parquet", topics(draw, 12, name))
        about = {"labels": LABELS, "hypothesis_template": "It is about {}."}
        (folder / f"zeroshot/{name}.labels.json").write_text(json.dumps(about))
    return folder


@pytest.fixture(autouse=True)
def short_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds whose steps are counted take a few."""
    rounds = (
        replace(each, settings=replace(each.settings, max_steps=each.settings.max_steps and 6))
        for each in bundled.ROUNDS
    )
    monkeypatch.setattr(bundled, "ROUNDS", tuple(rounds))


@pytest.mark.parametrize("attention", ["prefix", "full"])
def test_trains_a_checkpoint_and_writes_its_card(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attention: str
) -> None:
    encoder = tiny_bert(tmp_path / "encoder", labels=None, positions=256)
    monkeypatch.setattr(bundled, "packaged_encoder", lambda: encoder)
    out = tmp_path / "run"
    twin = ["--full-attention"] if attention == "full" else []
    arguments = ["--data", str(data), "--out", str(out), "--device", "cpu", *twin]
    ran = CliRunner().invoke(bundled.main, arguments, catch_exceptions=False)
    assert ran.exit_code == 0

    model = out / "model"
    checkpoint = open_checkpoint(model)
    assert checkpoint.config.attention == attention
    assert list(checkpoint.config.id2label.values()) == ["entailment", "neutral", "contradiction"]
    recorded = json.loads((model / "training.json").read_text())
    for each, done in zip(bundled.ROUNDS, recorded["rounds"], strict=True):
        two_way = {"rte_train": 10} if each.two_way else {}
        assert done["nli_sources"] == {"snli": 60} | two_way, "sources of restricted licences are left out"
        assert done["topic_sources"] == {"tickets": 30}
        stated = json.loads(json.dumps(asdict(each)))
        assert done["settings"] == stated.pop("settings") | stated
    assert recorded["weight_bits"] == 8
    assert 0.05 <= recorded["temperature"] <= 20
    assert set(recorded["mean_of"]) <= {f"round-{number}" for number in range(1, len(bundled.ROUNDS) + 1)}
    assert set(recorded["validation"]) == {"nli", "topics"}

    card_arguments = ["--model", str(model), "--data", str(data)]
    assert CliRunner().invoke(card.main, card_arguments, catch_exceptions=False).exit_code == 0
    results = json.loads((model / "results.json").read_text())
    assert set(results) == {*card.NLI_SETS, *card.ZERO_SHOT_SETS}
    text = (model / "README.md").read_text()
    for name, found in results.items():
        assert f"| `{name}` | 12 |" in text
        assert f"{found['macro_f1']:.4f}" in text
    assert "were then rounded to 8 bits" in text
    assert f"divided by {recorded['temperature']:.4f}" in text
    assert "\nlicense: apache-2.0\n" in text.partition("\n---\n")[0]
    assert ("NLI()(" in text) == (attention == "prefix"), "the twin is another model than the package's"
    assert ('pipeline("zero-shot-classification", model="model")' in text) == (attention == "full")


def test_the_last_round_goes_on_from_a_model_and_may_learn_from_nli_alone(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = tiny_bert(tmp_path / "encoder", labels=None, positions=256)
    monkeypatch.setattr(bundled, "packaged_encoder", lambda: encoder)

    def train(out: str, *options: str) -> dict[str, Any]:
        arguments = ["--data", str(data), "--out", str(tmp_path / out), "--device", "cpu", *options]
        CliRunner().invoke(bundled.main, arguments, catch_exceptions=False)
        found: dict[str, Any] = json.loads((tmp_path / out / "model" / "training.json").read_text())
        return found

    first = train("first", "--nli-only")
    assert [each["topic_sources"] for each in first["rounds"]] == [{}] * len(bundled.ROUNDS)
    command = "python -m entailment.train.bundled --data DATA --out OUT"
    assert first["command"] == f"{command} --nli-only"
    trial = ("--start", str(tmp_path / "first" / "model"), "--limit", "40")
    following = train("following", *trial)
    assert len(following["rounds"]) == len(first["rounds"]) + 1
    assert following["command"] == f"{command} --start MODEL --limit 40"
    assert (first["name"], following["name"]) == (
        "entailment-minilm-l6-prefix-nli",
        "entailment-minilm-l6-prefix-trial",
    )
    assert following["rounds"][-1]["topic_sources"] == {"tickets": 30}
    assert not (tmp_path / "following" / "round-1").exists()
    with pytest.raises(CheckpointError, match="other options"):
        train("first")
    again = train("again", *trial)
    assert again["validation"] == following["validation"]
    one, other = (tmp_path / name / "model" / "model.safetensors" for name in ("following", "again"))
    assert one.read_bytes() == other.read_bytes(), "the same seed gives the same file"


def test_noisy_sources_keep_a_share_and_draws_repeat() -> None:
    rows = nli(random.Random(0), 400, "joci") + nli(random.Random(0), 100, "snli")
    kept = bundled_rows.nli_rows(rows, seed=1, noisy=True)
    assert sum(row["source"] == "snli" for row in kept) == 100
    assert 80 < sum(row["source"] == "joci" for row in kept) < 160
    assert all(row["source"] == "snli" for row in bundled_rows.nli_rows(rows, seed=1, noisy=False))
    assert kept == bundled_rows.nli_rows(rows, seed=1, noisy=True)


def test_every_epoch_draws_other_texts_of_a_large_source() -> None:
    rows = topics(random.Random(0), 800, "tickets")
    one, other = (bundled_rows.topic_rows(rows, seed=seed, most=500) for seed in (1, 2))
    assert len(one) == len(other) == 500
    assert one != other


def test_of_a_noisy_source_fewer_texts_are_drawn() -> None:
    noisy = min(bundled_rows.NOISY_TOPICS)
    rows = topics(random.Random(0), 100, noisy) + topics(random.Random(0), 100, "tickets")
    drawn = [row["source"] for row in bundled_rows.topic_rows(rows, seed=1, most=50)]
    assert (drawn.count("tickets"), drawn.count(noisy)) == (50, 15)


def test_a_temperature_divides_the_logits() -> None:
    classifier = torch.nn.Linear(4, 3)
    states = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
    before = classifier(states)
    bundled.cool(classifier, 2.5)
    torch.testing.assert_close(classifier(states), before / 2.5)
