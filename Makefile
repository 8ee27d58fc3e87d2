PYTHON ?= python3
VENV := .venv
INSTALLED := $(VENV)/.installed
MARKETPLACE ?= simulated
SOURCE ?=
WORKERS ?= 2
GOVERN := $(VENV)/bin/govern
# Tests wait for the disk a quarter of their time: their files, at most 0.4 GB at a time, lie in memory where there is room.
ROOM := $(shell df -k --output=avail /dev/shm 2>/dev/null | tail -1)
TMPDIR ?= $(shell [ "$(ROOM)" -gt 2000000 ] 2>/dev/null && echo /dev/shm || echo /tmp)
# As many processes as there are cores, each of whose libraries takes one thread: more of them wait for each other.
PYTEST := TMPDIR=$(TMPDIR) POLARS_MAX_THREADS=1 OPENBLAS_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n $(WORKERS)
export MARKETPLACE

.PHONY: run test long scratch ui serve check bench lock help
.DEFAULT_GOAL := help

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "python3-venv is missing: apt-get install -y python3-venv"; exit 1; }
	@echo "installing into $(VENV) (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@awk '/^uv==/{found=1} found{print} found && !/\\$$/{exit}' requirements.lock > $(VENV)/uv.txt
	@$(VENV)/bin/pip install -q --disable-pip-version-check --no-deps --require-hashes -r $(VENV)/uv.txt
	@$(VENV)/bin/uv pip sync -q --require-hashes -p $(VENV)/bin/python requirements.lock
	@$(VENV)/bin/uv pip install -q --no-deps --no-build-isolation -p $(VENV)/bin/python -e .
	@touch $@

run: $(INSTALLED)  ## install and do the main job (MARKETPLACE=simulated|olist SOURCE=folder)
	@$(GOVERN) run $(if $(SOURCE),--source $(SOURCE))

test: $(INSTALLED)  ## install and run the default tests (under 8 minutes on 2 cores)
	@$(PYTEST)

long: $(INSTALLED)  ## run the tests that take a minute each
	@$(PYTEST) -m long

scratch:
	@echo $(TMPDIR)

ui: $(INSTALLED)  ## open the Dagster UI with the history that `make run` left
	@$(GOVERN) ui

serve: $(INSTALLED)  ## answer live decisions on http://127.0.0.1:8400 (docs/serving.md)
	@$(GOVERN) serve

check: $(INSTALLED)  ## format, lint, types, import layers, Dagster definitions
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/dg check defs

bench: $(INSTALLED)  ## benchmarks: ratios against a peer and a limit, written to var/bench.json
	@$(VENV)/bin/python -m benchmarks

lock: $(INSTALLED)  ## resolve the dependencies again into requirements.lock
	@$(VENV)/bin/uv pip compile -q pyproject.toml --extra prod --extra test --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements.lock

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
