# Everything a person or a machine does with this repository. Needs Python 3.11 or newer, with pip.
# `make demo` and `make test` are the two to know; the first run of either makes .venv.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
LOCKED := --require-hashes --no-deps
# Test processes side by side: one more than cores, because many tests wait for other processes.
JOBS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )))

# What is different where machines share their stores.
SHARED := $(addprefix tests/,store services search jobs ingest)

.PHONY: demo compile test test-slow test-shared check coverage bench docs lock weights clean help

help: ## What can be made.
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

demo: .venv/runtime weights ## Find moments in a sample video, or in your own: make demo VIDEO=holiday.mp4
	$(BIN)/videlicet demo $(if $(VIDEO),--video "$(VIDEO)")

# Also where the environment says not to write bytecode: the tests start hundreds of processes.
compile: .venv/dev
	@$(BIN)/python -m compileall -q src tests

test: .venv/dev compile weights ## Run all tests but those that take minutes.
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-slow: .venv/dev compile weights ## Run the tests that take minutes: kills, clusters, official SDKs, the guide's commands.
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -m slow --durations 15 $(ARGS)

test-shared: .venv/dev compile weights ## Run the tests of what is stored over PostgreSQL and an object store.
	VIDELICET_TEST_SHARED=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --durations 15 $(or $(ARGS),$(SHARED))

check: .venv/dev ## Formatting, lint, types, import rules and cycles, unused code, file lengths.
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_import_cycles.py
	$(BIN)/vulture
	@find src -name '*.py' | xargs wc -l | awk '$$2 != "total" && $$1 > 500 { print $$2 ": " $$1 " lines, more than 500"; bad = 1 } END { exit bad }'

coverage: .venv/dev compile weights ## Run all tests; the core rooms must be covered to 95 %.
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --cov --cov-report= $(ARGS)
	$(BIN)/coverage report --skip-covered --fail-under=95 --include='src/videlicet/types/*,src/videlicet/store/*,src/videlicet/ingest/*,src/videlicet/jobs/*,src/videlicet/webhooks/*,src/videlicet/saved_searches/*,src/videlicet/analysis_jobs/*,src/videlicet/search/*'

bench: .venv/bench weights ## Measure again what bench/results/ publishes.
	$(BIN)/python -m bench $(ARGS)

docs: .venv/dev ## Build the guide into site/.
	$(BIN)/mkdocs build --strict --quiet
	@echo "The guide is in site/index.html"

weights: .venv/runtime
	$(BIN)/videlicet models pull

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Videlicet needs Python 3.11 or newer; name one with make PYTHON=...")'
	$(PYTHON) -m venv .venv

.venv/runtime: pyproject.toml requirements/build.txt requirements/runtime.txt | .venv/bin/python
	$(PIP) $(LOCKED) -r requirements/build.txt -r requirements/runtime.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: requirements/dev.txt .venv/runtime
	$(PIP) $(LOCKED) -r requirements/dev.txt
	@touch $@

.venv/bench: requirements/bench.txt .venv/dev
	$(PIP) $(LOCKED) -r requirements/bench.txt
	@touch $@

# Wheels only, one file for every system and Python. `make lock ARGS=--upgrade` moves the pins.
COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv --no-config pip compile --quiet --universal --python-version 3.11 --generate-hashes --only-binary :all: \
	--overrides requirements/overrides.txt --no-emit-package opencv-python \
	--no-emit-index-url --no-emit-find-links $(ARGS)

lock: .venv/bin/python ## Pin every dependency again, with hashes.
	@test -x $(BIN)/uv || $(PIP) uv
	$(COMPILE) pyproject.toml --output-file requirements/runtime.txt
	$(COMPILE) pyproject.toml --group dev --constraints requirements/runtime.txt --output-file requirements/dev.txt
	$(COMPILE) --group bench --constraints requirements/dev.txt --output-file requirements/bench.txt
	$(COMPILE) --group build --constraints requirements/dev.txt --output-file requirements/build.txt

clean: ## Remove what was built, with the environment; data directories and weights stay.
	rm -rf .venv site build dist .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache demo/out
