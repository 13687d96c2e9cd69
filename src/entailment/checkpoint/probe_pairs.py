"""The pairs that tell the label order of a model whose names are silent: plain, and leaving no doubt."""

from __future__ import annotations

PROBE_PAIRS: tuple[tuple[str, str, str], ...] = (
    ("A man is playing a guitar on a stage.", "A man is playing an instrument.", "entailment"),
    ("Two dogs are running through a field.", "There are animals outdoors.", "entailment"),
    ("A woman is slicing tomatoes in her kitchen.", "A woman is preparing food.", "entailment"),
    ("The children are swimming in the lake.", "The children are in the water.", "entailment"),
    ("A young boy in a red shirt is riding a bicycle.", "A boy is riding a bike.", "entailment"),
    ("All of the students passed the exam.", "The students passed the exam.", "entailment"),
    ("An old man is sleeping on a bench in the park.", "A man is asleep.", "entailment"),
    ("The company sold its office in Paris last year.", "The company sold an office.", "entailment"),
    ("A man is playing a guitar on a stage.", "The man wants to become famous.", "neutral"),
    ("Two dogs are running through a field.", "The dogs belong to a farmer.", "neutral"),
    ("A woman is slicing tomatoes in her kitchen.", "The woman is cooking for her sister.", "neutral"),
    ("The children are swimming in the lake.", "The children are on holiday with their uncle.", "neutral"),
    ("A young boy in a red shirt is riding a bicycle.", "The boy is going to a friend's house.", "neutral"),
    ("A girl is reading a book on the train.", "The girl is reading a novel about the war.", "neutral"),
    ("An old man is sleeping on a bench in the park.", "The man is waiting for his wife.", "neutral"),
    ("The company sold its office in Paris last year.", "The buyer was a large bank.", "neutral"),
    ("A man is playing a guitar on a stage.", "Nobody is playing an instrument.", "contradiction"),
    ("Two dogs are running through a field.", "The dogs are sleeping.", "contradiction"),
    ("A woman is slicing tomatoes in her kitchen.", "A man is driving a car.", "contradiction"),
    ("The children are swimming in the lake.", "The children are sitting in a classroom.", "contradiction"),
    ("A young boy in a red shirt is riding a bicycle.", "The boy is asleep in his bed.", "contradiction"),
    ("All of the students passed the exam.", "None of the students passed the exam.", "contradiction"),
    ("An old man is sleeping on a bench in the park.", "The man is wide awake and running.", "contradiction"),
    (
        "The company sold its office in Paris last year.",
        "The company never sold any office.",
        "contradiction",
    ),
)
"""Premise, hypothesis, class: eight plain pairs of each, so that a weak model gets most of them right."""
