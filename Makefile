# Two commands for a newcomer: `make battery` runs one, `make test` checks everything.
# Both build .venv first, from the hashed lock, and need nothing but Python 3.11+, git, bash, make.

PYTHON ?= $(shell command -v python3 || command -v python)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: battery test cover lint format bench calibrate lock clean

battery: $(VENV)/ready  ## run a three-iteration battery on the embedded gateway
	$(BIN)/battery run --iterations 3

test: lint  ## everything that CI checks
	$(BIN)/python -m pytest -n 3 --dist worksteal

# Apart, because tracing every line takes as long again as the tests themselves.
cover: $(VENV)/ready  ## the tests once more, with their coverage
	$(BIN)/python -m pytest -n 3 --dist worksteal -q --cov --cov-fail-under=90

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/ready  ## the figures of docs/explanation/performance.md
	$(BIN)/python benchmarks/run.py

calibrate: $(VENV)/ready  ## the table of docs/explanation/calibration.md
	$(BIN)/battery calibrate --preset full

lock:  ## refresh requirements.lock; needs uv
	uv pip compile --universal --generate-hashes --python-version 3.11 --extra test \
	  --no-header --no-annotate --upgrade pyproject.toml -o requirements.lock

$(VENV)/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "battery needs Python 3.11 or later; say which: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

clean:
	rm -rf $(VENV) dist .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis
