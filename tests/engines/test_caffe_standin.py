"""What the caffe engine asks of pycaffe, shown by a stand-in; `make test-pycaffe` asks Caffe."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from faceserver.engines import EngineOptions, make_engine
from faceserver.models.spec import NetworkFiles
from faceserver.types import Floats


class StandInNet:
    """A network that adds one; like Caffe's, it answers with its own memory."""

    inputs = ("data",)
    outputs = ("sum",)

    def __init__(self, prototxt: str, caffemodel: str, phase: int) -> None:
        self.given = (prototxt, caffemodel, phase)
        self.shape: tuple[int, ...] = (1, 3, 4, 4)
        self.blobs = {"data": SimpleNamespace(reshape=self._reshape_input)}
        self.sum = np.zeros(0, np.float64)

    def _reshape_input(self, *shape: int) -> None:
        self.shape = shape
        self.sum = np.zeros(0, np.float64)

    def reshape(self) -> None:
        self.sum = np.zeros(self.shape, np.float64)

    def forward(self, data: Floats) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
        self.sum[...] = data + 1
        return {"sum": self.sum}


@pytest.fixture
def modes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put the stand-in in pycaffe's place; return the modes that it is set to."""
    modes: list[str] = []
    module = ModuleType("caffe")
    vars(module).update(Net=StandInNet, TEST=1, set_mode_cpu=lambda: modes.append("cpu"))
    monkeypatch.setitem(sys.modules, "caffe", module)
    monkeypatch.delenv("GLOG_minloglevel", raising=False)
    return modes


def test_blobs_take_the_inputs_shape_and_answers_are_copies(
    modes: list[str], tmp_path: Path
) -> None:
    prototxt, caffemodel = tmp_path / "net.prototxt", tmp_path / "net.caffemodel"
    prototxt.touch()
    caffemodel.touch()
    files = NetworkFiles(prototxt=prototxt, caffemodel=caffemodel)
    network = make_engine("caffe", EngineOptions(threads=1)).load(files, "f32")
    assert modes == ["cpu"]
    assert (network.inputs, network.outputs) == (("data",), ("sum",))
    first = network.predict({"data": np.ones((2, 3, 5, 6), np.float32)})["sum"]
    second = network.predict({"data": np.zeros((2, 3, 5, 6), np.float32)})["sum"]
    assert first.dtype == np.float32
    assert first.shape == (2, 3, 5, 6)
    assert (first == 2).all()
    assert (second == 1).all()
