"""Measures of how often, and how surely, a model is right."""
