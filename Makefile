# kp's house. `make` alone lists what there is.

# Everything runs from .venv, made from requirements.lock alone; the stamp makes it
# anew when the lock or the package's own metadata changes.
# ARGS goes to pytest: make test ARGS="-k rollback -x".
STAMP := .venv/.stamp
BIN := .venv/bin

.PHONY: help venv demo demo-boot test house test-system test-system-full bench lint reference format clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

$(STAMP): requirements.lock pyproject.toml .ci/venv
	@.ci/venv .venv
	@touch $@

venv: $(STAMP) ## .venv with kp and all it needs

demo: $(STAMP) ## the whole story on made-up nodes: no root, no network
	@$(BIN)/kp demo

demo-boot: $(STAMP) ## the same story told by real firmware in QEMU (root: installs packages)
	@tests/support/rig/install-packages
	@PYTHONPATH=tests $(BIN)/python -m support.rig.demo

test: $(STAMP) ## every test that needs neither root nor network
	@$(BIN)/pytest -q -n auto -m "not system" $(ARGS)

house: $(STAMP) ## of these, the house's own: docs, sizes, contracts, packaging
	@$(BIN)/pytest -q tests/house

test-system: $(STAMP) ## real loaders, real disks, QEMU; of long sweeps a part (root: installs packages)
	@tests/support/rig/install-packages
	@$(BIN)/pytest -q -n auto --dist loadfile -m system $(ARGS)

test-system-full: override ARGS += --full
test-system-full: test-system ## the same through every point of its sweeps, for hours

bench: $(STAMP) ## kp beside its peers; the table of docs/performance.md
	@$(BIN)/python -m bench

lint: $(STAMP) ## ruff, formatting, mypy, import contracts
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

reference: $(STAMP) ## write docs/reference.md, man page and completions from the command
	@PYTHONPATH=tests $(BIN)/python -m support.reference > docs/reference.new
	@mv docs/reference.new docs/reference.md
	@PYTHONPATH=tests $(BIN)/python -m support.manual

format: $(STAMP) ## let ruff put the code in order
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

clean: ## remove .venv, caches and what builds left
	@rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@rm -rf .import_linter_cache
