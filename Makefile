# `make demo` and `make test` do everything a fresh clone needs; the others are for working on poise.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
RUST := Cargo.toml Cargo.lock $(shell find rust -name '*.rs' -o -name Cargo.toml)
WORKERS ?= auto
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test test-rust test-python test-slow check format lint types imports stubs docs bench wheel clean

help: ## list the tasks
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

demo: $(STAMPS)/native ## set up everything and run the main job on the embedded sample
	@$(BIN)/poise demo

test: test-rust test-python ## set up everything and pass all tests, Rust and Python

test-rust: $(STAMPS)/prerequisites
	cargo test --quiet --workspace --locked

test-python: $(STAMPS)/native test-rust
	$(BIN)/python -m pytest -q -n $(WORKERS) -m "not slow"

test-slow: $(STAMPS)/native ## what does not fit the fast suite: the wheel in an empty environment and the like
	$(BIN)/python -m pytest -q -m slow

check: format lint types imports stubs docs ## format, lint, types, imports, stubs, examples in the docs

format: $(STAMPS)/dependencies
	cargo fmt --all --check
	$(BIN)/ruff format --check .

lint: $(STAMPS)/dependencies
	cargo clippy --quiet --workspace --all-targets --locked -- -D warnings
	$(BIN)/ruff check .

types: $(STAMPS)/native
	$(BIN)/mypy

imports: $(STAMPS)/dependencies
	$(BIN)/lint-imports

stubs: $(STAMPS)/native
	$(BIN)/python -m mypy.stubtest poise._native --mypy-config-file pyproject.toml

docs: $(STAMPS)/native
	$(BIN)/python -m pytest -q --doctest-modules python/poise tests/docs

bench: $(STAMPS)/native ## kernels beside their peers, in one run
	$(BIN)/python -m benches

wheel: $(STAMPS)/dependencies ## build the wheel into dist/
	$(BIN)/maturin build --release --locked --out dist

clean: ## remove everything that was built
	rm -rf $(VENV) target dist

$(STAMPS)/prerequisites: tools/prerequisites.sh
	@tools/prerequisites.sh > /dev/null
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dependencies: $(STAMPS)/prerequisites pyproject.toml constraints.txt tools/requirements.py
	@test -x $(BIN)/python || "$$(tools/prerequisites.sh)" -m venv $(VENV)
	$(BIN)/python tools/requirements.py dev > $(STAMPS)/requirements.txt
	$(BIN)/python -m pip install --quiet "maturin>=1.9,<2" -r $(STAMPS)/requirements.txt
	@touch $@

$(STAMPS)/native: $(STAMPS)/dependencies $(RUST) README.md
	PATH="$(CURDIR)/$(BIN):$$PATH" MATURIN_PEP517_ARGS="--locked" \
	  $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
