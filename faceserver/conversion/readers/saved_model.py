"""Reads a SavedModel with TensorFlow."""

from pathlib import Path

from faceserver.conversion.readers.graphdef_pb2 import GraphDef
from faceserver.conversion.readers.tensorflow_library import tensorflow
from faceserver.errors import ModelError

_SIGNATURE = "serving_default"


def freeze(folder: Path) -> tuple[GraphDef, str]:
    """Return the graph of a SavedModel with its variables as constants, and its output's node.

    Raises:
        ModelError: the model cannot be loaded, or has no signature with one output.
        SetupError: TensorFlow is not installed.
    """
    library = tensorflow(f"to read {folder.name}")
    from tensorflow.python.framework import convert_to_constants  # noqa: PLC0415

    try:
        model = library.saved_model.load(str(folder))
    except (OSError, ValueError, KeyError, library.errors.OpError) as error:
        raise ModelError(f"{folder} is truncated, or not a SavedModel: {error}") from error
    signature = model.signatures.get(_SIGNATURE)
    if signature is None:
        raise ModelError(f"{folder} has no signature {_SIGNATURE!r}: {list(model.signatures)}")
    frozen = convert_to_constants.convert_variables_to_constants_v2(signature)
    if len(frozen.outputs) != 1:
        raise ModelError(f"{folder} must have one output, not {len(frozen.outputs)}")
    graph = GraphDef()
    graph.ParseFromString(frozen.graph.as_graph_def().SerializeToString())
    return graph, frozen.outputs[0].name.removesuffix(":0")
