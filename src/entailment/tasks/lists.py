"""Lists of texts, told from what gives something else when it is iterated over.

A dictionary gives its keys, a table the names of its columns, and a set its entries in no order: each would
be answered without a word, and wrongly.
"""

from __future__ import annotations

from collections.abc import Mapping

from entailment.errors import EntailmentError, TextError


def refuse_unordered(given: object, what: str, error: type[EntailmentError] = TextError) -> None:
    """Refuse a dictionary, a table or a set where answers are told apart by their place.

    Args:
        given: anything.
        what: what it should be a list of, as the error names it: "texts".
        error: the class of the error.
    """
    refuse_names(given, what, error)
    if isinstance(given, (set, frozenset)):
        raise error(f"{what} must be a list, not {type(given).__name__}: a set has no order")


def refuse_names(given: object, what: str, error: type[EntailmentError] = TextError) -> None:
    """Refuse a dictionary and a table, of which only names would be read; arguments as `refuse_unordered`."""
    kind = type(given).__name__
    if isinstance(given, Mapping):
        raise error(
            f"{what} must be a list, not {kind}: only its keys would be read; give what it holds as a list"
        )
    if hasattr(given, "columns"):
        raise error(
            f"{what} must be a list, not {kind}: only the names of its columns would be read; give what they "
            "hold, as in table['text'] or, for pairs, zip(table['premise'], table['hypothesis'])"
        )
