# `make demo` and `make test` work on a fresh clone with Python 3.11 and make.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint fast bench up format clean

help:  ## Say what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

$(READY): pyproject.toml constraints.txt scripts/setup.sh
	@PYTHON=$(PYTHON) VENV=$(VENV) bash scripts/setup.sh

setup: $(READY)  ## Make .venv with everything in it

demo: $(READY)  ## Run the whole runbook with the official clients, step by step
	@$(BIN)/python scripts/demo.py

# More processes than processors where tests start servers and wait for them.
test: fast  ## Run the whole test suite
	@$(BIN)/python -m pytest -n 3 --dist loadfile tests/integration
	@$(BIN)/python -m pytest -n 3 --dist loadfile tests/compat tests/e2e

check: lint fast  ## Format, lint, types, architecture, fast tests

lint: $(READY)  ## Format, lint, types, architecture
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fast: $(READY)  ## Run the tests that start no server
	@$(BIN)/python -m pytest -q -n 2 tests/unit tests/property tests/docs

format: $(READY)  ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY)  ## Measure the data plane beside its peers, and the registry
	@$(BIN)/python -m benchmarks.data_plane
	@$(BIN)/python -m benchmarks.data_plane --rows 100 --connections 8 --no-peers
	@$(BIN)/python -m benchmarks.registry

up: $(READY)  ## Start the platform on this machine
	@$(BIN)/pierhead up

clean:  ## Remove .venv and caches
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
