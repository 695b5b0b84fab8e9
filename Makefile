# `make` lists what there is to do. Two commands for a newcomer: `make battery` runs one, `make test`
# checks everything.
# Both build .venv first, from a hashed lock, and need nothing but Python 3.11+, git, bash, make.

PYTHON ?= $(shell command -v python3 || command -v python)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# A lock names every package with its version and hashes, so pip has nothing to work out: --no-deps
# keeps a later release of anything from breaking it. --no-compile takes half the time off; Python
# compiles a module when it is first imported.
INSTALL := $(PIP) --no-deps --require-hashes --only-binary :all: --no-compile
UV := $(VENV)/lock/bin/uv
COMPILE := $(UV) pip compile --quiet --upgrade --universal --python-version 3.11 --only-binary :all: \
  --generate-hashes --no-strip-extras --no-header --no-annotate pyproject.toml --group build

# It would have each worker of the tests, and each process that they start, compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help battery quick test recipes fuzz cover lint format bench calibrate gauntlet docs pictures reference lock clean

# First, and so what `make` alone does.
help:  ## this list
	@sed -nE 's/^([a-z]+):[^#]*  ## (.*)/\1|\2/p' $(MAKEFILE_LIST) | \
	  while IFS='|' read -r target text; do printf '  make %-10s %s\n' "$$target" "$$text"; done

battery: $(VENV)/ready  ## run a three-iteration battery on the embedded gateway
	$(BIN)/battery run --iterations 3

# Everything but the slow modules, and few examples of each property.
quick: lint  ## what to run while you edit
	$(BIN)/python -m pytest -n 2 --dist worksteal -q -m "not slow and not recipe" --hypothesis-profile=quick

# CI empties this, and so follows the recipes without collecting all tests once more.
TESTS ?= -m "not recipe"

test: lint  ## the whole program; CI adds what only a build can show
	$(BIN)/python -m pytest -n 4 --dist worksteal $(TESTS)

# Apart, because each one runs batteries on a copy of the program.
recipes: $(VENV)/test-ready  ## follow the recipes of CONTRIBUTING with made-up additions
	$(BIN)/python -m pytest -n 4 --dist worksteal -q -m recipe
	$(BIN)/python -m tests.records.word_recipe

FUZZED := tests/test_fuzz.py tests/verdict/test_consistency.py tests/verdict/test_recomputed.py

# The suite has a few of these examples. They are the same each time; PROFILE=explore draws new ones.
fuzz: PROFILE ?= fuzz
fuzz: $(VENV)/test-ready  ## a minute of answers that are nearly right
	$(BIN)/python -m pytest -q $(FUZZED) --hypothesis-profile=$(PROFILE)

# Apart, because tracing every line takes a test more than twice as long. Of the slow modules a few
# are traced (tests/conftest.py): the others execute little that is not executed by then.
cover: $(VENV)/test-ready  ## the tests once more, with their coverage
	$(BIN)/python -m pytest -n 4 --dist worksteal -q -m "not recipe" --cov --cov-fail-under=90

lint: $(VENV)/test-ready  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
# Where nothing is compiled yet, the tests are, once and not by each worker, while mypy keeps another
# core busy for half a minute.
	@test -d tests/__pycache__ || $(BIN)/python -m pytest --collect-only -qq > /dev/null 2>&1 & \
	  $(BIN)/mypy; status=$$?; wait; exit $$status

format: $(VENV)/test-ready  ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/test-ready  ## the figures of docs/explanation/performance.md
	$(BIN)/python benchmarks/run.py

calibrate: $(VENV)/ready  ## the table of docs/explanation/calibration.md
	$(BIN)/battery calibrate --preset full

gauntlet: $(VENV)/test-ready  ## the tables of docs/explanation/gauntlet.md
	$(BIN)/battery calibrate --preset gauntlet
	$(BIN)/python -m docs.gauntlet

docs: $(VENV)/test-ready  ## the documentation as a site, in site/; a broken link fails
	$(BIN)/sphinx-build -q -W --keep-going -n -c docs . site

pictures: $(VENV)/test-ready  ## the pictures of docs/images; needs Chromium and pdftoppm
	$(BIN)/python -m docs.pictures

reference: $(VENV)/test-ready  ## the tables of the reference that follow from the program
	$(BIN)/python -m docs.reference

lock: $(UV)  ## refresh both lock files
	$(COMPILE) -o requirements.lock
	$(COMPILE) -c requirements.lock --extra test -o requirements-test.lock

# An environment of its own: a lock must also be refreshed where the old one cannot be installed.
$(UV):
	$(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "battery needs Python 3.11 or later; say which: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -r requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# Apart, because the tests need ten times what the program needs.
$(VENV)/test-ready: $(VENV)/ready requirements-test.lock
	$(INSTALL) -r requirements-test.lock
	$(BIN)/python -m pip check
	@touch $@

clean:  ## remove everything that was built, .venv included
	rm -rf $(VENV) dist site .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis
