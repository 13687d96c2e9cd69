"""Recipes that write checkpoints: composed of data, batches, a loss and a loop."""
