"""A converted network as the bytes of its two files."""

from dataclasses import dataclass
from pathlib import Path

from faceserver.conversion.caffe.caffe_pb2 import NetParameter
from faceserver.conversion.caffe.caffemodel import Weights, format_caffemodel
from faceserver.conversion.caffe.prototxt import format_prototxt
from faceserver.conversion.files import write_whole


@dataclass(frozen=True)
class CaffeFiles:
    """A network's prototxt and caffemodel."""

    prototxt: bytes
    caffemodel: bytes

    @classmethod
    def of(cls, net: NetParameter, weights: Weights, comment: str) -> "CaffeFiles":
        """Format a network; the comment heads its prototxt."""
        return cls(format_prototxt(net, comment).encode(), format_caffemodel(net, weights))

    def write(self, folder: Path, name: str) -> None:
        """Write ``<name>.prototxt`` and ``<name>.caffemodel``, each whole or not at all."""
        write_whole(folder / f"{name}.caffemodel", self.caffemodel)
        write_whole(folder / f"{name}.prototxt", self.prototxt)
