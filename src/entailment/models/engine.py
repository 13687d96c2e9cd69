"""An engine that runs the torch modules, for a GPU or whatever else torch computes on.

The answers are those of `entailment.runtime.engine.OnnxEngine`, which is the faster of the two on a CPU:

    model = load_on("cuda", "org/model")
    ZeroShotClassifier(model)("The striker scored twice.", ["politics", "sports"])

On the command line that is ``--device cuda``. `engine_on` is for what `load_on` has no argument for:

    model = load_model("org/model", revision="v2", engine=engine_on("cuda"))

Legend of shapes: N pairs, K classes; full: B pairs, T tokens of the longest; prefix: P premises, S tokens of
    the longest, L hypotheses of each, T tokens of the longest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from entailment.checkpoint.config import Config
from entailment.checkpoint.folder import Checkpoint
from entailment.errors import InputError
from entailment.models.load import PairClassifier, load_model
from entailment.models.prefix import PrefixBertForSequenceClassification
from entailment.runtime.batches import fill, full_work, prefix_work
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
    def config(self) -> Config:
        """The model's architecture."""
        return self.model.config

    @property
    def precision(self) -> str:
        """The type of its weights: float32, bfloat16, ..."""
        return str(next(self.model.parameters()).dtype).removeprefix("torch.")

    @property
    def num_labels(self) -> int:
        """K, the logits of a pair."""
        return self.config.num_labels

    def logits(self, pairs: Sequence[EncodedPair]) -> Logits:
        """Finite logits, float32 [N, K], in the order of the pairs; [0, K] for none.

        Raises:
            InputError: a pair is longer than the model reads, or holds ids that its vocabulary lacks.
            NonFiniteLogitsError: the model answered NaN or infinity.
        """
        check_pairs(pairs, self.config, self.name)
        out = np.empty((len(pairs), self.num_labels), dtype=np.float32)
        prefix = isinstance(self.model, PrefixBertForSequenceClassification)
        work = prefix_work(pairs, self.tokens_per_batch) if prefix else full_work(pairs)
        with torch.inference_mode():
            for chosen in fill(work, self.tokens_per_batch):
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
        logits: Tensor = self.model(ids, mask.long(), types.long(), return_dict=True).logits
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
    return load_pair_model(
        name, label_order=label_order, max_length=max_length, engine=engine_on(device, dtype=dtype)
    )


def engine_on(
    device: str | torch.device, *, dtype: torch.dtype | None = None
) -> Callable[[Checkpoint], TorchEngine]:
    """What `entailment.load_model` takes as `engine` to have torch run a checkpoint on a device.

    Args:
        device, dtype: as in `load_on`.

    Raises:
        InputError: torch has no such device here.
    """
    where = _device(device)
    kind = _usual_dtype(where) if dtype is None else dtype

    def engine(checkpoint: Checkpoint) -> TorchEngine:
        return TorchEngine(load_model(checkpoint.folder).to(where, kind), name=checkpoint.name)

    return engine


def _usual_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 on a GPU that has arithmetic for it; older ones emulate it, slower than float32."""
    able = device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)
    return torch.bfloat16 if able else torch.float32


def _device(name: str | torch.device) -> torch.device:
    """The device, on which something was computed and read back: "meta" exists, and cannot."""
    try:
        device = torch.device(name)
        torch.ones(1, device=device).item()
    except (RuntimeError, AssertionError, ImportError) as error:
        # Of some devices torch goes on with a list of all its others, a thousand characters long.
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].split(". ")[0].rstrip(".")
        raise InputError(
            f"torch cannot compute on {str(name)!r} here ({reason}); 'cpu' always works"
        ) from error
    return device
