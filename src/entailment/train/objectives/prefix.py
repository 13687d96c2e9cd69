"""NLI pairs read with prefix attention: a premise once, with all hypotheses about it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from entailment.evaluate.metrics import accuracy, confusion_matrix, macro
from entailment.models.prefix import PrefixBertForSequenceClassification
from entailment.text.tokenizer import Tokenizer
from entailment.train.batches import IGNORED, Batch, EncodedExample, collate, encode, plan
from entailment.train.examples import LABEL_NAMES, from_nli
from entailment.train.losses import entailment_loss
from entailment.train.objectives.padded import VALIDATION_TOKENS, Row, device_of, some


class PrefixPairs:
    """Cross-entropy of entailment, neutral and contradiction, averaged over pairs.

    Args:
        train: rows with `premise`, `hypothesis` and `label`.
        validation: likewise.
        tokenizer: of the model.
        max_length: most tokens of a pair, special ones included; a quarter of them are the hypothesis's, so
            that what is read of a premise does not depend on its hypotheses. Longer texts lose their ends.
        tokens: of a batch, padding counted.
        seed: of the order.

    Raises:
        DataFileError: no rows, or a label of another name.
    """

    def __init__(
        self,
        train: Sequence[Row],
        validation: Sequence[Row],
        tokenizer: Tokenizer,
        *,
        max_length: int,
        tokens: int,
        seed: int = 42,
    ) -> None:
        self.tokenizer, self.tokens, self.seed = tokenizer, tokens, seed
        self.train = _encoded(train, tokenizer, max_length, "training")
        self.validation = _encoded(validation, tokenizer, max_length, "validation")

    def plan(self, epoch: int) -> list[list[int]]:
        """The premises of each batch of an epoch."""
        return plan(self.train, tokens_per_batch=self.tokens, seed=self.seed + 1000 * epoch)

    def batch(self, epoch: int, members: Sequence[int]) -> Batch:
        """Premises with their hypotheses as tensors, the same in every epoch."""
        del epoch
        return self._collated(self.train, members)

    def loss(self, model: PrefixBertForSequenceClassification, batch: Batch) -> Tensor:
        """Mean over pairs, in float32."""
        return entailment_loss(_logits(model, batch), batch.targets, batch.choice)

    def validate(self, model: PrefixBertForSequenceClassification) -> dict[str, float]:
        """Loss, accuracy and macro F1 on the validation rows."""
        total, golds, predicted = 0.0, list[int](), list[int]()
        for members in plan(self.validation, tokens_per_batch=VALIDATION_TOKENS, seed=0):
            batch = self._collated(self.validation, members).to(device_of(model))
            logits, asked = _logits(model, batch), batch.targets != IGNORED
            total += float(entailment_loss(logits, batch.targets, batch.choice)) * int(asked.sum())
            golds += batch.targets[asked].tolist()
            predicted += logits.argmax(-1)[asked].tolist()
        matrix = confusion_matrix(golds, predicted, len(LABEL_NAMES))
        return {"loss": total / len(golds), "accuracy": accuracy(matrix), "macro_f1": macro(matrix)[2]}

    def _collated(self, examples: Sequence[EncodedExample], members: Sequence[int]) -> Batch:
        pad_id, sep_id = self.tokenizer.pad_id, self.tokenizer.sep_id
        return collate([examples[i] for i in members], pad_id=pad_id, sep_id=sep_id)


def _encoded(rows: Sequence[Row], tokenizer: Tokenizer, max_length: int, what: str) -> list[EncodedExample]:
    examples, hypothesis = from_nli(some(rows, what)), max(2, max_length // 4)
    return encode(examples, tokenizer, premise_tokens=max_length - hypothesis, hypothesis_tokens=hypothesis)


def _logits(model: PrefixBertForSequenceClassification, batch: Batch) -> Tensor:
    """[P, L, K], float32 whatever the model computes in."""
    logits: Tensor = model(
        batch.premise_ids, batch.premise_lengths, batch.hypothesis_ids, batch.hypothesis_lengths
    )
    return logits.float()
