# One way to do each chore; continuous integration runs the same ones.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo check test browser soak lint js format types docs lock benchmark benchmark-large clean

help: ## say what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

# pip's own guard against half-done installs is the lock with hashes; ours is the stamp, made last.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sightline needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

demo: $(VENV)/.installed ## install, build and index the demo town, serve the dashboard
	$(BIN)/sightline demo

# A process of tests for each processor and one more, as much of a test is waiting for servers and
# browsers; up to four. Each takes a run of neighbouring tests, so that what a module sets up is set
# up once; whoever is done first takes over half of another's rest.
WORKERS := -n $(shell expr $$(nproc) + 1) --maxprocesses 4 --dist worksteal

check: lint types ## before each commit: style, types and the quick tests
	$(BIN)/python -m pytest -q $(WORKERS) -m "not slow"

test: $(VENV)/.installed-dev ## run all tests; some need programs of Debian
	@tools/ensure-programs
	@tools/ensure-object-store $(BIN)/python
	$(BIN)/python -m pytest $(WORKERS)

soak: $(VENV)/.installed-dev ## kill and fuzz for half an hour what the tests kill and fuzz for seconds
	SIGHTLINE_KILLS=200 SIGHTLINE_MUTATIONS=10000 $(BIN)/python -m pytest $(WORKERS) --timeout 7200 -m "soak or hypothesis"

browser: $(VENV)/.installed-dev ## only the tests in a real browser
	@tools/ensure-programs
	$(BIN)/python -m pytest -m browser

lint: $(VENV)/.installed-dev js ## check style, notebooks, scripts and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

# Both tools come with the lock and ask no server. Deno runs nothing here: it carries TypeScript.
js: $(VENV)/.installed-dev ## lint our JavaScript and check its types
	$(BIN)/oxlint --deny-warnings
	DENO_DIR=$(VENV)/deno $(BIN)/deno check --quiet --no-remote --no-npm .

format: $(VENV)/.installed-dev ## put the code in form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.installed-dev ## check types
	$(BIN)/mypy
	$(BIN)/mypy examples/onvif

docs: $(VENV)/.installed-dev ## renew docs/commands.md and tests/interface_strings.txt from the code
	$(BIN)/python tools/commands.py
	$(BIN)/python -m tools.interface_strings

benchmark: $(VENV)/.installed-dev ## measure what the documents claim (needs the test material)
	$(BIN)/python benchmarks/lab.py --write
	-$(BIN)/python benchmarks/lab.py --profile yunet-dlib --quick --write  # if YuNet was imported
	$(BIN)/python benchmarks/recogniser.py
	$(BIN)/python benchmarks/unlabelled.py --write
	-$(BIN)/python benchmarks/unlabelled.py --profile mobilefacenet --write  # if it was imported
	$(BIN)/python benchmarks/town.py
	$(BIN)/python benchmarks/indexing.py
	$(BIN)/python benchmarks/search.py --sizes 1000000x128 1000000x512
	$(BIN)/python benchmarks/gallery_life.py
	$(BIN)/python benchmarks/parts.py
	-$(BIN)/python benchmarks/cluster.py  # if Ray can be started
	$(BIN)/python benchmarks/scale_model.py --write
	$(BIN)/python benchmarks/page.py
	$(BIN)/python benchmarks/team.py
	$(BIN)/python benchmarks/startup.py

benchmark-large: $(VENV)/.installed-dev ## the same of ten million templates: half an hour, 40 GB of disk
	$(BIN)/python benchmarks/search.py --sizes 1000000x128 10000000x128

lock: $(VENV)/.installed-dev ## renew the lock files from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --generate-hashes --universal --python-version 3.11 --no-header --quiet --upgrade -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev -c requirements.lock --generate-hashes --universal --python-version 3.11 --no-header --quiet --upgrade -o requirements-dev.lock
	$(BIN)/python tools/environment.py

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache test-artifacts
