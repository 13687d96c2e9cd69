"""What sentence-transformers saved with a `CrossEncoder`: the activation of its scores, and a prompt.

Version 6 writes ``config_sentence_transformers.json``, which counts before config.json, where earlier
versions stated the activation. What is asked for there and not done here is refused: an answer without it
would be another one than the checkpoint's makers meant.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from entailment.checkpoint.json_files import read_json
from entailment.errors import UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entailment.checkpoint.config import Config

SAVED_FILE = "config_sentence_transformers.json"
ACTIVATIONS = {"Sigmoid": "sigmoid", "Identity": "identity"}  # those of torch that are applied here


def read_saved(folder: Path) -> dict[str, Any]:
    """What sentence-transformers saved of a `CrossEncoder`; {} where it saved none, or another kind of model.

    Raises:
        CorruptCheckpointError: the file holds no JSON object.
    """
    path = folder / SAVED_FILE
    saved = read_json(path) if path.is_file() else {}
    return saved if saved.get("model_type") == "CrossEncoder" else {}


def stated_activation(saved: Mapping[str, Any], config: Config) -> str | None:
    """The activation of scores: "sigmoid", "identity", another by its own name, or None if none is stated."""
    nested = config.extra.get("sentence_transformers")
    places = (
        saved.get("activation_fn"),
        nested.get("activation_fn") if isinstance(nested, dict) else None,
        config.extra.get("sbert_ce_default_activation_function"),
    )
    stated = next((str(place) for place in places if place is not None), None)
    if stated is None or not stated.startswith("torch."):
        return stated
    return ACTIVATIONS.get(stated.rpartition(".")[2], stated)


def check_activation_known(name: str, activation: str | None) -> None:
    """UnsupportedModelError unless an activation is none, or one that is applied here."""
    if activation is not None and activation not in ACTIVATIONS.values():
        raise UnsupportedModelError(
            f"{name} was saved with the activation {activation!r:.100}, which is not applied by itself; say "
            "what to apply, as in CrossEncoder(name, activation_fn=torch.nn.Tanh())"
        )


def check_prompt(name: str, saved: Mapping[str, Any]) -> None:
    """UnsupportedModelError where texts are meant to begin with a prompt."""
    default, prompts = saved.get("default_prompt_name"), saved.get("prompts")
    if isinstance(default, str) and isinstance(prompts, dict) and prompts.get(default):
        raise UnsupportedModelError(
            f"{name} was saved to put the prompt {prompts[default]!r:.60} before its texts, which is not "
            f"done here; set default_prompt_name to null in {SAVED_FILE}, and write it before your texts"
        )
