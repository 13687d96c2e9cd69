"""`AutoConfig`: the configuration of whichever architecture a checkpoint is of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from entailment.checkpoint.config import CONFIG_FILE, Config
from entailment.checkpoint.folder import read_config, resolve
from entailment.checkpoint.open_config import changed


class AutoConfig:
    """Opens the configuration of any checkpoint; never made itself."""

    @staticmethod
    def from_pretrained(
        name: str | Path | None = None,
        *,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        token: str | bool | None = None,
        **changes: Any,
    ) -> Config:
        """From a folder, a hub name, of which only config.json is fetched, or None for the bundled model.

        Args:
            name: a folder, or a hub name like "org/model".
            revision: branch, tag or commit of a hub name.
            cache_dir: where downloads are kept.
            local_files_only: open no connection.
            token: of the hub; None for that of `hf auth login` or `HF_TOKEN`, False for none at all.
            **changes: settings that shall be others than in the file, as `num_labels=3`.

        Raises:
            CheckpointError: there is none, or it cannot be used.
            InputError: an argument that there is not, or a likely slip.
        """
        folder = resolve(
            name,
            revision=revision,
            cache_dir=cache_dir,
            offline=local_files_only,
            files=(CONFIG_FILE,),
            token=token,
        )
        return changed(read_config(folder), changes)
