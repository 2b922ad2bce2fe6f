"""What can be seen of an ONNX file: its input, its outputs, and whether it normalizes by itself."""

from dataclasses import dataclass
from pathlib import Path

import onnx

from faceserver.conversion.readers.kinds import Kind, require
from faceserver.engines.openvino_library import openvino
from faceserver.errors import ModelError

_FIRST_NODES = 8
_SCORE, _BOX, _POINTS = 1, 4, 10
"""Numbers of each anchor in the outputs of SCRFD and its kin."""


@dataclass(frozen=True)
class Shapes:
    """What a network takes and gives; -1 is any number.

    Attributes:
        batch: pictures at once.
        channels: 3 where colours come before rows and columns.
        rows: of a picture.
        columns: likewise.
        outputs: the shape of each output.
        normalizes: its first steps subtract and multiply, so that it takes pixels as they are.
    """

    batch: int
    channels: int
    rows: int
    columns: int
    outputs: tuple[tuple[int, ...], ...]
    normalizes: bool

    @property
    def size(self) -> int | None:
        """The side of the squares that it takes; None where it takes others."""
        return self.rows if self.rows == self.columns and self.rows > 0 else None

    @property
    def answer(self) -> int | None:
        """How many numbers its one output has for each picture; None where there are more."""
        if len(self.outputs) != 1:
            return None
        count = 1
        for length in self.outputs[0][1:]:
            count *= length
        return count if count > 0 else None

    @property
    def has_anchors(self) -> bool:
        """Whether its outputs are scores, boxes and points of three or five steps."""
        widths = sorted(shape[-1] for shape in self.outputs if shape)
        return any(widths == sorted([_SCORE, _BOX, _POINTS] * steps) for steps in (3, 5))


def inspect(path: Path) -> Shapes:
    """Read a network's shapes by loading it.

    Raises:
        ModelError: it cannot be read, or takes no pictures.
    """
    require(path, [Kind.ONNX], "an ONNX file")
    try:
        model = openvino.Core().read_model(path)
        graph = onnx.load(path, load_external_data=False).graph
    except Exception as error:
        raise ModelError(f"{path.name} cannot be read as ONNX: {_first_line(error)}") from error
    if len(model.inputs) != 1:
        raise ModelError(f"{path.name} has {len(model.inputs)} inputs, not one")
    shape = _lengths(model.inputs[0].partial_shape)
    if len(shape) != 4 or shape[1] != 3:
        raise ModelError(f"{path.name} takes {shape}, not (batch, 3, rows, columns)")
    batch, channels, rows, columns = shape
    steps = {node.op_type for node in graph.node[:_FIRST_NODES]}
    return Shapes(
        batch=batch,
        channels=channels,
        rows=rows,
        columns=columns,
        outputs=tuple(_lengths(port.partial_shape) for port in model.outputs),
        normalizes=bool(steps & {"Sub", "_minusscalar"}) and bool(steps & {"Mul", "_mulscalar"}),
    )


def _lengths(shape: openvino.PartialShape) -> tuple[int, ...]:
    if shape.rank.is_dynamic:
        return ()
    return tuple(-1 if length.is_dynamic else length.get_length() for length in shape)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
