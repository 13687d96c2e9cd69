"""`AutoConfig`: the configuration of whichever architecture a checkpoint is of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from entailment.checkpoint.config import Config, config_from_dict
from entailment.checkpoint.config_dict import CONFIG_FILE
from entailment.checkpoint.folder import read_config, resolve
from entailment.checkpoint.open_config import changed


class AutoConfig:
    """Opens the configuration of any checkpoint; never made itself."""

    @staticmethod
    def for_model(model_type: str, **settings: Any) -> Config:
        """A new configuration of an architecture: "bert", "distilbert" or "mobilebert".

        Raises:
            UnsupportedModelError: it is of another.
            CheckpointError: a value is wrong.
            InputError: a likely slip.
        """
        return changed(config_from_dict({"model_type": model_type}), settings)

    @staticmethod
    def from_pretrained(
        pretrained_model_name_or_path: str | Path | None = None,
        *,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        token: str | bool | None = None,
        **changes: Any,
    ) -> Config:
        """From a folder, a hub name, of which only config.json is fetched, or None for the bundled model.

        Args:
            pretrained_model_name_or_path: a folder, or a hub name like "org/model".
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
            pretrained_model_name_or_path,
            revision=revision,
            cache_dir=cache_dir,
            offline=local_files_only,
            files=(CONFIG_FILE,),
            token=token,
        )
        return changed(read_config(folder), changes)
