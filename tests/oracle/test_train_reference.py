"""Each card recipe, over its whole schedule in fifty steps, follows the reference Trainer loss by loss.

Both start from the same weights and see the same rows in the same batches, in float32 and without dropout.
Every setting is the recipe's own, as are its start's width and depth where the weights of the start are at
hand (MiniLM-L6, from its package) or are quick to compute with (TinyBERT); DistilBERT and MobileBERT keep
their width and lose layers. So few rows are taken that the recipe's epochs are fifty steps: warm-up, peak and
decay to zero.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from entailment.tables import read_rows
from entailment.train.loop import train
from entailment.train.objectives.pairs import ClassBatch, Classification
from entailment.train.recipe import Recipe, load_recipe
from entailment.train.settings import Settings
from entailment.train.starts import packaged_encoder, start
from entailment.train.tasks import objective_of

transformers = pytest.importorskip("transformers", reason="the dev group is not installed")

SETTING = "ENTAILMENT_DATA"
DATA = Path(os.environ.get(SETTING) or Path(__file__).parents[3] / "shared" / "data").absolute()
PAIRS = DATA / "nli" / "train.parquet"
STEPS = 50

pytestmark = [
    pytest.mark.slow,
    pytest.mark.oracle,
    pytest.mark.skipif(not PAIRS.is_file(), reason=f"no {PAIRS}: say with {SETTING} where the data are"),
]

LABELS = ("entailment", "neutral", "contradiction")
NAMES: dict[str, Any] = {
    "id2label": dict(enumerate(LABELS)),
    "label2id": {n: i for i, n in enumerate(LABELS)},
}
DRY = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
DRY_DISTILBERT = {"dropout": 0.0, "attention_dropout": 0.0, "seq_classif_dropout": 0.0, "qa_dropout": 0.0}


def reference_of(name: str) -> Any:
    """The recipe's model in the reference library, with random weights where none are at hand."""
    torch.manual_seed(5)
    if name == "minilm-l6-mnli":
        return transformers.BertForSequenceClassification.from_pretrained(packaged_encoder(), **NAMES, **DRY)
    if name == "tinybert-all-nli":
        sizes = {"hidden_size": 312, "num_hidden_layers": 4, "intermediate_size": 1200}
        config = transformers.BertConfig(**sizes, num_attention_heads=12, **NAMES, **DRY)
        return transformers.BertForSequenceClassification(config)
    if name == "distilbert-mnli":
        config = transformers.DistilBertConfig(n_layers=2, **NAMES, **DRY_DISTILBERT)
        return transformers.DistilBertForSequenceClassification(config)
    config = transformers.MobileBertConfig(num_hidden_layers=4, **NAMES, **DRY)
    return transformers.MobileBertForSequenceClassification(config)


@dataclass(frozen=True)
class Recorded:
    """An objective that writes down its losses."""

    inner: Classification
    losses: list[float]

    def plan(self, epoch: int) -> Sequence[Sequence[int]]:
        return self.inner.plan(epoch)

    def batch(self, epoch: int, members: Sequence[int]) -> ClassBatch:
        return self.inner.batch(epoch, members)

    def loss(self, model: Any, batch: ClassBatch) -> Tensor:
        loss = self.inner.loss(model, batch)
        self.losses.append(float(loss.detach()))
        return loss

    def validate(self, model: Any) -> dict[str, float]:
        return self.inner.validate(model)


class Planned:
    """The batches of our plan, epoch after epoch, as the reference's data loader takes them."""

    def __init__(self, objective: Classification) -> None:
        self.objective, self.epoch = objective, -1

    def __iter__(self) -> Iterator[list[int]]:
        # Counted as an epoch begins: the reference never asks for the end of one.
        self.epoch += 1
        yield from self.objective.plan(self.epoch)

    def __len__(self) -> int:
        return len(self.objective.plan(0))


def reference_losses(
    model: Any,
    rows: list[dict[str, Any]],
    tokenizer: Any,
    objective: Classification,
    recipe: Recipe,
    out: Path,
) -> list[float]:
    """The loss of each step of the reference Trainer."""
    settings, losses = recipe.settings, []
    encoded = [
        {
            **tokenizer(
                row["premise"], row["hypothesis"], truncation=True, max_length=recipe.model.max_length
            ),
            "labels": LABELS.index(row["label"]),
        }
        for row in rows
    ]

    class Reference(transformers.Trainer):  # type: ignore[misc, name-defined]
        def get_train_dataloader(self) -> Any:
            return torch.utils.data.DataLoader(
                encoded,  # type: ignore[arg-type]
                batch_sampler=Planned(objective),
                collate_fn=self.data_collator,
            )

        def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
            loss = super().compute_loss(*args, **kwargs)
            losses.append(float((loss[0] if isinstance(loss, tuple) else loss).detach()))
            return loss

    assert recipe.batches.rows is not None
    arguments = transformers.TrainingArguments(
        output_dir=str(out),
        per_device_train_batch_size=recipe.batches.rows,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.schedule,
        warmup_steps=settings.warmup,
        weight_decay=settings.weight_decay,
        adam_beta1=settings.betas[0],
        adam_beta2=settings.betas[1],
        adam_epsilon=settings.epsilon,
        max_grad_norm=settings.clip,
        num_train_epochs=settings.epochs,
        seed=settings.seed,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    collator = transformers.DataCollatorWithPadding(tokenizer)
    Reference(model=model, args=arguments, train_dataset=encoded, data_collator=collator).train()
    return losses


def both(name: str, folder: Path, **changes: Any) -> tuple[list[float], list[float]]:
    """Our losses, with some settings changed, and the reference's."""
    reference = reference_of(name)
    reference.save_pretrained(folder / "start")
    tokenizer = transformers.AutoTokenizer.from_pretrained(packaged_encoder())
    tokenizer.save_pretrained(folder / "start")
    recipe = load_recipe(
        name,
        {"model.start": str(folder / "start"), "model.dropout": 0.0, "settings.precision": "float32"},
    )
    assert recipe.batches.rows is not None
    count = STEPS // recipe.settings.epochs * recipe.batches.rows
    rows = list(islice((dict(row) for row in read_rows(PAIRS) if row["label"] in LABELS), count))

    began = start(recipe)
    learnt = objective_of(recipe, rows, rows[:16], began.tokenizer_folder)
    assert isinstance(learnt, Classification)
    recorded = Recorded(learnt, [])
    settings: Settings = replace(recipe.settings, evaluations=1, patience=None, **changes)
    cpu = torch.device("cpu")
    train(began.model, recorded, settings, folder / "run", device=cpu, measure_energy=False)
    theirs = reference_losses(reference, rows, tokenizer, learnt, recipe, folder / "reference")
    return recorded.losses, theirs


@pytest.mark.parametrize("name", ["minilm-l6-mnli", "tinybert-all-nli", "distilbert-mnli", "mobilebert-mnli"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_losses_are_those_of_the_reference_trainer(name: str, tmp_path: Path) -> None:
    ours, theirs = both(name, tmp_path)
    assert len(ours) == len(theirs) == STEPS
    differences = [abs(a - b) for a, b in zip(ours, theirs, strict=True)]
    print(f"{name}: losses {theirs[0]:.4f} to {theirs[-1]:.4f}, at most {max(differences):.1e} apart")
    assert max(differences) < 1e-4


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_setting_that_differs_is_seen(tmp_path: Path) -> None:
    ours, theirs = both("minilm-l6-mnli", tmp_path, warmup=0.12)
    assert max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) > 1e-4
