"""A name leads to a folder, and the folder opens as a `Checkpoint`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

import numpy as np

from entailment.checkpoint.config import Config, config_from_dict
from entailment.checkpoint.config_dict import CONFIG_FILE
from entailment.checkpoint.json_files import read_json
from entailment.checkpoint.quantization import (
    AGAIN,
    QUANTIZATION_FILE,
    Quantization,
    WeightBits,
    fingerprint,
    read_quantization,
)
from entailment.errors import (
    CheckpointError,
    CheckpointNotFoundError,
    CorruptCheckpointError,
    UnsupportedModelError,
    WeightsMismatchError,
)

BUNDLED = "bundled"


@dataclass(frozen=True)
class Checkpoint:
    """An opened checkpoint: the configuration is read, the weights are not.

    Attributes:
        name: as it was asked for, e.g. "bundled" or "typeform/distilbert-base-uncased-mnli".
        folder: where the files are.
        config: the configuration of one of the supported architectures.
    """

    name: str
    folder: Path
    config: Config

    def weights(self, *, require_head: bool = True, map_tables: bool = False) -> dict[str, np.ndarray]:
        """Read the weights: float32 arrays under our names (`names.py`), checked against the configuration.

        Each call reads the files anew; nothing is kept.

        Args:
            require_head: the classification head must be there; False also takes an encoder alone.
            map_tables: the word embedding may stay in its file, then perhaps in float16.

        Raises:
            CheckpointError: a file is missing, damaged or unsafe, or its names or shapes are not those of the
                configuration.
        """
        from entailment.checkpoint.names import rename
        from entailment.checkpoint.weights import read_weights

        try:
            return rename(
                read_weights(self.folder, map_tables=map_tables), self.config, require_head=require_head
            )
        except WeightsMismatchError as error:
            raise WeightsMismatchError(f"{self.folder}: {error}") from error

    def fingerprint(self) -> str:
        """Tells these weights from others.

        Raises:
            CheckpointError: as `weights`.
        """
        return fingerprint(self.weights(require_head=False, map_tables=True))

    def quantization(self, most_bits: WeightBits, weights: Mapping[str, np.ndarray]) -> Quantization:
        """How it computes in int8, as `quantization.json` says.

        Args:
            most_bits: how many bits of a weight the processor can do.
            weights: what `weights` returned; the file must have been made for them.

        Raises:
            CheckpointError: there is no such file, or none for these weights or this processor.
            CorruptCheckpointError: the file is damaged.
        """
        path = self.folder / QUANTIZATION_FILE
        if not path.is_file():
            # A model of the hub or of the package is not written into.
            out = "" if Path(self.name).expanduser() == self.folder else " --out FOLDER"
            raise CheckpointError(
                f"{self.name} does not say how it computes in int8 (there is no {path}): measure it with "
                f"`entail quantize {quote(self.name)} --data pairs.jsonl{out}`, or use float32"
            )
        found = read_quantization(self.folder, most_bits, fingerprint(weights))
        unknown = next((name for name in found.inputs if f"{name}.weight" not in weights), None)
        if unknown is not None:
            raise CorruptCheckpointError(f"{path} names {unknown!r:.80}, which is no layer here; {AGAIN}")
        return found


def open_checkpoint(
    name: str | Path | None = None,
    *,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    offline: bool = False,
    token: str | bool | None = None,
) -> Checkpoint:
    """Open a checkpoint folder, a hub name, or the model inside this package.

    Args:
        name: None or "bundled" for the model inside the package; a folder; else a hub name like
            "org/model" or "org/model@revision".
        revision: branch, tag or commit of a hub name.
        cache_dir: where downloads are kept; None for the Hugging Face cache.
        offline: use what the cache holds and open no connection.
        token: of the hub; None for that of `hf auth login` or `HF_TOKEN`, False for none at all.

    Raises:
        CheckpointNotFoundError: there is no such folder or file, or the name cannot be fetched.
        CorruptCheckpointError: config.json is damaged or contradicts itself.
        UnsupportedModelError: the architecture, or one of its settings, is none this package knows.
    """
    folder = resolve(name, revision=revision, cache_dir=cache_dir, offline=offline, token=token)
    shown = BUNDLED if name is None else str(name)
    return Checkpoint(name=shown, folder=folder, config=read_config(folder))


def resolve(
    name: str | Path | None,
    *,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    offline: bool = False,
    files: Sequence[str] | None = None,
    token: str | bool | None = None,
) -> Path:
    """The folder a name leads to; of a hub name, `files` limits what is fetched.

    Raises:
        CheckpointNotFoundError: it leads nowhere.
    """
    bundled = name is None or name == BUNDLED
    if not bundled and not str(name).strip():
        raise CheckpointNotFoundError("the name of the checkpoint is empty; name a folder or a hub model")
    try:
        folder = _bundled_folder() if bundled else Path(str(name)).expanduser()
        is_folder = folder.is_dir()
    except (OSError, RuntimeError) as error:  # a name that is too long, a home that nobody has
        raise CheckpointNotFoundError(f"{str(name)[:80]!r} is neither a folder nor a hub name") from error
    if is_folder:
        if revision is not None:
            raise CheckpointNotFoundError(f"revision {revision!r} is for hub names, but {folder} is a folder")
        return folder
    if bundled:
        raise CheckpointNotFoundError(f"this installation has no bundled model ({folder}); name a checkpoint")
    if folder.exists():
        raise CheckpointNotFoundError(f"{folder} is a file; name the folder it is in")
    if isinstance(name, Path) or _is_path(str(name)):
        raise CheckpointNotFoundError(f"there is no folder {folder}")
    # Imported here, for most runs never need the hub.
    from entailment.checkpoint.hub import fetch

    return fetch(str(name), revision=revision, cache_dir=cache_dir, offline=offline, files=files, token=token)


def read_config(folder: str | Path) -> Config:
    """The configuration in a folder; every error names the file."""
    path = Path(folder) / CONFIG_FILE
    if not path.is_file():
        held = sorted(entry.name for entry in path.parent.iterdir()) if path.parent.is_dir() else []
        holds = ", ".join(held[:8]) + (", ..." if len(held) > 8 else "") if held else "nothing"
        raise CheckpointNotFoundError(f"{path.parent} has no {CONFIG_FILE} (it holds {holds})")
    values = read_json(path)
    try:
        return config_from_dict(values)
    except UnsupportedModelError as error:
        raise UnsupportedModelError(f"{path}: {error}") from error
    except CheckpointError as error:
        raise CorruptCheckpointError(f"{path}: {error}") from error


def _bundled_folder() -> Path:
    from importlib.resources import files

    return Path(str(files("entailment") / BUNDLED))


def _is_path(name: str) -> bool:
    """Whether a name that is no existing folder was meant as one: hub names have neither form."""
    return name.startswith((".", "/", "~")) or "\\" in name or name.partition("@")[0].count("/") > 1
