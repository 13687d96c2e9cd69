"""An engine that runs the torch modules, for a GPU or whatever else torch computes on.

The answers are those of `entailment.runtime.engine.OnnxEngine`, which is the faster of the two on a CPU:

    model = load_on("cuda", "org/model")
    ZeroShotClassifier(model)("The striker scored twice.", ["politics", "sports"])

Legend of shapes: N pairs, K classes; full: B pairs, T tokens of the longest; prefix: P premises, S tokens of
    the longest, L hypotheses of each, T tokens of the longest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from entailment.checkpoint.folder import Checkpoint
from entailment.errors import InputError
from entailment.models.load import PairClassifier, load_model
from entailment.models.prefix import PrefixBertForSequenceClassification
from entailment.runtime.batches import Work, by_premise, fill, split
from entailment.runtime.engine import Logits, check_pairs, finite
from entailment.tasks.model import PairModel
from entailment.tasks.model import load_model as load_pair_model
from entailment.text.pairs import EncodedPair

TOKENS_PER_BATCH = {"cpu": 1024}
GPU_TOKENS_PER_BATCH = 16_384
"""Enough to keep a large GPU at work; its memory holds many times as many."""


class TorchEngine:
    """Runs a pair classifier as a torch module, on the device and in the type that its weights have.

    Args:
        model: set to evaluation mode.
        name: what to call the model in messages.
        tokens_per_batch: the most tokens computed at once, padding aside; by default 1,024 on a CPU, and
            16,384 elsewhere.

    Raises:
        InputError: `tokens_per_batch` is below 1.
    """

    def __init__(
        self, model: PairClassifier, *, name: str = "the model", tokens_per_batch: int | None = None
    ) -> None:
        self.model = model.eval()
        self.name = name
        self.device = next(model.parameters()).device
        if tokens_per_batch is None:
            tokens_per_batch = TOKENS_PER_BATCH.get(self.device.type, GPU_TOKENS_PER_BATCH)
        if tokens_per_batch < 1:
            raise InputError(f"tokens_per_batch is {tokens_per_batch}; it must be at least 1")
        self.tokens_per_batch = tokens_per_batch

    @property
    def num_labels(self) -> int:
        """K, the logits of a pair."""
        return self.model.config.num_labels

    def logits(self, pairs: Sequence[EncodedPair]) -> Logits:
        """Finite logits, float32 [N, K], in the order of the pairs; [0, K] for none.

        Raises:
            InputError: a pair is longer than the model reads, or holds ids that its vocabulary lacks.
            NonFiniteLogitsError: the model answered NaN or infinity.
        """
        check_pairs(pairs, self.model.config, self.name)
        out = np.empty((len(pairs), self.num_labels), dtype=np.float32)
        prefix = isinstance(self.model, PrefixBertForSequenceClassification)
        with torch.inference_mode():
            for chosen in fill(
                _sorted_work(pairs, self.tokens_per_batch, prefix=prefix), self.tokens_per_batch
            ):
                groups = [piece.pairs for piece in chosen]
                answered = self._about_premises(pairs, groups) if prefix else self._joined(pairs, groups)
                out[[index for group in groups for index in group]] = answered.float().cpu().numpy()
        return finite(out, self.name)

    def _joined(self, pairs: Sequence[EncodedPair], groups: Sequence[Sequence[int]]) -> Tensor:
        """Pairs written out: [B, K]."""
        sides = [(pairs[index].premise, pairs[index].hypothesis) for (index,) in groups]
        ids = self._grid([np.concatenate(each) for each in sides])  # [B, T]
        at = torch.arange(ids.shape[1], device=self.device)
        lengths = self._tensor([len(premise) + len(hypothesis) for premise, hypothesis in sides])[:, None]
        premises = self._tensor([len(premise) for premise, _ in sides])[:, None]
        mask = at < lengths
        types = (at >= premises) & mask
        logits: Tensor = self.model(ids, mask.long(), types.long()).logits
        return logits

    def _about_premises(self, pairs: Sequence[EncodedPair], groups: Sequence[Sequence[int]]) -> Tensor:
        """Premises with their hypotheses: [M, K] for the M pairs of all groups."""
        premises = [pairs[group[0]].premise for group in groups]
        L = max(map(len, groups))
        # A premise with fewer hypotheses is given one token, [SEP], for each that is missing.
        hypotheses = [
            pairs[group[l]].hypothesis if l < len(group) else pairs[group[0]].hypothesis[-1:]
            for group in groups
            for l in range(L)  # noqa: E741
        ]
        asked = torch.tensor([l < len(group) for group in groups for l in range(L)])  # noqa: E741
        logits: Tensor = self.model(
            self._grid(premises),
            self._tensor([len(ids) for ids in premises]),
            self._grid(hypotheses).view(len(groups), L, -1),
            self._tensor([len(ids) for ids in hypotheses]).view(len(groups), L),
        )  # [P, L, K]
        return logits.flatten(0, 1)[asked.to(self.device)]

    def _grid(self, rows: Sequence[np.ndarray]) -> Tensor:
        """Rows of ids, padded on the right with 0: the masks say what is read."""
        grid = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
        for row, ids in zip(grid, rows, strict=True):
            row[: len(ids)] = ids
        return torch.from_numpy(grid).to(self.device)

    def _tensor(self, numbers: Sequence[int]) -> Tensor:
        return torch.tensor(numbers, device=self.device)


def _sorted_work(pairs: Sequence[EncodedPair], tokens_per_batch: int, *, prefix: bool) -> Iterator[Work]:
    """Pieces for a batch each, alike ones together."""
    if prefix:
        work = [piece for group in by_premise(pairs) for piece in split(pairs, group, tokens_per_batch)]
    else:
        lengths = [len(pair.premise) + len(pair.hypothesis) for pair in pairs]
        work = [Work([index], length, length, 0) for index, length in enumerate(lengths)]
    yield from sorted(work, key=lambda piece: (-len(piece.pairs).bit_length(), -piece.first, -piece.each))


def load_on(
    device: str | torch.device,
    name: str | Path | None = None,
    *,
    dtype: torch.dtype | None = None,
    label_order: Sequence[str] | None = None,
    max_length: int | None = None,
) -> PairModel:
    """Open a checkpoint for the tasks, to be run by torch on a device.

    Args:
        device: "cuda", "cuda:1", "mps", "cpu", ...
        name: a folder, a hub name, or None for the model in the package.
        dtype: of weights and arithmetic; by default bfloat16 on a GPU that computes in it, else float32.
        label_order, max_length: as in `entailment.load_model`.

    Raises:
        CheckpointError: the folder or name cannot be used.
        InputError: torch has no such device here, or `max_length` is out of range.
        LabelOrderError: nobody can tell which logit means entailment.
    """
    where = _device(device)
    if dtype is None:
        able = where.type == "cuda" and torch.cuda.is_bf16_supported()
        dtype = torch.bfloat16 if able else torch.float32
    return load_pair_model(
        name,
        label_order=label_order,
        max_length=max_length,
        engine=partial(_engine, device=where, dtype=dtype),
    )


def _engine(checkpoint: Checkpoint, *, device: torch.device, dtype: torch.dtype) -> TorchEngine:
    return TorchEngine(load_model(checkpoint.folder).to(device, dtype), name=checkpoint.name)


def _device(name: str | torch.device) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"torch cannot compute on {name!s} here ({reason}); 'cpu' always works") from error
    return device
