"""Caffe itself as a judge, where `make test-pycaffe` has built it."""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import pytest

from faceserver.engines import EngineOptions, make_engine
from faceserver.models.spec import NetworkFiles
from faceserver.types import Floats

HAS_CAFFE = find_spec("caffe") is not None
PYCAFFE = (
    pytest.mark.pycaffe,
    pytest.mark.skipif(not HAS_CAFFE, reason="make test-pycaffe builds Caffe"),
)
"""Marks what needs Caffe."""


def run_caffe(
    prototxt: Path, caffemodel: Path, blob: Floats, outputs: Iterable[str]
) -> dict[str, Floats]:
    """Run Caffe files; return the outputs that are asked for."""
    files = NetworkFiles(prototxt=prototxt, caffemodel=caffemodel)
    network = make_engine("caffe", EngineOptions(threads=1)).load(files, "f32")
    results = network.predict({network.inputs[0]: blob})
    return {name: results[name] for name in outputs}
