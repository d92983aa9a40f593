# Two commands matter: `make run` and `make test`. `make` alone lists them all.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# tests also wait: for disks, for sockets, for stand-ins that are slow on purpose
WORKERS = $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 2)))

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/runs: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Confer needs Python 3.11 or newer; this is " + sys.version)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -r requirements.txt
	$(BIN)/pip install --quiet --no-deps --editable .
	@touch $@

.venv/develops: .venv/runs requirements-dev.txt
	$(BIN)/pip install --quiet -r requirements-dev.txt
	@touch $@

run: .venv/runs ## run Confer on this machine and deliver a sample completion; Ctrl-C stops it
	@$(BIN)/python -m sandbox.demo

test: .venv/develops ## everything that needs no server
	@$(BIN)/pytest -n $(WORKERS) -m "not servers"

test-all: .venv/develops ## everything; needs redis-server and PostgreSQL on this machine
	@$(BIN)/pytest -n $(WORKERS) -m "not servers"
	@$(BIN)/pytest -n 3 --dist loadfile -m "servers and not alone"
	@$(BIN)/pytest -m alone

coverage: .venv/develops ## which lines no test reaches that needs no server
	@$(BIN)/pytest -n $(WORKERS) -m "not servers" --cov --cov-report=term:skip-covered

check: .venv/develops ## format, lint, types, imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/develops ## benchmarks, as ratios to a baseline of the same run; ARGS=--quick for a short look
	@$(BIN)/python -m benchmarks $(ARGS)

docs: .venv/develops ## generate docs/reference from the code
	@$(BIN)/python -m docs.generate

.PHONY: help run test test-all coverage check bench docs
