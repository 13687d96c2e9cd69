"""The tokenizer that ``transformers`` documents: texts in, ids and masks out, by the names known there.

`HubTokenizer` holds what all its classes share; `entailment.text.hub_tokenizers` has the classes with names.
It is composed of an engine (texts to segments, in plain Python or Rust), a layout (segments to rows:
truncation, special tokens, padding) and, as its base, the token table.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Never

from entailment.errors import InputError
from entailment.text import older_calls
from entailment.text.batch import BatchEncoding
from entailment.text.call_options import CallOptions, count, length_limit, refuse_others, side, strategies
from entailment.text.encoding import Encoding
from entailment.text.engines import FastEngine, SlowEngine, TextEngine
from entailment.text.files import TokenizerFiles
from entailment.text.inputs import read_texts
from entailment.text.layout import Layout
from entailment.text.padding import pad_rows
from entailment.text.token_table import TokenTable

_LOG = logging.getLogger(__name__)


class HubTokenizer(TokenTable):
    """Texts to ids, masks and places.

    Attributes:
        name_or_path: what it was opened as.
        model_max_length: tokens the model reads at most; 1e30 where nobody said.
        padding_side: "right" or "left"; may be set.
        truncation_side: "right" or "left"; may be set.
        model_input_names: what a call answers unless told otherwise.
        split_special_tokens: treat special tokens written in a text as any other words.
    """

    default_input_names: ClassVar[tuple[str, ...]] = ("input_ids", "token_type_ids", "attention_mask")
    encode = older_calls.encode
    tokenize = older_calls.tokenize
    encode_plus = older_calls.encode_plus
    batch_encode_plus = older_calls.batch_encode_plus
    prepare_for_model = older_calls.prepare_for_model
    truncate_sequences = older_calls.truncate_sequences

    def _set_up(self, files: TokenizerFiles, name: str = "") -> None:
        """Fill a new object from files and their settings."""
        settings = files.settings
        self.files = files
        self.name_or_path = name
        self.model_max_length = length_limit(settings.get("model_max_length"))
        self.padding_side: str = side("padding_side", str(settings.get("padding_side", "right")))
        self.truncation_side: str = side("truncation_side", str(settings.get("truncation_side", "right")))
        names = settings.get("model_input_names")
        self.model_input_names = [*map(str, names if isinstance(names, list) else self.default_input_names)]
        self.clean_up_tokenization_spaces = settings.get("clean_up_tokenization_spaces") is True
        self.split_special_tokens = settings.get("split_special_tokens") is True
        self._warned = False
        self._use(files)

    def _use(self, files: TokenizerFiles) -> None:
        self.files = files
        self._forget()
        settings = files.settings
        kept = settings.get("never_split")
        self._engine: TextEngine = (
            FastEngine(files)
            if self.is_fast
            else SlowEngine(
                files,
                basic=settings.get("do_basic_tokenize") is not False,
                never_split=frozenset(map(str, kept)) if isinstance(kept, (list, tuple)) else frozenset(),
            )
        )

    def __call__(
        self,
        text: Any = None,
        text_pair: Any = None,
        text_target: Any = None,
        text_pair_target: Any = None,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        stride: int = 0,
        is_split_into_words: bool = False,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: str | None = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_length: bool = False,
        verbose: bool = True,
        split_special_tokens: bool | None = None,
        **others: Never,
    ) -> BatchEncoding:
        """Encode a text, a pair, or a batch of either.

        Args:
            text: a string, or a list of strings or of pairs of strings; words with `is_split_into_words`.
            text_pair: the second text of each.
            text_target: texts whose ids become ``labels``.
            text_pair_target: the second text of each of those.
            add_special_tokens: set ``[CLS]`` and ``[SEP]``.
            padding: True or "longest" to the longest row, "max_length", or False.
            truncation: True or "longest_first", "only_first", "only_second", or False.
            max_length: tokens of a row; the model's where one is needed and none given. Alone it truncates.
            stride: tokens that rows of overflow share.
            is_split_into_words: texts are lists of words.
            pad_to_multiple_of: round the padded length up.
            padding_side: "left" or "right"; None for the attribute of that name.
            return_tensors: "pt", "np" or "tf" instead of lists.
            return_token_type_ids: None for what the model takes.
            return_attention_mask: None for what the model takes.
            return_overflowing_tokens: keep what truncation cuts, as further rows, and say in
                ``overflow_to_sample_mapping`` which text each row is of.
            return_special_tokens_mask: 1 for special tokens.
            return_offsets_mapping: start and end of each token in its text (fast tokenizers only).
            return_length: the length of each row.
            verbose: log a warning for a text longer than the model reads.
            split_special_tokens: treat special tokens written in a text as any other words.
            **others: refused.

        Raises:
            TextError: a text is not a string, or holds half of a surrogate pair.
            InputError: arguments that contradict each other or that there are not, or lengths that cannot be
                reached.
            MissingExtraError: the framework of `return_tensors` is not installed.
        """
        if others:
            refuse_others(others, {*CallOptions.__annotations__, "text_target"}, "a tokenizer's call")
        if text is None and text_target is None:
            raise InputError("there is nothing to encode: give text or text_target")
        pads, cuts, length = strategies(
            padding, truncation, max_length, pad_to_multiple_of, self.model_max_length
        )
        layout = Layout(
            cls_id=self.cls_token_id,
            sep_id=self.sep_token_id,
            pad_id=self.pad_token_id,
            names=self._names,
            special=add_special_tokens,
            truncation=cuts,
            truncation_side=side("truncation_side", self.truncation_side),
            max_length=length,
            stride=stride,
            overflow=return_overflowing_tokens,
            padding=pads,
            padding_side=side("padding_side", self.padding_side if padding_side is None else padding_side),
            pad_to_multiple_of=count("pad_to_multiple_of", pad_to_multiple_of),
        )
        wanted = self._wanted(return_token_type_ids, return_attention_mask)
        wanted |= {
            "special_tokens_mask": return_special_tokens_mask,
            "offset_mapping": return_offsets_mapping,
            "length": return_length,
            "overflow_to_sample_mapping": return_overflowing_tokens,
        }
        splits = self.split_special_tokens if split_special_tokens is None else split_special_tokens
        answers = [
            self._encode(given, pair, layout, wanted, is_split_into_words, splits, return_tensors)
            for given, pair in ((text, text_pair), (text_target, text_pair_target))
            if given is not None
        ]
        if verbose and length is None:
            self._warn(answers[0])
        if text is not None and text_target is not None:
            answers[0]["labels"] = answers[1]["input_ids"]
        return answers[0]

    def pad(
        self,
        encoded_inputs: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        padding: bool | str = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
        verbose: bool = True,
    ) -> BatchEncoding:
        """Pad rows that are encoded already, as a data collator does.

        Args:
            encoded_inputs: one row by name, rows by name, or a list of rows; lists, arrays or tensors.
            padding: as in a call, and `max_length`, `pad_to_multiple_of`, `padding_side` too.
            max_length: see `padding`.
            pad_to_multiple_of: see `padding`.
            padding_side: see `padding`.
            return_attention_mask: make one where there is none; None for what the model takes.
            return_tensors: "pt", "np" or "tf"; None for what the rows are made of.
            verbose: accepted so that calls move over; there is nothing to warn of.

        Raises:
            InputError: rows without input_ids, or unequal numbers of rows.
        """
        pads, _, length = strategies(padding, False, max_length, pad_to_multiple_of, self.model_max_length)
        return pad_rows(
            encoded_inputs,
            fill={
                "input_ids": self.pad_token_id,
                "token_type_ids": self.pad_token_type_id,
                "attention_mask": 0,
                "special_tokens_mask": 1,
            },
            padding=pads,
            length=length,
            multiple=count("pad_to_multiple_of", pad_to_multiple_of),
            side=side("padding_side", self.padding_side if padding_side is None else padding_side),
            masked=self._wanted(None, return_attention_mask)["attention_mask"],
            framework=return_tensors,
        )

    @property
    def do_lower_case(self) -> bool:
        """Whether texts are lower-cased."""
        return self.files.lower_case

    @property
    def max_len_single_sentence(self) -> int:
        """Tokens that a text alone may have."""
        return self.model_max_length - self.num_special_tokens_to_add()

    @property
    def max_len_sentences_pair(self) -> int:
        """Tokens that the two texts of a pair may have together."""
        return self.model_max_length - self.num_special_tokens_to_add(pair=True)

    def _wanted(self, type_ids: bool | None, mask: bool | None) -> dict[str, bool]:
        names = self.model_input_names
        return {
            "token_type_ids": "token_type_ids" in names if type_ids is None else type_ids,
            "attention_mask": "attention_mask" in names if mask is None else mask,
        }

    def _encode(
        self,
        text: Any,
        text_pair: Any,
        layout: Layout,
        wanted: Mapping[str, bool],
        split_words: bool,
        split_special_tokens: bool,
        framework: str | None,
    ) -> BatchEncoding:
        texts = read_texts(text, text_pair, split_words=split_words)
        seconds = [second for second in texts.seconds if second is not None]
        segments = self._engine.encode(
            [*texts.firsts, *seconds], split_words=split_words, split_special_tokens=split_special_tokens
        )
        rest = iter(segments[len(texts.firsts) :])
        rows: list[Encoding] = []
        samples: list[int] = []
        for sample, (first, second) in enumerate(zip(segments, texts.seconds, strict=False)):
            made = layout.rows(first, None if second is None else next(rest))
            rows += made
            samples += [sample] * len(made)
        rows = layout.padded(rows)
        data = _answer(rows, samples, wanted)
        if texts.single and framework is None and not layout.overflow:
            data = {name: values if name == "length" else values[0] for name, values in data.items()}
        return BatchEncoding(data, rows, framework)

    def _warn(self, answer: BatchEncoding) -> None:
        longest = max((len(row) for row in answer.encodings or ()), default=0)
        if longest > self.model_max_length and not self._warned:
            self._warned = True
            _LOG.warning(
                "a text has %d tokens, but the model reads %d; pass truncation=True",
                longest,
                self.model_max_length,
            )


def _answer(rows: Sequence[Encoding], samples: list[int], wanted: Mapping[str, bool]) -> dict[str, Any]:
    made: dict[str, Callable[[], list[Any]]] = {
        "token_type_ids": lambda: [row.type_ids for row in rows],
        "attention_mask": lambda: [row.attention_mask for row in rows],
        "special_tokens_mask": lambda: [row.special_tokens_mask for row in rows],
        "offset_mapping": lambda: [row.offsets for row in rows],
        "length": lambda: [len(row) for row in rows],
        "overflow_to_sample_mapping": lambda: samples,
    }
    chosen = {name: make() for name, make in made.items() if wanted[name]}
    return {"input_ids": [row.ids for row in rows]} | chosen
