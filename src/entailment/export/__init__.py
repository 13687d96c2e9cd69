"""Checkpoints made into other forms, each measured against the original before it is written."""
