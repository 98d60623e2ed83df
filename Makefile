# make run | make test | make test-faults | make bench | make lint | make clean; README.md says what each does.

PORT ?= 8501
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$python && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Where it is set, every process of the tests, and each start of the server, would compile everything anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test test-faults bench lint clean
.DEFAULT_GOAL := run

run: .venv/.installed
	@$(BIN)/daybook init --demo
	@exec $(BIN)/daybook serve --port $(PORT)

test: lint
	@.ci/install $(BIN) chromium postgresql fonts-noto-cjk nodejs npm goaccess
	@.ci/clients .venv/clients $(BIN)
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

test-faults: .venv/.installed-test
	@DAYBOOK_FAULT_ROUNDS=$${DAYBOOK_FAULT_ROUNDS:-100} $(BIN)/python -m pytest tests/faults --timeout 3600

lint: .venv/.installed-test
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: .venv/.installed-test
	@$(PIP) --editable '.[test,bench]'
	@$(BIN)/python -m tests.bench
	@$(BIN)/python -m tests.bench.reruns
	@$(BIN)/python -m tests.bench.operations
	@$(BIN)/python -m tests.bench.exports
	@$(BIN)/python -m tests.bench.server_logs
	@.ci/install $(BIN) goaccess
	@$(BIN)/python -m tests.bench.access_logs

clean:
	rm -rf .venv daybook.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find lib pages tests -name __pycache__ -prune -exec rm -rf {} +

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Daybook needs Python 3.11 or newer: install it (Debian, Ubuntu: apt-get install python3 python3-venv), or name it with make PYTHON=/path/to/python3." >&2; exit 1; }
	@.ci/environment "$(PYTHON)"

.venv/.installed: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing Daybook into .venv (a minute or two)"
	@$(PIP) --editable .
	@touch $@

.venv/.installed-test: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing Daybook and what its tests need into .venv (a minute or two)"
	@$(PIP) --editable '.[test]'
	@touch .venv/.installed $@
