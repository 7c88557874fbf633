# Gridpilot on a bare machine: python3 (3.11 or newer), make and git are all it takes.
.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
NAME ?= replan
ARGS ?=
# Drawn examples are the same at every run; `make test HYPOTHESIS_PROFILE=dev` looks for new ones.
export HYPOTHESIS_PROFILE ?= ci
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test serve lint bench clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

demo: $(VENV)/.run ## a day of charging behind a limit of half the connected power, in at most 90 seconds
	$(BIN)/gridpilot demo $(ARGS)

test: $(VENV)/.dev ## the test suite (JOBS=2 processes; ARGS="-k word" for a part)
	$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

serve: $(VENV)/.run ## the HTTP API and the OCPP gateway
	$(BIN)/gridpilot serve $(ARGS)

lint: $(VENV)/.dev ## style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev ## one benchmark (NAME=replan; `gridpilot bench list` names them)
	$(BIN)/gridpilot bench run $(NAME) $(ARGS)

clean: ## remove the environment, builds and caches
	rm -rf $(VENV) build dist *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The first python that is new enough and can make an environment; one message when there is none.
$(BIN)/python:
	@found=; bare=; \
	for candidate in python3 python3.13 python3.12 python3.14 python3.11; do \
	  $$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null || continue; \
	  if $$candidate -c 'import ensurepip, venv' 2>/dev/null; then found=$$candidate; break; fi; \
	  bare=$$candidate; \
	done; \
	if [ -z "$$found" ] && [ -n "$$bare" ]; then \
	  echo "gridpilot: $$bare cannot make an environment; install its venv package:" >&2; \
	  echo "  apt-get install $$($$bare -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" >&2; \
	  exit 1; \
	fi; \
	if [ -z "$$found" ]; then \
	  echo "gridpilot: needs Python 3.11 to 3.14; found: $$(python3 --version 2>&1 || echo none)" >&2; \
	  exit 1; \
	fi; \
	echo "making $(VENV) with $$($$found --version)"; \
	$$found -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing gridpilot into $(VENV)"
	@$(BIN)/python -m pip install --quiet -e . -c constraints.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "installing the test tools into $(VENV)"
	@$(BIN)/python -m pip install --quiet -e '.[bench,dev,postgres]' -c constraints.txt
	@touch $@
