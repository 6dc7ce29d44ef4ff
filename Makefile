# Pillarbox: `make run` starts a working post office, `make test` proves that it is one.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: help run test test-long test-cluster lint format bench bench-cluster clean

help:  ## say what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(VENV)/.run: pyproject.toml scripts/venv
	scripts/venv $(PYTHON) $(VENV) .
	@touch $@

$(VENV)/.dev: pyproject.toml scripts/venv scripts/system-packages
	scripts/system-packages
	scripts/venv $(PYTHON) $(VENV) '.[dev]'
	scripts/venv $(PYTHON) $(VENV) '.[ldap]' || echo "python-ldap cannot be built; its tests are skipped."
	@touch $@ $(VENV)/.run

run: $(VENV)/.run  ## install into a virtual environment and start the demo
	$(BIN)/pillarbox demo

lint: $(VENV)/.dev  ## style, types, and the floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# A test that hangs ends the run, and is named: a run that never ends says nothing.
test: lint  ## install what is needed and run every check and test
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m 'not long' \
	    -o faulthandler_exit_on_timeout=true --max-worker-restart=0

test-long: $(VENV)/.dev  ## hundreds of kills, soaks
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m 'long and not cluster'

test-cluster: $(VENV)/.dev  ## nodes killed, frozen and cut off, databases lost
	$(BIN)/pytest -m cluster

bench: $(VENV)/.dev  ## measure the server beside others, and write docs/benchmarks.md (QUICK=1: in minutes)
	scripts/system-packages peers
	scripts/venv $(PYTHON) $(VENV) '.[bench]'
	$(BIN)/python -m bench --write $(if $(QUICK),--quick)

bench-cluster: $(VENV)/.dev  ## measure a cluster, and write docs/cluster-benchmarks.md (QUICK=1: in minutes)
	$(BIN)/python -m bench cluster --write $(if $(QUICK),--quick)

format: $(VENV)/.dev  ## lay the code out
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## remove what was made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
