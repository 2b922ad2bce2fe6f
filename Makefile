# Two commands: `make serve` starts the server, `make test` proves that all is well.
PORT ?= 8000
HOST ?= 127.0.0.1
PYTHON ?= python3

BIN := .venv/bin
TOOLS := .cache/dev-env
INSTALL := scripts/install $(BIN)/python

.PHONY: help serve test attack lint models test-convert test-wheel test-pycaffe bench bench-torch bench-pages photographs lock proto clean test-torch

help:
	@echo "make serve    start the server (PORT=$(PORT) HOST=$(HOST)); builds what is missing;"
	@echo "              MODEL=sface DETECTOR=yunet takes other models"
	@echo "make test     linters, types and the whole test suite"
	@echo "make attack   try to stop a real server, in memory that is capped; part of make test"
	@echo "make test-convert  the converters' tests that need TensorFlow and coremltools"
	@echo "make test-torch  the converters' tests that need PyTorch"
	@echo "make test-wheel  build the wheel, and use it in an empty environment"
	@echo "make test-pycaffe  build Caffe itself and test against it"
	@echo "make bench    measure speed, side by side with others; ARGS=--help lists what can be set"
	@echo "make bench-pages  measure how the pages feel, with ten thousand people; needs node and Chromium"
	@echo "make bench-torch  add facenet-pytorch to what is compared (gigabytes)"
	@echo "make models   build the models"
	@echo "make photographs  fetch the tests' photographs into .cache/photographs"
	@echo "make texts    bring the pages' translations up to date"
	@echo "make lock     bring requirements/ in line with pyproject.toml; ARGS=--upgrade renews it"
	@echo "make proto    renew the generated protobuf modules"
	@echo "make clean    remove the environment, the caches and the built models; keeps the faces"

serve: models
	@$(if $(MODEL),FACESERVER_MODEL=$(MODEL)) $(if $(DETECTOR),FACESERVER_DETECTOR=$(DETECTOR)) \
		exec $(BIN)/faceserver serve --host $(HOST) --port $(PORT)

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

.venv/base.stamp: requirements/base.txt requirements/build.txt pyproject.toml
	@sh scripts/check-prerequisites $(PYTHON)
	@echo "Installing the dependencies into .venv (once; hnswlib is compiled) ..."
	@$(PYTHON) -m venv .venv
	@$(INSTALL) base
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		--editable .
	@touch $@

# TensorFlow and coremltools are large: only what needs them installs them.
.venv/convert.stamp: .venv/test.stamp requirements/convert.txt
	@echo "Installing TensorFlow and coremltools into .venv (once) ..."
	@$(INSTALL) convert
	@touch $@

# For Linux on x86-64, the registry has PyTorch with CUDA alone: five gigabytes on the disk.
.venv/torch.stamp: .venv/test.stamp requirements/torch.txt requirements/facenet-pytorch.txt
	@echo "Installing PyTorch into .venv (once; five gigabytes) ..."
	@$(INSTALL) torch facenet-pytorch
	@touch $@

# The extras that speak with other servers are tested against real ones; see tests/support/servers.py.
.venv/test.stamp: .venv/base.stamp requirements/test.txt requirements/s3.txt requirements/oip.txt \
		requirements/onnxruntime.txt \
		requirements/postgres.txt requirements/postgres-server.txt
	@$(INSTALL) test s3 oip onnxruntime postgres postgres-server
	@touch $@

texts: .venv/base.stamp
	@scripts/texts

# ARGS=--upgrade renews every version; without it what is pinned stays, as long as it fits.
lock: $(TOOLS)/tools.stamp
	scripts/lock $(TOOLS)/bin $(ARGS)

$(TOOLS)/tools.stamp: requirements/dev.txt
	@$(PYTHON) -m venv $(TOOLS)
	@scripts/install $(TOOLS)/bin/python dev
	@touch $@

PROTOS := faceserver/conversion/caffe/caffe.proto faceserver/conversion/readers/graphdef.proto

proto: $(TOOLS)/tools.stamp
	$(TOOLS)/bin/python -m grpc_tools.protoc --proto_path=. --python_out=. --pyi_out=. $(PROTOS)

test-convert: .venv/convert.stamp models
	$(BIN)/python -m pytest -m convert tests/conversion tests/test_quiet_house.py

test-torch: .venv/torch.stamp models
	$(BIN)/python -m pytest -m torch tests/conversion

test-wheel: .venv/test.stamp
	$(BIN)/python -m pytest -m packaging tests/packaging

test-pycaffe: .venv/test.stamp models
	scripts/build-pycaffe .cache/pycaffe
	PYTHONPATH=.cache/pycaffe/python $(BIN)/python -m pytest -m pycaffe tests

PEERS := .cache/bench-env

bench: $(PEERS)/peers.stamp .venv/test.stamp models
	$(BIN)/python -m benchmarks $(ARGS)

$(PEERS)/peers.stamp: requirements/peers.txt
	@echo "Installing what faceserver is compared with into $(PEERS) (once) ..."
	@$(PYTHON) -m venv $(PEERS)
	@scripts/install $(PEERS)/bin/python peers
	@touch $@

bench-torch: $(PEERS)/peers.stamp
	@scripts/install $(PEERS)/bin/python bench-torch facenet-pytorch

LIGHTHOUSE := .cache/lighthouse

bench-pages: .venv/test.stamp models $(LIGHTHOUSE)/lighthouse.stamp
	$(BIN)/python -m benchmarks.pages $(ARGS)

$(LIGHTHOUSE)/lighthouse.stamp: scripts/vendor/lighthouse/package-lock.json
	@mkdir -p $(LIGHTHOUSE)
	@cp scripts/vendor/lighthouse/package.json $< $(LIGHTHOUSE)
	@cd $(LIGHTHOUSE) && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

clean:
	rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find models -name '*.caffemodel' -delete -o -name '*.onnx' -delete
