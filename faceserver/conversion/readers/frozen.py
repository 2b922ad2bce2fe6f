"""Reads a frozen graph of TensorFlow by way of OpenVINO: ops that need no names of their nodes."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from faceserver.conversion.graph.layers import Layer
from faceserver.conversion.readers.from_openvino import layers_of
from faceserver.engines.openvino_library import fold_constants, openvino
from faceserver.errors import ModelError


def layers_of_frozen(content: bytes, size: tuple[int, int], outputs: Sequence[str]) -> list[Layer]:
    """Return the layers of a graph that takes one picture, channels last.

    Args:
        content: a GraphDef with constants for variables.
        size: rows and columns of the picture.
        outputs: names for what it makes, in its order.

    Raises:
        ModelError: OpenVINO cannot read it, or ops are not supported; the message names them.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "graph.pb"
        file.write_bytes(content)
        try:
            model = openvino.Core().read_model(file)
            model.reshape([1, *size, 3])
        except RuntimeError as error:
            lines = str(error).strip().splitlines() or ["no reason is given"]
            raise ModelError(f"OpenVINO cannot read it: {lines[-1]}") from error
    fold_constants(model)
    for result, name in zip(model.get_results(), outputs, strict=True):
        result.input_value(0).set_names({name})
    return layers_of(model, {name: name for name in outputs})
