"""A hub name or a folder becomes a configuration, arrays, a label order and tokenizer files.

folder.py      `open_checkpoint`: where a name leads, and the `Checkpoint` it opens
hub.py         name@revision to a folder in the Hugging Face cache
config.py      config.json as frozen dataclasses, one per architecture
config_dict.py them and the JSON object, both ways; fields.py: what their values must be
arguments.py   arguments that a call does not have, refused by name
json_files.py  JSON files read with every fault named, and written whole or not at all
weights.py     .safetensors and .bin files to arrays, whole or sharded; precision.py: all of them float32
pickled.py     the .bin layouts; pickle_machine.py, pickle_values.py: what can build tensors and nothing else
names.py       what a checkpoint calls each array and what we call it, strict both ways
shapes.py      the shape each of our arrays must have
labels.py      which logit means entailment: by name, by probe (probe_pairs.py), or stated
"""
