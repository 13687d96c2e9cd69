"""Knowledge distillation: a student that learns from a teacher besides its rows.

watch      what a model computes on its way, caught by hooks
losses     how far a student's logits, states and attention are from its teacher's
methods    which of those each paper adds up, and for which layers
objective  the objective of a task, with a teacher
teacher    a teacher opened, and refused where it cannot teach
stages     the run: MobileBERT's layers one after the other, then the task
"""
