# What CI runs is what these targets run. Needs Python 3.11 or later and make.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PYTEST := $(BIN)/pytest --timeout 300
ARGS   ?=
SECONDS ?= 300
NONE_OK = $(if $(ARGS),|| [ $$? -eq 5 ])

.PHONY: help venv demo test lint unit integration chaos bench schemas audit clean
.DEFAULT_GOAL := help

help:
	@echo "make demo         run the bridge between a simulated shop and warehouse (ARGS=...)"
	@echo "make test         everything CI runs: lint, unit, integration"
	@echo "make lint         format check, ruff, mypy, import contracts"
	@echo "make unit         unit and contract tests, pure core covered to the last branch"
	@echo "make integration  tests on a real Kafka, real processes killed (ARGS=...)"
	@echo "make chaos        everything at once on a real Kafka (SECONDS=300)"
	@echo "make bench        measure (ARGS='deliver --workload W1')"
	@echo "make schemas      write schemas/ from the code"
	@echo "make audit        look for known weaknesses in the pinned packages"
	@echo "make clean        remove what was made, .venv too"

venv: $(STAMP)

# Built anew when the packages change; never half: the stamp comes last.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or later is needed, and $(PYTHON) is not."; \
	  echo "Install one, or name it: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "$(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv"; \
	  exit 1; }
	@echo "Installing the pinned packages into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(STAMP)
	@$(BIN)/returns-bridge dev $(ARGS)

test: lint unit integration
	@echo "make test: lint, unit, contract, integration and chaos tests passed"

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# A part of it waits for servers on loopback to stop: so one worker more than cores.
unit: $(STAMP)
	$(PYTEST) -n $$($(BIN)/python -c 'import os; print(os.cpu_count() + 1)') \
	  --dist worksteal tests/unit tests/contract \
	  --cov=bridge --cov-config=tests/pure-core.ini --cov-report=term-missing:skip-covered $(ARGS)

# Most of it is waiting: for sessions, leases, brokers. So more workers than cores. What
# measures time comes after it, two at a time. ARGS may choose tests of one part only (exit 5).
integration: $(STAMP)
	$(PYTEST) -n 3 --dist worksteal -m 'not timed' tests/integration $(ARGS) $(NONE_OK)
	$(PYTEST) -n 2 --dist worksteal -m timed tests/integration tests/chaos $(ARGS) $(NONE_OK)

chaos: $(STAMP)
	CHAOS_SECONDS=$(SECONDS) $(PYTEST) --timeout 2400 -s tests/chaos/test_everything_at_once.py $(ARGS)

bench: $(STAMP)
	@$(BIN)/returns-bridge bench $(ARGS)

schemas: $(STAMP)
	@$(BIN)/returns-bridge schemas write

# Asks a public database; without a network it says so and is no failure.
audit: $(STAMP)
	@$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip >.audit.log 2>&1; \
	code=$$?; cat .audit.log; \
	if [ $$code -ne 0 ] && grep -qiE 'connection|resolve|timed out|network|HTTPError|Max retries' .audit.log; then \
	  echo "audit: the database could not be reached; nothing was checked"; code=0; fi; \
	rm -f .audit.log; exit $$code

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache .coverage .coverage.* .state .cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
