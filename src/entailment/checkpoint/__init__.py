"""A hub name or a folder becomes a configuration, arrays, a label order and tokenizer files.

folder.py      `open_checkpoint`: where a name leads, and the `Checkpoint` it opens
hub.py         name@revision to a folder in the Hugging Face cache; copying.py: a copy elsewhere
config.py      config.json as frozen dataclasses, one per architecture; auto.py: of whichever a folder is
open_config.py what they do beyond their fields; head_settings.py: what the task heads read from them
config_dict.py them and the JSON object, both ways; fields.py: what their values must be
arguments.py   arguments that a call does not have, refused by name
json_files.py  JSON files read with every fault named, and written whole or not at all
weights.py     .safetensors, .bin and .h5 files to arrays, whole or sharded; precision.py: all of them float32
pickled.py     the .bin layouts; pickle_machine.py, pickle_values.py: what can build tensors and nothing else
keras_file.py  tf_model.h5
names.py       what a checkpoint calls each array and what we call it, strict both ways
shapes.py      the shape each of our arrays must have; finite.py: that they hold numbers
counts.py      how large a model is, and how much it computes
labels.py      which logit means entailment: by name, by probe (probe_pairs.py), or stated
calibration.py how sure the model may be; quantization.py: how it computes in int8

What the model classes, in torch and in Keras, share when they open a checkpoint:

loading_options.py   what `from_pretrained` takes by name; loading_report.py: what it found
matching.py          arrays and models, every array accounted for; head_names.py: what the heads' are called
"""
