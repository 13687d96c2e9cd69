"""What the tokens of labels tell: that a model cannot read a label, or not tell two of them apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from entailment.errors import LabelsError
from entailment.tasks.chunks import Notes
from entailment.tasks.model import MAX_LENGTH

if TYPE_CHECKING:
    from entailment.tasks.model import Encoder
    from entailment.text.pairs import EncodedPair
    from entailment.text.tokenizer import Tokenizer

# Labels found readable, by tokenizer: call after call asks about the same ones. Bounded, for labels are not.
_KNOWN: WeakKeyDictionary[Tokenizer, set[str]] = WeakKeyDictionary()
_MOST = 10_000
_SHORT = 100  # characters


def check_readable(labels: Sequence[str], encoder: Encoder, notes: Notes) -> None:
    """Refuse a label without tokens, and note one whose every token is the unknown one.

    Raises:
        LabelsError: a label has no tokens. (Encoders of one's own without our `Tokenizer` are not asked.)
        TextError: a label holds half of a surrogate pair.
    """
    tokenizer = getattr(encoder, "tokenizer", None)
    if tokenizer is None:
        return
    from entailment.text.beginning import read_beginnings
    from entailment.text.tokenizer import Tokenizer, check_text

    if not isinstance(tokenizer, Tokenizer):
        return
    known = _KNOWN.setdefault(tokenizer, set())
    fresh = [label for label in labels if label not in known]
    for label in fresh:
        check_text(label, f"the label {label!r:.60}")
    unknown = tokenizer.backend.token_to_id(tokenizer.files.specials["unk_token"])
    for label, found in zip(fresh, read_beginnings(tokenizer, fresh, limit=MAX_LENGTH), strict=True):
        if not len(found.ids):
            raise LabelsError(
                f"the label {label!r:.60} is empty to the model: none of its characters is a token; leave it "
                "out"
            )
        if (found.ids == unknown).all():
            notes.say(
                "unknown",
                f"the label {label!r:.60} is unknown to the model, which has no word of it: its score says "
                "nothing about it; write it in other words",
            )
        elif len(label) <= _SHORT and len(known) < _MOST:
            known.add(label)


def note_alike(labels: Sequence[str], encoded: Sequence[EncodedPair], notes: Notes) -> None:
    """Note the first two labels of a text that its pairs, as the model read them, ask about alike.

    Case that the tokenizer folds, and characters that it does not know, make such labels.
    """
    seen: dict[bytes, str] = {}
    for label, pair in zip(labels, encoded, strict=True):
        other = seen.setdefault(pair.hypothesis.tobytes(), label)
        if other != label:
            notes.say(
                "alike",
                f"the labels {other!r:.60} and {label!r:.60} are the same tokens to the model, which cannot "
                "tell them apart: their scores are equal; write one of them in other words",
            )
            return
