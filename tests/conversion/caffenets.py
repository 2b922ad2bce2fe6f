"""Caffe networks written as text, with random weights, and what judges make of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from faceserver.conversion import caffe2onnx
from faceserver.conversion.caffe.caffemodel import format_caffemodel
from faceserver.conversion.caffe.prototxt import parse_prototxt
from faceserver.types import Floats

SHAPE = (2, 6, 9, 10)


def noise(*shape: int) -> Floats:
    return np.random.default_rng((len(shape), *shape)).standard_normal(shape, np.float32)


def positive(*shape: int) -> Floats:
    return np.abs(noise(*shape)) + np.float32(0.1)


def data(shape: Sequence[int] = SHAPE, name: str = "data") -> str:
    dims = " ".join(f"dim: {size}" for size in shape)
    return f"""layer {{ name: "{name}" type: "Input" top: "{name}"
      input_param {{ shape {{ {dims} }} }} }}\n"""


def layer(
    kind: str, param: str = "", *, name: str = "it", bottoms: str = "data", top: str = ""
) -> str:
    """Write a layer; bottoms are separated by spaces."""
    reads = " ".join(f'bottom: "{bottom}"' for bottom in bottoms.split())
    makes = " ".join(f'top: "{each}"' for each in (top or name).split())
    return f'layer {{ name: "{name}" type: "{kind}" {reads} {makes} {param} }}\n'


@dataclass(frozen=True)
class Net:
    """A network's text and its weights; `outputs` are the blobs that are compared."""

    text: str
    weights: Mapping[str, Sequence[Floats]] = field(default_factory=dict)
    shape: tuple[int, ...] = SHAPE
    outputs: tuple[str, ...] = ("it",)

    def save(self, folder: Path) -> tuple[Path, Path]:
        """Write both files; return their paths."""
        prototxt, caffemodel = folder / "net.prototxt", folder / "net.caffemodel"
        prototxt.write_text(self.text)
        net = parse_prototxt(self.text)
        # A caffemodel without any weights is none: an unused layer holds some.
        net.layer.add(name="unused", type="Scale")
        full = {**self.weights, "unused": [noise(1)]}
        caffemodel.write_bytes(format_caffemodel(net, full))
        return prototxt, caffemodel

    def convert(self, folder: Path) -> Path:
        """Convert the saved files; return the ONNX file's path."""
        path = folder / "net.onnx"
        path.write_bytes(caffe2onnx.convert(*self.save(folder)))
        return path
