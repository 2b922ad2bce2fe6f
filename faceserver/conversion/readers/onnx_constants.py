"""Computes the parts of an ONNX graph that depend on no input, such as weights in 8-bit blocks."""

from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from faceserver.errors import ModelError

_PASSING = {"Dropout", "Identity"}
"""Ops that do nothing when nobody trains."""


def load_folded(path: Path) -> ModelProto:
    """Read a file, and put a float32 constant wherever its value depends on no input.

    Nodes that only pass on what they read are taken out.

    Some published files list their constants, and what their nodes make, among the inputs, which
    runtimes refuse; the result lists what is fed in alone, and its batch is open.

    Raises:
        ModelError: the file cannot be read, or one of its constants cannot be computed.
    """
    try:
        model = onnx.load(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except DecodeError as error:
        raise ModelError(f"{path} is truncated, or not an ONNX file") from error
    graph = model.graph
    known = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    left: list[NodeProto] = []
    passed: dict[str, str] = {}  # what a node only passes on, and the tensor that it is
    ends = {value.name for value in graph.output}
    for node in _in_order(graph, set(known)):
        for index, name in enumerate(node.input):
            node.input[index] = passed.get(name, name)
        if all(name in known for name in node.input if name):
            known.update(_computed(node, known, model))
        elif node.op_type in _PASSING and ends.isdisjoint(node.output):
            passed.update(dict.fromkeys(node.output, node.input[0]))
        else:
            left.append(node)
    made = {name for node in left for name in node.output}
    read = {name for node in left for name in node.input}
    fed = [value for value in graph.input if value.name in read - made - known.keys()]
    constants = [
        numpy_helper.from_array(_widened(values), name)
        for name, values in known.items()
        if name in read
    ]
    for value in (*fed, *graph.output):
        for batch in value.type.tensor_type.shape.dim[:1]:
            batch.dim_param = "batch"
    folded = helper.make_graph(left, graph.name, fed, list(graph.output), constants)
    return helper.make_model(
        folded, ir_version=model.ir_version, opset_imports=list(model.opset_import)
    )


def _in_order(graph: GraphProto, known: set[str]) -> list[NodeProto]:
    """The nodes so that each stands after those it reads; some files have them in another order."""
    made = {name for node in graph.node for name in node.output}
    ready = known | {value.name for value in graph.input if value.name not in made}
    waiting, ordered = list(graph.node), []
    while waiting:
        now = [node for node in waiting if all(name in ready for name in node.input if name)]
        if not now:
            raise ModelError(f"node {waiting[0].name!r} reads what no node makes")
        ordered += now
        ready |= {name for node in now for name in node.output}
        waiting = [node for node in waiting if not any(name in ready for name in node.output)]
    return ordered


def _computed(
    node: NodeProto, known: dict[str, NDArray[np.generic]], model: ModelProto
) -> dict[str, NDArray[np.generic]]:
    inputs = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(known[name].dtype), known[name].shape
        )
        for name in dict.fromkeys(node.input)
        if name
    ]
    outputs = [helper.make_tensor_value_info(n, TensorProto.UNDEFINED, None) for n in node.output]
    alone = helper.make_model(
        helper.make_graph([node], "constant", inputs, outputs),
        opset_imports=list(model.opset_import),
    )
    try:
        feeds = {value.name: known[value.name] for value in inputs}
        values = ReferenceEvaluator(alone).run(None, feeds)
    except Exception as error:  # the evaluator raises whatever numpy and its ops raise
        raise ModelError(f"node {node.name!r} ({node.op_type}) cannot be computed") from error
    return dict(zip(node.output, map(np.asarray, values), strict=True))


def _widened(values: NDArray[np.generic]) -> NDArray[np.generic]:
    return values.astype(np.float32) if values.dtype == np.float16 else values
