"""The tokenizer class of a checkpoint, found by what its files say."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

from entailment.checkpoint.arguments import refuse_unknown
from entailment.checkpoint.json_files import read_json
from entailment.text.hub_tokenizers import (
    BertTokenizer,
    BertTokenizerFast,
    DistilBertTokenizer,
    DistilBertTokenizerFast,
    FastTokenizer,
    MobileBertTokenizer,
    MobileBertTokenizerFast,
    SlowTokenizer,
)
from entailment.text.kept_tokenizer import KNOWN, tokenizer_folder
from entailment.text.settings import TokenizerSettings

_CLASSES: dict[str, tuple[type[SlowTokenizer], type[FastTokenizer]]] = {
    "bert": (BertTokenizer, BertTokenizerFast),
    "distilbert": (DistilBertTokenizer, DistilBertTokenizerFast),
    "mobilebert": (MobileBertTokenizer, MobileBertTokenizerFast),
}


class AutoTokenizer:
    """Opens the tokenizer of any checkpoint; never made itself."""

    @staticmethod
    def from_pretrained(
        pretrained_model_name_or_path: str | Path,
        *,
        use_fast: bool = True,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        token: str | bool | None = None,
        **settings: Unpack[TokenizerSettings],
    ) -> SlowTokenizer | FastTokenizer:
        """Open the tokenizer of a checkpoint folder or hub name.

        The class follows ``tokenizer_class`` of ``tokenizer_config.json``, else ``model_type`` of
        ``config.json``, else it is BERT's. Arguments and errors are those of `KeptTokenizer.from_pretrained`;
        `use_fast=False` takes the plain-Python class.
        """
        refuse_unknown(settings, {*KNOWN, "use_fast"}, "AutoTokenizer.from_pretrained")
        folder = tokenizer_folder(
            pretrained_model_name_or_path,
            revision=revision,
            cache_dir=cache_dir,
            offline=local_files_only,
            token=token,
        )
        tokenizer = _CLASSES[_family(folder)][use_fast].from_pretrained(folder, **settings)
        tokenizer.name_or_path = str(pretrained_model_name_or_path)
        return tokenizer


def _family(folder: Path) -> str:
    said = (("tokenizer_config.json", "tokenizer_class"), ("config.json", "model_type"))
    for file, key in said:
        if (folder / file).is_file():
            value = str(read_json(folder / file).get(key)).lower()
            family = value.removesuffix("fast").removesuffix("tokenizer")
            if family in _CLASSES:
                return family
    return "bert"
