# Two commands: `make serve` starts the server, `make test` proves that all is well.
PORT ?= 8000
HOST ?= 127.0.0.1
PYTHON ?= python3

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help serve test attack lint models test-convert test-pycaffe bench bench-torch photographs lock proto clean

help:
	@echo "make serve    start the server (PORT=$(PORT) HOST=$(HOST)); builds what is missing"
	@echo "make test     linters, types and the whole test suite"
	@echo "make attack   try to stop a real server, in memory that is capped; part of make test"
	@echo "make test-convert  the converters' tests that need TensorFlow and coremltools"
	@echo "make test-pycaffe  build Caffe itself and test against it"
	@echo "make bench    measure speed, side by side with others; ARGS=--help lists what can be set"
	@echo "make bench-torch  add facenet-pytorch to what is compared (a gigabyte)"
	@echo "make models   build the models"
	@echo "make photographs  fetch the tests' photographs into .cache/photographs"
	@echo "make texts    bring the pages' translations up to date"
	@echo "make lock     renew the pinned versions in requirements/"
	@echo "make proto    renew the generated protobuf modules"
	@echo "make clean    remove the environment, the caches and the built models; keeps the faces"

serve: models
	@exec $(BIN)/faceserver serve --host $(HOST) --port $(PORT)

models: .venv/base.stamp
	@$(BIN)/python convert/build.py

photographs: .venv/base.stamp
	@$(BIN)/python -m tests.support.photographs

test: lint models
	$(BIN)/python -m pytest --cov

attack: .venv/test.stamp models
	$(BIN)/python -m pytest -m attack tests/attack

lint: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/base.stamp: requirements/base.txt pyproject.toml
	@sh scripts/check-prerequisites $(PYTHON)
	@echo "Installing the dependencies into .venv (once; hnswlib is compiled) ..."
	@$(PYTHON) -m venv .venv
	@$(PIP) --require-hashes -r requirements/base.txt
	@$(PIP) --no-deps --editable .
	@touch $@

# TensorFlow and coremltools are large: only what needs them installs them.
.venv/convert.stamp: .venv/test.stamp requirements/convert.txt
	@echo "Installing TensorFlow and coremltools into .venv (once) ..."
	@$(PIP) --require-hashes -r requirements/convert.txt
	@touch $@

.venv/test.stamp: .venv/base.stamp requirements/test.txt
	@$(PIP) --require-hashes -r requirements/test.txt
	@touch $@

texts: .venv/base.stamp
	@scripts/texts

# The lock files name no package index: pip's own configuration says where packages come from.
LOCK = $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options

lock: .venv/base.stamp
	@$(PIP) pip-tools
	$(LOCK) --output-file requirements/base.txt pyproject.toml
	$(LOCK) --extra test --constraint requirements/base.txt \
		--output-file requirements/test.txt pyproject.toml
	$(LOCK) --extra test --extra convert --constraint requirements/test.txt \
		--output-file requirements/convert.txt pyproject.toml

PROTOS := faceserver/conversion/caffe/caffe.proto faceserver/conversion/readers/graphdef.proto

proto: .venv/test.stamp
	@$(PIP) grpcio-tools
	$(BIN)/python -m grpc_tools.protoc --proto_path=. --python_out=. --pyi_out=. $(PROTOS)

test-convert: .venv/convert.stamp models
	$(BIN)/python -m pytest -m convert tests/conversion

test-pycaffe: .venv/test.stamp models
	scripts/build-pycaffe .cache/pycaffe
	PYTHONPATH=.cache/pycaffe/python $(BIN)/python -m pytest -m pycaffe tests

PEERS := .cache/bench-env

bench: $(PEERS)/peers.stamp .venv/test.stamp models
	$(BIN)/python -m benchmarks $(ARGS)

$(PEERS)/peers.stamp: requirements/peers.txt
	@echo "Installing what faceserver is compared with into $(PEERS) (once) ..."
	@$(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

bench-torch: $(PEERS)/peers.stamp
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check torch
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
		facenet-pytorch==2.6.0

clean:
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find models -name '*.caffemodel' -delete -o -name '*.onnx' -delete
