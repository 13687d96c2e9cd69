"""GLiClass: text and all labels in one sequence, one forward a text; MiniLM-L6 in size, random weights.

It is the peer that, like prefix attention, does not pay for every label with a reading of the text. Its
labels see each other, and all of them with the text must fit into the 512 positions of the encoder.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

TOKENS = ("<<LABEL>>", "<<SEP>>", "<<EXAMPLE>>")
POSITIONS = 512

GliClassify = Callable[[Sequence[str], Sequence[str], int], object]


class TooLongError(ValueError):
    """The labels and the text do not fit into the encoder."""


def gliclass(folder: Path) -> GliClassify:
    """The pipeline of the package on an encoder like that of the folder: texts, labels, batch size."""
    from gliclass import GLiClassModel, GLiClassModelConfig, ZeroShotClassificationPipeline
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(str(folder))
    vocabulary = len(tokenizer)
    tokenizer.add_special_tokens({"additional_special_tokens": list(TOKENS)})
    encoder = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config = GLiClassModelConfig(
        encoder_config=encoder | {"vocab_size": vocabulary + len(TOKENS)},
        encoder_model=str(folder),
        class_token_index=tokenizer.convert_tokens_to_ids(TOKENS[0]),
        text_token_index=tokenizer.convert_tokens_to_ids(TOKENS[1]),
        example_token_index=tokenizer.convert_tokens_to_ids(TOKENS[2]),
    )
    pipeline = ZeroShotClassificationPipeline(
        GLiClassModel(config).eval(),
        tokenizer,
        device="cpu",
        max_length=POSITIONS,
        classification_type="single-label",
        progress_bar=False,
    )

    def classify(texts: Sequence[str], labels: Sequence[str], batch_size: int) -> object:
        written = " ".join(f"{TOKENS[0]} {label}" for label in labels)
        needed = max(
            len(row) for row in tokenizer([f"{written} {TOKENS[1]} {text}" for text in texts])["input_ids"]
        )
        if needed > POSITIONS:
            raise TooLongError(f"labels and text are {needed} tokens, and the encoder reads {POSITIONS}")
        return pipeline(list(texts), list(labels), batch_size=batch_size)

    return classify
