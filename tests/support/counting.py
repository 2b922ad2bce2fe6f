"""Engines that count: what the networks were asked for, whatever the machine's speed."""

from collections.abc import Mapping

import numpy as np

from faceserver.engines import Engine, Network, Precision, Preprocessing
from faceserver.models.spec import NetworkFiles
from faceserver.types import Floats, Image

Calls = list[tuple[str, tuple[int, ...]]]
"""The name of the network's file and the shape of its input, for each call in order."""


class CountingEngine:
    """Loads networks of another engine, or ones that answer nothing but ones, and counts calls."""

    def __init__(self, engine: Engine | None = None, dims: int = 512, at_once: int = 0) -> None:
        self.calls: Calls = []
        self._engine = engine
        self._dims = dims
        self._at_once = at_once

    def load(
        self,
        files: NetworkFiles,
        precision: Precision,
        preprocessing: Preprocessing | None = None,
    ) -> Network:
        inner = (
            self._engine.load(files, precision, preprocessing)
            if self._engine
            else _Ones(self._dims, takes_pictures=preprocessing is not None)
        )
        name = files.onnx.stem if files.onnx else ""
        return _Counted(inner, name, self.calls, self._at_once)

    def shapes(self) -> list[tuple[int, ...]]:
        return [shape for _, shape in self.calls]


class _Ones(Network):
    inputs = ("data",)
    outputs = ("embeddings",)

    def __init__(self, dims: int, *, takes_pictures: bool) -> None:
        if takes_pictures:
            self.takes = np.dtype(np.uint8)
        self._dims = dims

    def _predict(self, feeds: Mapping[str, Floats | Image]) -> dict[str, Floats]:
        return {"embeddings": np.ones((len(feeds["data"]), self._dims), np.float32)}


class _Counted(Network):
    def __init__(self, network: Network, name: str, calls: Calls, at_once: int) -> None:
        self.inputs, self.outputs, self.takes = network.inputs, network.outputs, network.takes
        self.at_once = at_once or network.at_once
        self._network = network
        self._name = name
        self._calls = calls

    def _predict(self, feeds: Mapping[str, Floats | Image]) -> dict[str, Floats]:
        self._calls.extend((self._name, array.shape) for array in feeds.values())
        return self._network.predict(feeds)
