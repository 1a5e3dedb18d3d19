# One way to do each chore; continuous integration runs the same ones.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo check test browser soak lint js format types docs dist sbom package-check audit lock benchmark benchmark-large clean

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
# browsers; up to four, each with one thread for its sums. Each takes a run of neighbouring tests,
# so that what a module sets up is set up once; whoever is done first takes over half of another's
# rest.
WORKERS := -n $(shell expr $$(nproc) + 1) --maxprocesses 4 --dist worksteal

check: lint types ## before each commit: style, types and the quick tests
	$(BIN)/python -m pytest -q $(WORKERS) -m "not slow"

test: $(VENV)/.installed-dev ## run all tests; some need programs of Debian
	@tools/ensure-programs
	@tools/ensure-object-store $(BIN)/python
	@tools/ensure-build $(BIN)/python
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(WORKERS)

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

docs: $(VENV)/.installed-dev ## renew what is written from code and figures, build the documents into build/site
	$(BIN)/python tools/commands.py
	$(BIN)/python -m tools.interface_strings
	$(BIN)/python -m tools.figures
	$(BIN)/python tools/house.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet

dist: $(VENV)/.installed ## build wheel and sdist into dist/
	@tools/ensure-build $(BIN)/python
	PYTHONPATH=$(VENV)/hatchling $(BIN)/python -m hatchling build -d dist

sbom: $(VENV)/.installed-dev ## write a bill of materials (CycloneDX) into dist/
	$(BIN)/python -m tools.third_parties --sbom dist/sightline-workbench.cdx.json

package-check: $(VENV)/.installed-dev dist ## install the wheel in empty environments, and use it (minutes, 2 GB)
	@tools/ensure-programs
	$(BIN)/python -m tools.package_check $(CHECKED)

# Its own environment: pip-audit is no package that ours needs.
$(VENV)/audit/bin/pip-audit: | $(BIN)/python
	$(BIN)/python -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit

audit: $(VENV)/audit/bin/pip-audit ## ask what is known against the locked packages (asks the package index)
	$(BIN)/python -m tools.audit $(VENV)/audit/bin/pip-audit

# Each keeps its figures, with machine, date and version, in the file that documents are written
# from. A line that begins with a hyphen needs what not every machine has.
MEASURE := $(BIN)/python benchmarks
KEPT := --figures docs/figures.json

benchmark: $(VENV)/.installed-dev ## measure what the documents claim, for hours (needs the test material)
	$(MEASURE)/lab.py $(KEPT)
	-$(MEASURE)/lab.py --profile yunet-dlib --quick $(KEPT)  # if YuNet was imported
	-$(MEASURE)/lab.py --profile mobilefacenet --quick $(KEPT)  # if it was imported
	$(MEASURE)/recogniser.py $(KEPT)
	$(MEASURE)/unlabelled.py $(KEPT)
	-$(MEASURE)/unlabelled.py --profile mobilefacenet $(KEPT)
	$(MEASURE)/town.py $(KEPT)
	$(MEASURE)/indexing.py --hours 0.25 $(KEPT)
	$(MEASURE)/search.py --sizes 1000000x128 1000000x512 $(KEPT)
	$(MEASURE)/gallery_life.py $(KEPT)
	$(MEASURE)/parts.py $(KEPT)
	$(MEASURE)/casework.py $(KEPT)
	-$(MEASURE)/cluster.py --profile yunet-dlib --times 6 $(KEPT)  # if Ray can be started
	-$(MEASURE)/scale_model.py --profile yunet-dlib $(KEPT)
	$(MEASURE)/page.py $(KEPT)
	$(MEASURE)/team.py $(KEPT)
	$(MEASURE)/startup.py $(KEPT)
	$(BIN)/python -m tools.figures

benchmark-large: $(VENV)/.installed-dev ## the same of ten million templates: half an hour, 40 GB of disk
	$(MEASURE)/search.py --sizes 1000000x128 10000000x128

lock: $(VENV)/.installed-dev ## renew the lock files from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --generate-hashes --universal --python-version 3.11 --no-header --quiet --upgrade -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev -c requirements.lock --generate-hashes --universal --python-version 3.11 --no-header --quiet --upgrade -o requirements-dev.lock
	echo hatchling | $(BIN)/uv pip compile - -c requirements-dev.lock --generate-hashes --universal --python-version 3.11 --no-header --no-annotate --quiet --upgrade -o tools/build.txt
	$(BIN)/python tools/environment.py
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m tools.third_parties

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache test-artifacts
