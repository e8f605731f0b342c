# make run · make test · make test-all · make check · make bench
PYTHON ?= $(firstword $(foreach v,11 12 13,$(shell command -v python3.$(v))))
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
# The multimodal part of llama.cpp is not used; without it the build takes half the time.
export CMAKE_ARGS ?= -DLLAVA_BUILD=OFF

.PHONY: run setup test test-all check bench soak lock format clean

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
	$(BIN)/answerdesk bench

soak: $(VENV)/.dev setup
	$(BIN)/python -m tests.soak

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Answerdesk needs Python 3.11, 3.12 or 3.13, and none is installed:" \
	  "take it from your system's packages, or name one with make run PYTHON=/path/to/python." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@$(PIP) install --quiet $$(grep '^pip==' requirements.txt)

$(VENV)/.runtime: requirements.txt pyproject.toml | $(BIN)/python
	@$(BIN)/python -c 'import llama_cpp' 2>/dev/null || { \
	  echo "Installing. The first time on a machine, llama-cpp-python is compiled from source:"; \
	  echo "7 minutes on two quiet cores, up to 15 on busy ones, with little to see meanwhile."; \
	  echo "Everything else takes about 3 minutes. Nothing of this is repeated later."; }
	$(PIP) install --progress-bar on -r requirements.txt
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements-ocr.txt tests/console/package-lock.json $(VENV)/.runtime
	$(PIP) install --progress-bar on -r requirements-dev.txt
	$(PIP) install --progress-bar on -r requirements-ocr.txt
	@if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund --prefix tests/console; \
	  else echo "Without npm the pages' accessibility is not tested."; fi
	@touch $@

LOCK := $(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --no-annotate \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
lock: $(BIN)/python
	@$(PIP) install --quiet $$(grep '^pip-tools==' requirements-dev.in)
	CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) -o requirements.txt requirements.in
	@sed -i 's/+cpu$$//' requirements.txt
	CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) -o requirements-dev.txt requirements-dev.in
	@sed -i 's/+cpu$$//' requirements-dev.txt
	CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) --generate-hashes -o requirements-ocr.txt requirements-ocr.in

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
