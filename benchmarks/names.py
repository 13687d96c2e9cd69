"""What rows are called that targets and plots look for."""

from __future__ import annotations

PIPELINE = "transformers pipeline, as called by default"
PIPELINE_BEST = "transformers pipeline, best batch size"
TRANSFORMERS = "transformers"
ONE_BY_ONE = "transformers, a pair at a time"
GLICLASS = "GLiClass"
MOBILEBERT, BERT_BASE = "transformers, MobileBERT", "transformers, BERT_BASE"
OUR_COMMAND, SCRIPT, PYTHON = "entail classify", "the same script with transformers", "python -c pass"
