# make run · make test · make test-all · make check · make bench
PYTHON ?= $(firstword $(foreach v,11 12 13,$(shell command -v python3.$(v))))
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
# The multimodal part of llama.cpp is not used; without it the build takes half the time.
export CMAKE_ARGS ?= -DLLAVA_BUILD=OFF

.PHONY: run setup test test-all check bench soak texts lock base sbom format clean

run: setup
	@$(BIN)/answerdesk run

setup: $(VENV)/.runtime
	@$(BIN)/answerdesk models fetch --default

SLOW := models or browser or slow
test: $(VENV)/.dev
	@$(BIN)/answerdesk models fetch --default --tests
	$(BIN)/python -m pytest -n logical --dist worksteal -m "not ($(SLOW))"

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
	$(PYTHON) -m venv $(VENV)
	@sed -n '/^pip==/,/[^\\]$$/p' requirements.txt | $(PIP) install --quiet --require-hashes -r /dev/stdin

$(VENV)/.runtime: requirements.txt requirements-torch.txt pyproject.toml | $(BIN)/python
	@$(BIN)/python -c 'import llama_cpp' 2>/dev/null || { \
	  echo "Installing. The first time on a machine, llama-cpp-python is compiled from source:"; \
	  echo "7 minutes on two quiet cores, up to 15 on busy ones, with little to see meanwhile."; \
	  echo "Everything else takes about 3 minutes. Nothing of this is repeated later."; }
	$(PIP) install --progress-bar on --require-hashes --no-deps -r requirements.txt
	$(PIP) install --progress-bar on -r requirements-torch.txt
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements-ocr.txt tests/console/package-lock.json $(VENV)/.runtime
	$(PIP) install --progress-bar on --require-hashes --no-deps -r requirements-dev.txt
	$(PIP) install --progress-bar on --require-hashes --no-deps -r requirements-ocr.txt
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

# The digest of the base image, where a registry can be reached; the test of packages checks its form.
base:
	digest=$$(docker buildx imagetools inspect python:3.11-slim-bookworm --format '{{.Manifest.Digest}}') \
	  && sed -i "s|^ARG BASE=.*|ARG BASE=python:3.11-slim-bookworm@$$digest|" Dockerfile

sbom: $(VENV)/.dev
	@mkdir -p build
	cat requirements.txt requirements-torch.txt | $(BIN)/cyclonedx-py requirements --output-file build/sbom.json -

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
