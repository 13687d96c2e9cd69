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
    "max_shard_size": "weights are written as one file",
    "max_memory": "move the model where it shall be with .to(device)",
    "never_split": _SLOW,
    "pad_to_max_length": "say padding='max_length'",
    "proxies": "set HTTPS_PROXY in the environment",
    "push_to_hub": "`entail push` uploads a saved folder",
    "quantization_config": "`entail quantize` makes int8 of a checkpoint",
    "resume_download": "downloads go on where they stopped; leave it out",
    "revision": "write it into the name, as 'org/model@revision'",
    "safe_serialization": "weights are written as safetensors, which every reader opens; leave it out",
    "saved_model": "export(folder) writes a SavedModel",
    "subfolder": "fetch the checkpoint and name the folder",
    "trust_remote_code": "no code of a checkpoint is ever run; leave it out",
    "use_auth_token": "it is now called token",
    "use_safetensors": "safetensors are read first, and a .bin file cannot run code; leave it out",
    "variant": "weights are in model.safetensors or pytorch_model.bin; give the variant's file such a name",
}

#: Values of these that ask for nothing, or for what is done anyhow; of others None does, and mostly False.
_IDLE: dict[str, tuple[object, ...]] = {
    "do_basic_tokenize": (None,),
    "num_workers": (None, False, 0),
    "safe_serialization": (None, True),
    "truncation_strategy": (None, "do_not_truncate"),
    "use_safetensors": (None,),
}


def refuse_unknown(
    given: Mapping[str, object], known: Iterable[str], call: str, hints: Mapping[str, str] | None = None
) -> None:
    """Refuse arguments that are not known; one of the reference may be there where it asks for nothing.

    Args:
        given: what a call was given by name.
        known: the names it has.
        call: its own name, for the message.
        hints: what there is instead of further arguments, of which None alone asks for nothing.

    Raises:
        InputError: naming the argument, and what to do instead or which there are.
    """
    names, hints = sorted(known), hints or {}
    for name, value in given.items():
        usual = (None,) if name in hints else (None, False)
        hint = hints.get(name, INSTEAD.get(name))
        if name in names or (hint and _asks_nothing(name, value, usual)):
            continue
        if hint:
            raise InputError(f"{call} has no argument {name}: {hint}")
        raise InputError(f"{call} has no argument {name!r}; it has {', '.join(names)}")


def _asks_nothing(name: str, value: object, usual: tuple[object, ...]) -> bool:
    if name == "max_shard_size" and "GB" in str(value):  # no model here is as large as the usual limits
        return True
    return any(value is idle or (value == idle and isinstance(value, str)) for idle in _IDLE.get(name, usual))
