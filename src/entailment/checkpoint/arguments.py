"""Arguments that a call does not have, refused by name: with what there is instead, or with all it has.

Calls that move over from the reference library bring arguments of its own. Swallowed, a wish would go unheard
and a slip of the pen unseen; so each is an error of one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from entailment.errors import InputError

_SLOW = "only the plain-Python tokenizers have it, BertTokenizer for one; AutoTokenizer takes use_fast=False"

#: Argument of the reference library -> what this library has instead.
INSTEAD = {
    "attn_implementation": "attention is fused unless a call asks for attentions; leave it out",
    "cache_folder": "entailment.load_model takes cache_dir, and what it opens goes in as the model",
    "default_activation_function": "it is now called activation_fn",
    "device_map": "move the model where it shall be with .to(device)",
    "do_basic_tokenize": _SLOW,
    "force_download": "delete the files from the cache to fetch them again",
    "from_flax": "weights are read from safetensors, .bin or .h5 files",
    "from_tf": "a tf_model.h5 is read where it is all there is; leave it out",
    "load_in_4bit": "`entail quantize` makes int8 of a checkpoint",
    "load_in_8bit": "`entail quantize` makes int8 of a checkpoint",
    "local_files_only": "entailment.load_model takes offline, and what it opens goes in as the model",
    "low_cpu_mem_usage": "models are built without memory and filled once; leave it out",
    "max_memory": "move the model where it shall be with .to(device)",
    "never_split": _SLOW,
    "pad_to_max_length": "say padding='max_length'",
    "proxies": "set HTTPS_PROXY in the environment",
    "quantization_config": "`entail quantize` makes int8 of a checkpoint",
    "resume_download": "downloads go on where they stopped; leave it out",
    "revision": "write it into the name, as 'org/model@revision'",
    "subfolder": "fetch the checkpoint and name the folder",
    "trust_remote_code": "no code of a checkpoint is ever run; leave it out",
    "use_auth_token": "it is now called token",
    "use_safetensors": "safetensors are read first, and a .bin file cannot run code; leave it out",
}

#: Of these, False is a wish as well.
_WISHES = frozenset({"do_basic_tokenize", "use_safetensors"})


def refuse_unknown(given: Mapping[str, object], known: Iterable[str], call: str) -> None:
    """Refuse arguments that are not known; one of the reference that is None or False asks for nothing.

    Args:
        given: what a call was given by name.
        known: the names it has.
        call: its own name, for the message.

    Raises:
        InputError: naming the argument, and what to do instead or which there are.
    """
    names = sorted(known)
    for name, value in given.items():
        nothing = value is None or (value is False and name not in _WISHES)
        if name in names or (name in INSTEAD and nothing):
            continue
        if name in INSTEAD:
            raise InputError(f"{call} has no argument {name}: {INSTEAD[name]}")
        raise InputError(f"{call} has no argument {name!r}; it has {', '.join(names)}")
