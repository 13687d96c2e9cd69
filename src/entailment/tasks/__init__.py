"""Logits to answers: NLI, zero-shot classification, cross-encoder scores."""
