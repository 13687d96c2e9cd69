"""NLI pairs read with prefix attention: a premise once, with all hypotheses about it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from entailment.evaluate.metrics import accuracy, confusion_matrix, macro
from entailment.models.losses import IGNORED
from entailment.models.prefix import PrefixBertForSequenceClassification
from entailment.text.tokenizer import Tokenizer
from entailment.train.batches import Batch, EncodedExample, encode, plan
from entailment.train.examples import LABEL_NAMES, from_nli
from entailment.train.losses import entailment_loss
from entailment.train.objectives.padded import some
from entailment.train.premises import Special, score, scored
from entailment.train.source_rows import Row


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
        self.tokens, self.seed = tokens, seed
        self._special = Special(tokenizer.pad_id, tokenizer.sep_id)
        self.train = _encoded(train, tokenizer, max_length, "training")
        self.validation = _encoded(validation, tokenizer, max_length, "validation")

    def plan(self, epoch: int) -> list[list[int]]:
        """The premises of each batch of an epoch."""
        return plan(self.train, tokens_per_batch=self.tokens, seed=self.seed + 1000 * epoch)

    def batch(self, epoch: int, members: Sequence[int]) -> Batch:
        """Premises with their hypotheses as tensors, the same in every epoch."""
        del epoch
        return self._special.batch(self.train, members)

    def loss(self, model: PrefixBertForSequenceClassification, batch: Batch) -> Tensor:
        """Mean over pairs, in float32."""
        return entailment_loss(score(model, batch), batch.targets, batch.choice)

    def validate(self, model: PrefixBertForSequenceClassification) -> dict[str, float]:
        """Loss, accuracy and macro F1 on the validation rows."""
        total, golds, predicted = 0.0, list[int](), list[int]()
        for _, batch, logits in scored(model, self.validation, self._special):
            asked = batch.targets != IGNORED
            total += float(entailment_loss(logits, batch.targets, batch.choice)) * int(asked.sum())
            golds += batch.targets[asked].tolist()
            predicted += logits.argmax(-1)[asked].tolist()
        matrix = confusion_matrix(golds, predicted, len(LABEL_NAMES))
        return {"loss": total / len(golds), "accuracy": accuracy(matrix), "macro_f1": macro(matrix)[2]}


def _encoded(rows: Sequence[Row], tokenizer: Tokenizer, max_length: int, what: str) -> list[EncodedExample]:
    examples, hypothesis = from_nli(some(rows, what)), max(2, max_length // 4)
    return encode(examples, tokenizer, premise_tokens=max_length - hypothesis, hypothesis_tokens=hypothesis)
