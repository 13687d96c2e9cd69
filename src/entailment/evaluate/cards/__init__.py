"""The model card of a checkpoint folder: README.md, written from what the files beside it record.

facts.py       what is known of a checkpoint: its own files, and what its owner states
records.py     values out of recorded JSON: there, of the right kind, or left out
results.py     evaluations: from the files of `entail evaluate` to results.json, and what a card says of them
metadata.py    the block at the top that the hub reads
sections.py    what every card says: what the model is, how to use it, its limits
measured.py    what was measured: on data sets, of probabilities, of int8
procedure.py   how it was trained, where `entail train` recorded that
rounds.py      how it was trained, where the recipe of the bundled model did
markdown.py    tables and words, escaped
write.py       all of it as one file
"""
