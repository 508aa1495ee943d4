# make demo and make test do all the set-up; PYTHON=3.10 picks the stack, EXTRA=cuda adds NVIDIA's.
.DEFAULT_GOAL := help
.PHONY: help setup demo run test test-slow lint format compile image image-test clean

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

lint: setup ## format, lint, types, Dockerfile
	@.venv/bin/hadolint Dockerfile
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy

format: setup ## put the code into form
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

# Values of no project, to see that the configuration compiles.
DIGEST = sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
REGISTRY = europe-west4-docker.pkg.dev/example-project/noduleflow
VERTEX_EXAMPLE = --config configs/vertex.yaml --set vertex.project=example-project \
	--set 'data.roots=[gs://example-data/luna16]' \
	--set vertex.pipeline_root=gs://example-runs/noduleflow \
	--set vertex.service_account=runner@example-project.iam.gserviceaccount.com \
	--set vertex.image=$(REGISTRY)/noduleflow@$(DIGEST) \
	--set vertex.push.endpoint.serving_image=$(REGISTRY)/tensorflow-serving:2.21.0@$(DIGEST)

compile: setup ## compile the pipeline for Vertex AI, with values of no project
	@.venv/bin/python kubeflow_runner.py compile $(VERTEX_EXAMPLE) --output output/vertex.json

image: ## build the container image, with docker, podman or buildah: docs/image.md
	@scripts/image.sh

image-test: ## build it without a registry and run tests, Beam and the job in it (root, buildah)
	@scripts/image_test.sh $(ARGS)

clean: ## remove what was made, but not .venv
	rm -rf output .pytest_cache .mypy_cache .ruff_cache
