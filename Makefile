# Every target sets up what it needs in .venv and remembers it with a stamp, so that the next call is quick.
#
#   make demo       the base package alone (no torch), then three texts through the bundled model
#   make test       linters, types and the tests, in a full development environment
#   make test-all   the same, with the slow tests
#   make lint       linters and types only
#   make docs       writes docs/cli.md from the command line's own help
#   make bench      ours beside its peers, in an environment of their own: JSON in benchmarks/results/, tables and plots
#                   in docs/ (a quarter of an hour on 2 cores)
#   make bench-serve  the server under load, beside the library: a quarter of an hour
#   make screenshots  takes the pictures of the page again, into docs/images/ (needs Chromium)
#   make train DATA=folder   trains the bundled model again, into runs/bundled, measures it and writes its card;
#                   stopped, it goes on where it was. TWIN=1: its full-attention twin, into runs/twin. NLI=1: one
#                   that learns from NLI alone, into runs/nli
#   make bundle     puts the model of runs/bundled into the package
#   make clean      removes .venv and caches

PYTHON ?= python3
VENV := .venv
BENCH := .venv-bench
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check
DATA ?=
TWIN ?=
NLI ?=
RUN := runs/$(if $(TWIN),twin$(if $(NLI),-nli),$(if $(NLI),nli,bundled))

.DEFAULT_GOAL := help
.PHONY: help demo test test-all lint docs bench bench-serve screenshots train bundle clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^#   //p' Makefile

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "entailment needs Python 3.11 or newer; say which with PYTHON=python3.11")'
	@$(PY) -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	@touch $@

# A full environment serves the demo as well: base is installed only where nothing is yet.
$(VENV)/.base: $(VENV)/.made pyproject.toml
	@echo "installing entailment (base package)"
	@$(PIP) --editable .
	@touch $@

# `pip install --group` needs pip 25.1, and a new Python 3.11 brings 23.2: the groups are read with the standard library.
# One pip command for all of it, so that the pinned torch is the only one ever fetched.
$(VENV)/.dev: $(VENV)/.made pyproject.toml
	@echo "installing entailment and its development group (PyTorch among them: minutes, the first time)"
	@$(PY) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"], sep="\n")' > $(VENV)/dev.txt
	@$(PIP) --requirement $(VENV)/dev.txt --editable '.[train]'
	@touch $(VENV)/.base $@

$(VENV)/.recipe: $(VENV)/.dev
	@$(PIP) --requirement $(VENV)/dev.txt --editable '.[recipe]'
	@touch $@

demo: $(VENV)/.base
	@$(VENV)/bin/entail classify --labels sports,politics,cooking \
		"The striker scored twice in the final" \
		"Parliament passed the budget by two votes" \
		"Let the sauce simmer until it thickens"

lint: $(VENV)/.dev
	@$(PY) -m ruff check --quiet
	@$(PY) -m ruff format --check --quiet || { $(PY) -m ruff format --check; exit 1; }
	@$(PY) -m mypy

test: lint
	@$(PY) -m pytest -q -m "not slow"

test-all: lint $(VENV)/.recipe
	@$(PY) -m pytest -q

docs: $(VENV)/.base
	@$(PY) -m entailment.cli.reference > docs/cli.md.new && mv docs/cli.md.new docs/cli.md

$(BENCH)/.made: pyproject.toml
	@echo "installing the benchmark's peers (2 GB: minutes, the first time)"
	@$(PYTHON) -m venv $(BENCH)
	@$(BENCH)/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["bench"], sep="\n")' > $(BENCH)/bench.txt
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $(BENCH)/bench.txt --editable .
	@touch $@

bench: $(BENCH)/.made
	@$(BENCH)/bin/python -m benchmarks

bench-serve: $(VENV)/.dev
	@$(PY) -m benchmarks.serve_load --overload 10 --soak 600

screenshots: $(VENV)/.dev
	@$(PY) -m tests.serve.page.screenshots

# The allocator keeps what a step frees: giving it back and asking again costs a quarter of the time.
train: export MALLOC_MMAP_THRESHOLD_ = 4294967296
train: export MALLOC_TRIM_THRESHOLD_ = 8589934592
train: $(VENV)/.recipe
	@test -d "$(DATA)" || { echo "usage: make train DATA=folder (it holds nli/, topics/ and zeroshot/)" >&2; exit 2; }
	@$(PY) -m entailment.train.bundled --data "$(DATA)" --out $(RUN) $(if $(TWIN),--full-attention) $(if $(NLI),--nli-only)
	@$(VENV)/bin/entail quantize $(RUN)/model --calibrate "$(DATA)/nli/train.parquet" --data "$(DATA)/nli/validation.parquet"
	@$(PY) -m entailment.evaluate.card --model $(RUN)/model --data "$(DATA)"

# What the last `make train` made becomes the model of the package.
bundle:
	@test -f runs/bundled/model/README.md || { echo "no trained model: make train DATA=folder" >&2; exit 2; }
	@rm -rf src/entailment/bundled && cp -r runs/bundled/model src/entailment/bundled && chmod 644 src/entailment/bundled/*

clean:
	rm -rf $(VENV) $(BENCH) build .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
