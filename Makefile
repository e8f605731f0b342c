# make run · make test · make test-all · make coverage · make check · make bench
PYTHON ?= $(firstword $(foreach v,11 12 13,$(shell command -v python3.$(v))))
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
# Of llama.cpp only what is used is compiled: no multimodal part, no helpers of its own programs.
export CMAKE_ARGS ?= -DLLAVA_BUILD=OFF "-DCMAKE_PROJECT_llama.cpp_INCLUDE=$(CURDIR)/models/llama/compile.cmake"

# The lines on descriptor 3 are shown; all else is in the log, whose end is shown after a failure.
LOG := build/setup.log
QUIETLY = mkdir -p build; exec 3>&1 >>$(LOG) 2>&1; set -e; \
  trap 'test $$? = 0 || { tail -n 20 $(LOG); echo "That failed. All of it is in $(LOG)."; } >&3' EXIT;

.PHONY: run setup test test-all coverage check bench soak texts lock base sbom format clean

run: setup
	@$(BIN)/answerdesk run

setup: $(VENV)/.runtime
	@$(BIN)/answerdesk models fetch --default

SLOW := models or browser or slow
test: $(VENV)/.dev
	@$(BIN)/answerdesk models fetch --default --tests
	$(BIN)/python -m pytest -n logical --dist worksteal -m "not ($(SLOW))"

# Lines and branches that the quick tests reach; below the floor of pyproject.toml it ends with 2.
coverage: $(VENV)/.dev
	@$(BIN)/answerdesk models fetch --default --tests
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n logical --dist worksteal -m "not ($(SLOW))"
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

test-all: test
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "$(SLOW)"

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev setup
	$(BIN)/python -m tests.bench

soak: $(VENV)/.dev setup
	$(BIN)/python -m tests.soak

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# What operators read, from the sources into the catalogues; new sentences are then translated there.
texts: $(VENV)/.dev
	@mkdir -p build
	$(BIN)/python -m babel.messages.frontend -q extract -F pyproject.toml --no-location --sort-output -o build/texts.pot .
	for po in core/translations/*.po; do $(BIN)/pybabel -q update -i build/texts.pot -o $$po \
	  -l $$(basename $$po .po) --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width=100; done

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Answerdesk needs Python 3.11, 3.12 or 3.13, and none is installed:" \
	  "take it from your system's packages, or name one with make run PYTHON=/path/to/python." >&2; exit 1; }
	@echo "A virtual environment in $(VENV), with $(notdir $(PYTHON))"
	@$(PYTHON) -m venv $(VENV)
	@sed -n '/^pip==/,/[^\\]$$/p' requirements.txt | $(PIP) install --quiet --require-hashes -r /dev/stdin

$(VENV)/.runtime: requirements.txt requirements-torch.txt pyproject.toml models/llama/compile.cmake | $(BIN)/python
	@$(QUIETLY) \
	echo "Installing, once. What the programs print is kept in $(LOG)." >&3; \
	echo "1/4 Libraries: about a minute" >&3; \
	sed '/^llama-cpp-python==/,/[^\\]$$/d' requirements.txt \
	  | $(PIP) install --require-hashes --no-deps -r /dev/stdin; \
	echo "2/4 PyTorch: about two minutes" >&3; \
	$(PIP) install -r requirements-torch.txt; \
	echo "3/4 Answerdesk" >&3; \
	$(PIP) install --no-deps --no-build-isolation -e .; \
	echo "4/4 llama.cpp, compiled for this machine: some minutes; the models are fetched meanwhile" >&3; \
	$(BIN)/answerdesk models fetch --default & fetching=$$!; \
	sed -n '/^llama-cpp-python==/,/[^\\]$$/p' requirements.txt \
	  | $(PIP) install --require-hashes --no-deps -r /dev/stdin; \
	wait $$fetching || true; \
	echo "Installed" >&3
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements-ocr.txt tests/console/package-lock.json $(VENV)/.runtime
	@$(QUIETLY) echo "What checks and tests need" >&3; \
	$(PIP) install --require-hashes --no-deps -r requirements-dev.txt; \
	$(PIP) install --require-hashes --no-deps -r requirements-ocr.txt
	@if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund --prefix tests/console; \
	  else echo "Without npm the pages' accessibility is not tested."; fi
	@touch $@

LOCK := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --strip-extras \
  --no-annotate --no-allow-unsafe --unsafe-package torch \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
lock: $(VENV)/.dev
	$(LOCK) -o requirements.txt requirements.in
	$(LOCK) -o requirements-dev.txt requirements-dev.in
	$(LOCK) -o requirements-ocr.txt requirements-ocr.in
	$(LOCK) -o requirements-postgres.txt requirements-postgres.in

# The digest of the base image, where a registry can be reached; the test of packages checks its form.
base:
	digest=$$(docker buildx imagetools inspect python:3.11-slim-bookworm --format '{{.Manifest.Digest}}') \
	  && sed -i "s|^ARG BASE=.*|ARG BASE=python:3.11-slim-bookworm@$$digest|" Dockerfile

sbom: $(VENV)/.dev
	@mkdir -p build
	cat requirements.txt requirements-torch.txt | $(BIN)/cyclonedx-py requirements --output-file build/sbom.json -

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
