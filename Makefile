# What a newcomer and CI run. Each target makes its own virtual environment if it is not there; needs python3 and make.
# Without make, or on Windows: see README.md, "Without make".

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help play test quick check fuzz bench clean

help:
	@echo "make play    play soccer against bots, in a window (or in the terminal, without a display)"
	@echo "make test    run all tests"
	@echo "make quick   run the tests a developer runs often"
	@echo "make check   formatting, lint, types, layers"
	@echo "make fuzz    a million hostile inputs into every way in, some minutes"
	@echo "make bench   measure"
	@echo "make clean   remove what these made"

play: $(VENV)/.playable
	$(BIN)/ecsnet play soccer --bots 3

# Tests with real processes, windows and sockets come last and alone: they run in real time.
test: $(VENV)/.developable
	$(BIN)/python -m pytest -q -n auto -m "not process and not loopback"
	$(BIN)/python -m pytest -q -m "process or loopback"

quick: $(VENV)/.developable
	$(BIN)/python -m pytest -q -n auto -m "not slow and not process and not loopback"

check: $(VENV)/.developable
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fuzz: $(VENV)/.developable
	$(BIN)/python -m tests.fuzz

bench: $(VENV)/.developable
	@missed=; for file in tests/bench/bench_*.py; do \
	    echo "== $$file"; $(BIN)/python -m "tests.bench.$$(basename "$$file" .py)" || missed="$$missed $$file"; done; \
	    if [ -n "$$missed" ]; then echo "beyond twice a target:$$missed" >&2; exit 1; fi

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps depend on pyproject.toml: a new dependency is installed by the next command that needs it.
$(VENV)/.playable: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[pygame,terminal]"
	@touch $@

$(VENV)/.developable: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[pygame,dev]"
	@touch $@ $(VENV)/.playable

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
	    echo "ecsnet needs Python 3.11 or newer, and there is no $(PYTHON) here: see python.org, or name one:" \
	         "make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "ecsnet needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	         "Name a newer one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	    echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
