"""What can be learnt: each file an objective, made of rows, a tokenizer and a loss."""
