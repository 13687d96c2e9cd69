"""A tokenizer's coming and going: opened from a folder or hub name, changed, and saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, Unpack

from tokenizers import AddedToken

from entailment.checkpoint.arguments import refuse_unknown
from entailment.errors import CheckpointNotFoundError, InputError
from entailment.text.files import ROLES, TOKENIZER_FILES, read_tokenizer_files
from entailment.text.hub_tokenizer import HubTokenizer
from entailment.text.saving import save_tokenizer, save_vocabulary
from entailment.text.settings import TokenizerSettings, check_unknown_token, stated_over
from entailment.text.special_tokens import Token, as_special, checked_token, checked_tokens

T = TypeVar("T", bound="KeptTokenizer")
#: The arguments of `from_pretrained` by name.
KNOWN = frozenset({*TokenizerSettings.__annotations__, "revision", "cache_dir", "local_files_only", "token"})


class KeptTokenizer(HubTokenizer):
    """A tokenizer that a checkpoint holds."""

    @classmethod
    def from_pretrained(
        cls: type[T],
        pretrained_model_name_or_path: str | Path,
        *,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        token: str | bool | None = None,
        **settings: Unpack[TokenizerSettings],
    ) -> T:
        """Open the tokenizer of a checkpoint folder or hub name.

        Args:
            pretrained_model_name_or_path: a folder, "org/model", "org/model@revision", or "bundled".
            revision: branch, tag or commit of a hub name.
            cache_dir: where downloads are kept; None for the Hugging Face cache.
            local_files_only: open no connection.
            token: of the hub; None for that of `hf auth login` or `HF_TOKEN`, False for none at all.
            **settings: replace what the checkpoint says, where not None; see `TokenizerSettings`, and the
                constructor for what they mean. A special token that the vocabulary lacks is added to it.

        Raises:
            CheckpointNotFoundError: there is no such folder or name, or no tokenizer in it.
            CorruptCheckpointError: a file is damaged; the message names it.
            InputError: a setting that there is not.
            UnsupportedModelError: the tokenizer is not WordPiece.
        """
        refuse_unknown(settings, KNOWN, f"{cls.__name__}.from_pretrained")
        folder = tokenizer_folder(
            pretrained_model_name_or_path,
            revision=revision,
            cache_dir=cache_dir,
            offline=local_files_only,
            token=token,
        )
        extra = settings.get("additional_special_tokens")
        if extra is not None:
            settings["additional_special_tokens"] = checked_tokens("additional_special_tokens", extra)
        tokenizer = cls.__new__(cls)
        files = stated_over(read_tokenizer_files(folder), settings, fast=cls.is_fast)
        tokenizer._set_up(files, str(pretrained_model_name_or_path))
        stated = [token for token in map(settings.get, ROLES) if token is not None]
        stated += settings.get("additional_special_tokens") or []
        if stated:
            tokenizer._add_missing_special_tokens(stated)
        return tokenizer

    def add_tokens(self, new_tokens: Token | Iterable[Token], special_tokens: bool = False) -> int:
        """Add tokens, to be found in texts before these are split into words.

        Returns:
            How many of them the vocabulary did not have. The model then needs
            ``resize_token_embeddings(len(tokenizer))``.

        Raises:
            InputError: a token of the vocabulary has the id that would follow, as after a doubled line.
        """
        listed = [new_tokens] if isinstance(new_tokens, (str, AddedToken)) else list(new_tokens)
        added, ids, taken = dict(self.files.tokens_in_text), self.get_vocab(), self._names
        for token in listed:
            entry = token if isinstance(token, AddedToken) else AddedToken(str(token))
            if special_tokens:
                entry = as_special(entry)
            if not entry.content:
                continue
            if entry.content not in ids:
                # The id that the Rust library gives, free or not.
                following = max(len(self.files.vocabulary), max(added, default=0) + 1)
                if following in taken:
                    raise InputError(
                        f"{self.files.source}: the token {entry.content!r} would get id {following}, which"
                        f" {taken[following]!r} has, because the {len(self.files.vocabulary)} tokens of the"
                        " vocabulary are not numbered without gaps; it may have a line twice"
                    )
                ids[entry.content] = following
            added[ids[entry.content]] = entry
        new = len(ids) - len(self)
        self._use(replace(self.files, added=added))
        return new

    def add_special_tokens(
        self, special_tokens_dict: Mapping[str, Any], replace_extra_special_tokens: bool = True
    ) -> int:
        """Set special tokens by role, or further ones under "additional_special_tokens".

        Args:
            special_tokens_dict: role to token; "additional_special_tokens", or "extra_special_tokens", to a
                list of them.
            replace_extra_special_tokens: further special tokens take the place of those there were, which
                stay in the vocabulary; False keeps both.

        Returns:
            How many of them the vocabulary did not have.

        Raises:
            InputError: an unknown role, a value that is no token, an unknown token that the vocabulary lacks,
                and what `add_tokens` raises.
        """
        changes = dict(special_tokens_dict)
        lists = {key: changes.pop(key, ()) for key in ("additional_special_tokens", "extra_special_tokens")}
        extra = [token for key, listed in lists.items() for token in checked_tokens(key, listed)]
        unknown = [role for role in changes if role not in ROLES]
        if unknown:
            raise InputError(f"{unknown[0]!r} is no special token; there are {', '.join(ROLES)}")
        roles = {role: checked_token(role, token) for role, token in changes.items()}
        check_unknown_token(self.files, roles)
        before = () if extra and replace_extra_special_tokens else self.files.extra_specials
        new = self.add_tokens([*roles.values(), *extra], special_tokens=True)
        specials = {**self.files.specials, **{role: str(token) for role, token in roles.items()}}
        extras = tuple(dict.fromkeys([*before, *map(str, extra)]))
        self._use(replace(self.files, specials=specials, extra_specials=extras))
        return new

    def set_extra_special_tokens(self, tokens: list[Token]) -> None:
        """Have these special tokens without a role, and no others; those the vocabulary lacks are added."""
        self.add_tokens(tokens, special_tokens=True)
        self._use(replace(self.files, extra_specials=tuple(dict.fromkeys(map(str, tokens)))))

    def _add_missing_special_tokens(self, stated: Iterable[object] = ()) -> None:
        """Add what the vocabulary lacks; of those `stated` as AddedToken, all are found as that says."""
        told = {token.content: token for token in stated if isinstance(token, AddedToken)}
        names = [name for name in self.all_special_tokens if name in told or name not in self._ids]
        self.add_tokens([told.get(name, name) for name in names], special_tokens=True)

    def save_vocabulary(self, save_directory: str | Path, filename_prefix: str | None = None) -> tuple[str]:
        """Write ``vocab.txt`` into a folder; returns its path.

        Raises:
            InputError: there is no such folder, or a token that no line can hold.
        """
        return (str(save_vocabulary(self.files, Path(save_directory), filename_prefix)),)

    def save_pretrained(
        self, save_directory: str | Path, filename_prefix: str | None = None
    ) -> tuple[str, ...]:
        """Write the whole tokenizer into a folder, for this library or ``transformers`` to open.

        Returns:
            The paths of the files.

        Raises:
            InputError: the folder cannot be written.
        """
        settings: dict[str, object] = {
            "model_max_length": self.model_max_length,
            "padding_side": self.padding_side,
            "truncation_side": self.truncation_side,
            "clean_up_tokenization_spaces": self.clean_up_tokenization_spaces,
            "tokenizer_class": type(self).__name__.removesuffix("Fast"),
        }
        if self.split_special_tokens:
            settings["split_special_tokens"] = True
        if self.model_input_names != list(self.default_input_names):
            settings["model_input_names"] = self.model_input_names
        return tuple(map(str, save_tokenizer(self.files, Path(save_directory), settings, filename_prefix)))

    def __repr__(self) -> str:
        limit = self.model_max_length
        return f"{type(self).__name__}({self.name_or_path!r}, {len(self)} tokens, up to {limit:g} a row)"


def tokenizer_folder(
    name: str | Path,
    *,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    offline: bool = False,
    token: str | bool | None = None,
) -> Path:
    """The folder that a name leads to; of a hub name only the files of its tokenizer are fetched.

    Raises:
        CheckpointNotFoundError: it leads nowhere, or there is none.
    """
    if name is None:  # which elsewhere is the model of the package
        raise CheckpointNotFoundError(
            "a tokenizer needs the name or folder of a checkpoint, not None; 'bundled' is this package's own"
        )
    # Names are resolved in one place, which is loaded only when one is opened.
    from entailment.checkpoint.folder import resolve

    files = (*TOKENIZER_FILES, "config.json")
    return resolve(name, revision=revision, cache_dir=cache_dir, offline=offline, files=files, token=token)
