# Nothing here needs root but `make e2e`. `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help dev tools lint test unit integration e2e bench demo demo-registry lock manifests image clean

help: ## Show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

$(VENV)/.installed: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

dev: $(VENV)/.installed ## Create .venv with the locked dependencies

tools: dev ## Build the programs of the integration tests (once; KUBEBUILDER_ASSETS skips the control plane)
	$(BIN)/python -m tests.tools.build

lint: dev ## Style, types, layers, docstrings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/interrogate --quiet webhook

unit: dev ## Tests without a control plane
	$(BIN)/pytest -m "not integration"

integration: tools ## Tests against a real kube-apiserver and etcd
	$(BIN)/pytest -m "integration and not e2e"

test: lint tools ## Everything: lint, types, layers, unit and integration tests
	$(BIN)/pytest

e2e: dev ## Install the chart on a real node made here, and disturb it (root; Debian packages, see CONTRIBUTING.md)
	$(BIN)/python -m tests.e2e

bench: tools ## Measure speed and memory; writes build/bench.json and the tables of docs/performance.md
	$(BIN)/python -m bench

demo: dev ## Show the main job in a minute: no cluster, no Go, no root
	$(BIN)/python -m demo

demo-registry: tools ## Show it with evidence in a real registry, by cosign and oras: no cluster, no root
	$(BIN)/python -m demo.registry

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url \
  --custom-compile-command "make lock" --upgrade pyproject.toml
# Repeats each requirement with extras without them: pip before 23.3, which Python 3.11 brings along, takes `name[extra]`
# and `name` for two requirements, and wants hashes of both.
PLAIN := awk 'function flush() { plain = block; if (sub(/^[a-z0-9-]+\[/, "&", plain)) { sub(/\[[^]]*\]/, "", plain); \
  printf "%s", plain } printf "%s", block; block = "" } /^[a-z]/ { flush() } { block = block $$0 "\n" } END { flush() }'

lock: ## Write requirements/*.txt anew from pyproject.toml (needs uv)
	mkdir -p build
	$(LOCK) --extra keyless -o build/runtime.txt && $(PLAIN) build/runtime.txt > requirements/runtime.txt
	$(LOCK) --group dev -o build/dev.txt && $(PLAIN) build/dev.txt > requirements/dev.txt

manifests: tools ## Render manifests/install.yaml from the chart
	$(BIN)/python -m tests.charts.manifests

CONTAINER_TOOL ?= docker
BASE ?= docker.io/library/python:3.13-slim
TAG ?= execution-evidence-gate:$(shell sed -n 's/^version = "\(.*\)"$$/\1/p' pyproject.toml)

image: ## Build the image (CONTAINER_TOOL, IMAGE_FLAGS, BASE and TAG may be set)
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) && export SOURCE_DATE_EPOCH && $(CONTAINER_TOOL) build $(IMAGE_FLAGS) \
	  --build-arg BASE=$(BASE) --build-arg SOURCE_DATE_EPOCH=$$SOURCE_DATE_EPOCH \
	  --build-arg REVISION=$$(git rev-parse HEAD) --tag $(TAG) .

clean: ## Remove what make has made in this folder
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
