# `make demo` and `make test` do everything a fresh clone needs; the others are for working on poise.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
RUST := Cargo.toml Cargo.lock $(shell find rust -name '*.rs' -o -name Cargo.toml)
KERNELS := benches/kernels/Cargo.toml
WORKERS ?= auto
SECONDS ?= 60
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test test-rust test-python test-slow test-paths check format lint types imports stubs docs bench \
  bench-memory bench-core instructions fuzz wheel clean

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

test-paths: $(STAMPS)/native ## the tests of the kernels, Rust and Python, on each instruction set of this processor
	WORKERS=$(WORKERS) $(BIN)/python tools/test_paths.py

check: format lint types imports stubs docs ## format, lint, types, imports, stubs, examples in the docs

format: $(STAMPS)/dependencies
	cargo fmt --all --check
	cargo fmt --manifest-path $(KERNELS) --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
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

bench: $(STAMPS)/native $(STAMPS)/bench ## kernels beside their peers, in one run of half an hour at most
	$(BIN)/python -m benches

bench-memory: $(STAMPS)/native ## a million ticks of a thousand assets: fail if resident memory grows
	$(BIN)/python -m benches.memory

bench-core: $(STAMPS)/prerequisites ## kernels of the core beside other crates, without Python
	CARGO_TARGET_DIR=$(CURDIR)/target cargo test --quiet --profile bench --lib --locked --manifest-path $(KERNELS)
	CARGO_TARGET_DIR=$(CURDIR)/target cargo bench --quiet --locked --manifest-path $(KERNELS)

instructions: $(STAMPS)/dependencies ## fail when one of the hottest kernels takes 5 % more instructions (needs valgrind)
	CARGO_TARGET_DIR=$(CURDIR)/target cargo clippy --quiet --locked --manifest-path $(KERNELS) -- -D warnings
	$(BIN)/python -m benches.instructions

fuzz: $(STAMPS)/prerequisites ## hostile bytes and arrays for the core, SECONDS=60 shared by all targets (needs a C++ compiler)
	CARGO_TARGET_DIR=$(CURDIR)/target cargo clippy --quiet --locked --all-targets --manifest-path fuzz/Cargo.toml -- -D warnings
	tools/fuzz.sh $(SECONDS)

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

# A peer that cannot be installed here, say for want of a compiler, is named in the tables by the run itself.
$(STAMPS)/bench: $(STAMPS)/dependencies
	$(BIN)/python tools/requirements.py bench > $(STAMPS)/peers.txt
	$(BIN)/python -m pip install --quiet -r $(STAMPS)/peers.txt || while read -r peer; do \
	  $(BIN)/python -m pip install --quiet "$$peer" || echo "not installed: $$peer" >&2; done < $(STAMPS)/peers.txt
	@touch $@

$(STAMPS)/native: $(STAMPS)/dependencies $(RUST) README.md
	PATH="$(CURDIR)/$(BIN):$$PATH" MATURIN_PEP517_ARGS="--locked" \
	  $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
