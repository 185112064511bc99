# Manyhands. `make run` and `make test` work from a bare checkout; see docs/ for everything else.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

BIN := .venv/bin
WORKERS ?= 2

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

.PHONY: install
install: ## Make .venv with everything that run, test and lint need
	@deploy/install.sh requirements-dev.txt

# Nothing that only tests need is installed by `make run`.
.PHONY: install-run
install-run:
	@deploy/install.sh requirements.txt

# The supervisor must be make's own child: TERM to make reaches it, and it ends everything it started.
.PHONY: run
run: install-run ## Start the whole application with demo data (PORT=8000, DATA_DIR=instance/)
	@exec $(BIN)/python -m deploy.supervise --end-with-parent

.PHONY: test
test: install ## Run every test: SQLite, PostgreSQL and browser
	@deploy/system-packages.sh
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

.PHONY: test-fast
test-fast: install ## Run the tests without browser and crash tests
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not browser and not crash"

# mypy is strict by pyproject.toml; --strict here would undo the one exception that is reasoned there.
.PHONY: lint
lint: install ## Check style, types, the ladder, templates and known mistakes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy app config.py wsgi.py deploy
	$(BIN)/lint-imports
	$(BIN)/djlint --lint --quiet templates deploy
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml app deploy config.py wsgi.py

.PHONY: format
format: install ## Format the code and mend what can be mended by itself
	$(BIN)/ruff check --fix-only --exit-zero .
	$(BIN)/ruff format .

.PHONY: nightly
nightly: install ## Try fifty times as much random and hostile input as `make test`, and every page in all eight ways
	@deploy/system-packages.sh
	@MANYHANDS_EXAMPLES=50 $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup tests/house/test_hostile.py tests/needs/test_hostile.py tests/api/test_fuzz.py \
	  tests/browser/test_every_page.py tests/browser/test_look.py tests/deploy/test_pages_in_browser.py \
	  tests/safeguarding/test_model.py tests/signups/test_model.py tests/pledges/test_model.py tests/donations/test_model.py tests/donations/test_back_model.py

.PHONY: bench
bench: install ## Measure; one JSON line a scenario
	@$(BIN)/python -m bench

.PHONY: storm
storm: install ## Let 100,000 webhooks and 500 kills pass over the money, on both databases (an hour or more)
	@deploy/system-packages.sh
	@$(BIN)/python -m tests.storm

.PHONY: lock
lock: install ## Lock what requirements*.in ask for, with hashes
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes -c requirements.txt requirements-dev.in -o requirements-dev.txt
