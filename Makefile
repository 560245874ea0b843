PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.set-up
ARGS ?=

.PHONY: help setup demo test browser check lint types unit fix screenshots bench fuzz migration constraints wheel wheel-check clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## make .venv with everything that demo, tests and development need
	@.ci/htmx
	@.ci/swagger-ui

$(STAMP): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hocphi needs Python 3.11 or newer: make PYTHON=python3.11")'
	@.ci/venv $(PYTHON)
	@echo 'installing into .venv: about a minute the first time'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo,test,dev]' -c constraints.txt
	@touch $(STAMP)

demo: setup ## play a province with one command and serve it
	$(BIN)/hocphi demo $(ARGS)

test: setup browser lint ## everything: linters, types, import contracts and all tests
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

browser: # chromium for the browser tests, where apt may install it
	@.ci/browser

check: setup lint unit ## the quick round of a minute: linters, types, tests without services

lint: setup types ## ruff, mypy and the contracts of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --config setup.cfg --no-logo

types: setup
	$(BIN)/mypy

unit: setup
	$(BIN)/python -m pytest -q -m 'not db and not slow and not browser' $(ARGS)

fix: setup ## let ruff format and mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

screenshots: setup browser ## take the pictures of the README anew
	SCREENSHOTS=1 $(BIN)/python -m pytest -q tests/test_screenshots.py

bench: setup ## measure against peers on this machine (docs/benchmarks.md); one of them: make bench ARGS=door
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]' -c constraints.txt || echo 'going on without the peers of PyPI'
	$(BIN)/python -m benchmarks $(ARGS)

fuzz: setup ## a million mutated requests over all adapters: make fuzz ARGS='--requests 1000000 --processes 2'
	$(BIN)/python -m benchmarks.fuzz $(ARGS)

migration: setup ## write the next migration from the models: make migration m="add what"
	$(BIN)/python -m operations.new_migration "$(m)"

constraints: setup ## note the versions that are installed now
	$(BIN)/python -m pip freeze --exclude hocphi --exclude pip --exclude setuptools --exclude wheel > constraints.txt

wheel: setup ## build the wheel into dist/
	$(BIN)/python -m build --wheel --outdir dist

wheel-check: setup ## install the built wheel into an empty environment and run the demo with it
	$(BIN)/python -m pytest -q tests/test_wheel.py $(ARGS)

clean: ## delete what was built or installed here
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis payments/web/static/vendor
