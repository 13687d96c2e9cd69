"""Text to tokens.

What the runtime reads with:

pairs.py          premise and hypothesis to ids, each text tokenised once; beginning.py: only what fits
tokenizer.py      texts to ids, fast; backend.py: the Rust tokenizer behind it
wordpiece.py      the same in plain Python, the definition to read; unicode_tables.py: its character classes
files.py          what a folder says about its tokenizer; reading.py: its files, read with every fault named

The tokenizer classes that the reference library documents, made of these:

hub_tokenizers.py the six classes by name; auto.py: the one that a checkpoint asks for
hub_tokenizer.py  a call: call_options.py, inputs.py (what is asked), batch.py, encoding.py (the answer)
engines.py        texts to tokens, plain or Rust; added.py: tokens that are found before words are split
layout.py         tokens to rows, cut and with special tokens; padding.py, tensors.py: rows to arrays
token_table.py    tokens and ids, both ways; special_tokens.py: those with a role; decode.py: back to text
kept_tokenizer.py opened, changed and saved; settings.py: what is stated then; saving.py: what is written
older_calls.py    encode, tokenize, encode_plus and their like
"""
