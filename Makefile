# Everything a person or a machine does with this tree. `make demo` and `make test` need nothing but Python 3.11 or later:
# the first run makes .venv from the locked versions, later runs start at once.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := $(VENV)/stamps
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCK   := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
          --no-header --no-annotate --no-emit-index-url --no-emit-find-links --group editable --quiet
JOBS   ?= 2
BENCH  ?=
SEEDS  ?= 20000
MINUTES ?= 120
CASES  ?= 20000

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint fmt accept bench soak docs firmware requirements tables lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMPS)/dev ## make .venv with the locked versions of everything

demo: $(STAMPS)/runtime ## prove, compile and run a treatment on the simulator, then break it and see it refuted
	$(BIN)/ionto demo

test: lint ## everything that a change must pass
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal -m "not realtime"
	$(BIN)/python -m pytest --numprocesses $(JOBS) -m realtime

lint: $(STAMPS)/dev ## style, types and the architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(STAMPS)/dev ## lay out the Python sources, mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

accept: $(STAMPS)/dev ## rewrite the expected blocks of the corpus; review them with `git diff`
	$(BIN)/python -m pytest --accept tests/corpus tests/docs

bench: $(STAMPS)/dev ## measure against the targets, in one interleaved run (BENCH="--runs 31" for more)
	$(BIN)/python -m tests.bench $(BENCH)
	$(BIN)/python -m tests.bench.running

soak: $(STAMPS)/dev ## hours of seeds: SEEDS simulated sessions, CASES verdicts, MINUTES of real processes, then the same tests, wide
	$(BIN)/python -m tests.simulation --seeds $(SEEDS)
	$(BIN)/python -m tests.differential --cases $(CASES)
	$(BIN)/python -m tests.soak --minutes $(MINUTES)
	IONTO_HYPOTHESIS=wide $(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal --soak

docs: $(STAMPS)/dev ## make the generated pages of docs/ anew
	$(BIN)/python -m docs.generate

firmware: ## build the reference firmware and its emulator (needs gcc-avr avr-libc gcc libsimavr-dev libelf-dev)
	$(MAKE) -C firmware

requirements: $(STAMPS)/dev ## run the tests of every requirement and write down what came of them
	$(BIN)/python -m pytest -m requirement --record-requirements=docs/safety/requirements.results.json
	$(BIN)/python -m docs.generate

tables: $(STAMPS)/dev ## compute the parser's tables anew after a change of the grammar
	$(BIN)/python grammars/write_tables.py

lock: $(STAMPS)/dev ## resolve the dependencies anew into requirements/ (needs `uv`)
	$(PIP) uv
	$(LOCK) --upgrade --extra dev --output-file requirements/dev.txt
	$(LOCK) --constraints requirements/dev.txt --output-file requirements/runtime.txt

clean: ## remove what the other targets made
	rm -rf $(VENV) demo dist build firmware/build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "ionto needs Python 3.11 or later; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The editable installation is stamped by pyproject.toml, the dependencies by their lock file.
$(STAMPS)/runtime: requirements/runtime.txt pyproject.toml | $(BIN)/pip
	$(PIP) --require-hashes --requirement requirements/runtime.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: requirements/dev.txt $(STAMPS)/runtime
	$(PIP) --require-hashes --requirement requirements/dev.txt
	@mkdir -p $(STAMPS) && touch $@
