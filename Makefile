# `make` alone lists the targets. Each one does its own set-up: Python 3.11 or newer, git and make are enough.
.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
# The first interpreter that answers and is new enough; `make PYTHON=/path/to/python3.12 ...` to choose.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
UV := $(shell command -v uv 2>/dev/null)
# One process of tests a core, up to eight; who is done early takes over work of the others.
TESTS := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist worksteal
LOCK := uv pip compile --quiet --universal --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links \
	--python-version 3.11 --custom-compile-command "make lock" pyproject.toml

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none was found; name one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "setting up $(VENV) with $(PYTHON)"
	@if [ -n "$(UV)" ]; then uv venv --quiet --allow-existing --no-python-downloads --python "$(PYTHON)" $(VENV); \
	else $(PYTHON) -m venv $(VENV); fi
	@touch $@

# One recipe for both sets; hashes are demanded, and the package itself is built without fetching anything more.
define install
	@if [ -n "$(UV)" ]; then \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1) && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1) && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@touch $@
endef

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml $(VENV)/.made
	$(call install,requirements/runtime.txt)

$(VENV)/.dev: requirements/dev.txt pyproject.toml $(VENV)/.made
	$(call install,requirements/dev.txt)
	@touch $(VENV)/.runtime

demo: $(VENV)/.runtime ## run the main job once, from a first version to "may this be used?"
	@rm -rf demo
	@$(BIN)/policyctl demo demo

test: $(VENV)/.dev ## set up and pass the tests, on all cores
	@$(TESTS)

lint: $(VENV)/.dev ## ruff, the formatter and mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

coverage: $(VENV)/.dev ## the tests, with the lines they do not reach
	@$(TESTS) --cov --cov-report=term-missing:skip-covered

bench: $(VENV)/.dev ## benchmarks, as ratios against a floor or a peer of the same run
	@for script in bench/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

docs: $(VENV)/.dev ## rewrite the generated reference pages
	@$(BIN)/python docs/generate.py

messages: $(VENV)/.dev ## bring the translations up to the English phrases of the mails and the site
	@for domain in mail site; do $(BIN)/pybabel -q update --domain $$domain --no-fuzzy-matching --width 100 \
		--input-file policyctl/reports/locale/$$domain.pot --output-dir policyctl/reports/locale; done

lock: ## pin every dependency again, with hashes (needs uv)
	@$(LOCK) --extra postgres --extra pdf --extra bulk --extra web --group test --group lint --group build --upgrade --output-file requirements/dev.txt
	@$(LOCK) --group build --constraints requirements/dev.txt --output-file requirements/runtime.txt
	@$(LOCK) --extra spark --constraints requirements/dev.txt --output-file requirements/spark.txt
	@$(LOCK:pyproject.toml=) --group pyproject.toml:workflows --upgrade --output-file requirements/ci.txt

clean: ## remove what the other targets made
	rm -rf $(VENV) demo dist .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: help demo test lint coverage bench docs messages lock clean
