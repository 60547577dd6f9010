# make test    lint, types and tests, in an environment of its own (what CI runs)
# make demo    a light install, one fit on bundled data, a report, and predictions, in demo/
# The rest: lint, study, study-claims, study-data, bench, lowest, wheel, clean.
#
# PYTHON=... chooses the interpreter (3.11 or later); otherwise the first suitable one is found.
# For Linux and macOS; on Windows do by hand what a recipe does, with Scripts for bin.

MIN     := 3.11
CHECK   := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON  ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c '$(CHECK)' 2>/dev/null && { echo $$p; break; }; done)

VENV    := .venv
LIGHT   := .venv-demo
LOWEST  := .venv-lowest
KERAS   := .venv-keras
BIN     := $(VENV)/bin
EXTRAS  := dev,boost,excel,sql,arrow,pandas,export,maps,deep,text,images,track,tune,secure,serve,trace
PROCESSES ?= 2
# One module or package with a __main__ is one table; `make bench TABLES=weight` makes one of them.
# Not among them: studies that take hours or need peers (their packages say how).
TABLES  ?= $(filter-out automl portfolio serving,\
	$(patsubst benchmarks/%.py,%,$(wildcard benchmarks/[a-z]*.py)) \
	$(patsubst benchmarks/%/__main__.py,%,$(wildcard benchmarks/*/__main__.py)))

export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Test processes share the cores: threads that wait must not spin.
export OMP_WAIT_POLICY := PASSIVE

.PHONY: test test-keras demo lint study study-claims study-data bench lowest wheel clean python
.DEFAULT_GOAL := test

test: lint
	$(BIN)/python -m pytest -n $(PROCESSES)

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/mypy

demo: $(LIGHT)/installed
	PATH="$(CURDIR)/$(LIGHT)/bin:$$PATH" bash examples/demo.sh

study: $(VENV)/installed
	$(BIN)/python -m pytest -m "slow or study" --timeout=0 -s

study-claims: $(VENV)/installed
	$(BIN)/python -m benchmarks.claims

# Each writes its own table in benchmarks/results; PEER names the Python of an environment with the
# peer that the table stands beside, where there is one.
study-data: $(VENV)/installed
	$(BIN)/python -m benchmarks.planted_faults $(if $(PEER),--peer-python $(PEER))
	$(BIN)/python -m benchmarks.findings
	$(BIN)/python -m benchmarks.label_errors
	$(BIN)/python -m benchmarks.active_learning
	$(BIN)/python -m benchmarks.drift_power
	$(BIN)/python -m benchmarks.cleaning
	$(BIN)/python -m benchmarks.suggest
	$(BIN)/python -m benchmarks.imbalance

bench: $(VENV)/installed
	for table in $(TABLES); do $(BIN)/python -m benchmarks.$$table || exit 1; done

lowest: $(LOWEST)/installed
	$(LOWEST)/bin/python -m pytest -n $(PROCESSES)

# Keras with TensorFlow, in an environment of its own: it slows others, and is 1.5 GB.
test-keras: $(KERAS)/installed
	KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 $(KERAS)/bin/python -m pytest \
		tests/models/test_keras_guests.py tests/models/test_keras_kept.py \
		tests/artifact/exports/test_tensorflow.py -n 0
	for example in examples/keras/*.py; do \
		TF_CPP_MIN_LOG_LEVEL=3 $(KERAS)/bin/python $$example || exit 1; done

wheel: $(VENV)/installed
	rm -rf dist
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) .venv-* build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# The three environments. A marker file, newer than what decides their contents, says that one is
# ready; pip runs again only when pyproject.toml or a constraint changes.
$(VENV)/installed: pyproject.toml constraints.txt | python
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -e ".[$(EXTRAS)]"
	touch $@

$(LIGHT)/installed: pyproject.toml constraints.txt | python
	$(PYTHON) -m venv $(LIGHT)
	$(LIGHT)/bin/python -m pip install --quiet -e .
	touch $@

$(LOWEST)/installed: pyproject.toml constraints-lowest.txt | python
	$(PYTHON) -m venv $(LOWEST)
	PIP_CONSTRAINT=$(CURDIR)/constraints-lowest.txt \
		$(LOWEST)/bin/python -m pip install --quiet -e ".[$(EXTRAS)]"
	touch $@

$(KERAS)/installed: pyproject.toml constraints.txt | python
	$(PYTHON) -m venv $(KERAS)
	$(KERAS)/bin/python -m pip install --quiet -e ".[dev,deep,text,images,export,tensorflow]"
	touch $@

python:
	@test -n "$(PYTHON)" || { echo "wholefit needs Python $(MIN) or later, and none was found:" \
		"install it, or say where it is with make PYTHON=/path/to/python3."; exit 1; }
	@$(PYTHON) -c '$(CHECK)' 2>/dev/null || { echo "wholefit needs Python $(MIN) or later;" \
		"$(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo 'not there, or does not run'):" \
		"choose another with make PYTHON=/path/to/python3."; exit 1; }
