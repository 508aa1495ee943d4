# make demo and make test do all the set-up; PYTHON=3.10 picks the stack, EXTRA=cuda adds NVIDIA's.
.DEFAULT_GOAL := help
.PHONY: help setup demo run test test-slow lint format clean

export TF_CPP_MIN_LOG_LEVEL ?= 2
OUTPUT ?= output/demo
ARGS ?=
# Each worker takes whole files, in order, so that what a file's tests share is made once.
WORKERS ?= $(shell nproc | awk '{print ($$1 < 4 ? $$1 : 4)}')
PARALLEL = -n $(WORKERS) --dist loadfile --no-loadscope-reorder

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## make .venv, once
	@scripts/setup.sh $(PYTHON)

demo: setup ## the main job on the phantom: data, training, evaluation, push, report
	@.venv/bin/python local_runner.py --config configs/demo.yaml --output $(OUTPUT) $(ARGS)

test: setup ## what CI runs
	@.venv/bin/python -m pytest $(PARALLEL) -m "not slow" $(ARGS)

test-slow: setup ## the tests that train or measure for long
	@.venv/bin/python -m pytest -m slow $(ARGS)

lint: setup ## format, lint, types
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy

format: setup ## put the code into form
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

clean: ## remove what was made, but not .venv
	rm -rf output .pytest_cache .mypy_cache .ruff_cache
