"""Runs a source as it was published, by a reader that is not ours: OpenVINO or TensorFlow."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import numpy as np

from faceserver.conversion.readers import checkpoint
from faceserver.conversion.readers.graphdef import DT_BOOL, DT_FLOAT, FrozenGraph
from faceserver.conversion.readers.graphdef_pb2 import GraphDef
from faceserver.conversion.readers.tensorflow_library import tensorflow
from faceserver.engines.openvino_library import openvino
from faceserver.types import Floats

_RESULT = "faceserver_result_"


class TfNetwork(Protocol):
    """What is judged; see :class:`faceserver.conversion.readers.tf_source.TfSource`."""

    @property
    def path(self) -> Path:
        """The file or folder that was given."""

    @property
    def files(self) -> tuple[Path, ...]:
        """What was read of it."""

    @property
    def graph_def(self) -> GraphDef:
        """The nodes, with constants for variables."""

    @property
    def graph(self) -> FrozenGraph:
        """What they compute outside training."""


def judge_name(source: TfNetwork) -> str:
    """Say who runs a source."""
    if source.path.is_dir() and len(source.files) > 1:
        return "TensorFlow"
    return "OpenVINO's TensorFlow frontend"


def run_source(
    source: TfNetwork, feed: str, picture: Floats, nodes: list[str]
) -> dict[str, Floats]:
    """Run a source on one picture.

    TensorFlow runs checkpoints and SavedModels; OpenVINO runs frozen graphs, where need be with the
    choices that depend on the training flag taken out.

    Args:
        source: what is run.
        feed: the node whose output is replaced by the picture.
        picture: shape (1, channels, rows, columns).
        nodes: whose outputs are asked for.

    Returns:
        The output of each node that can be looked at, channels on the second axis.
    """
    channels_last = np.ascontiguousarray(picture.transpose(0, 2, 3, 1))
    run = _run_tensorflow if judge_name(source) == "TensorFlow" else _run_openvino
    outputs = run(source, feed, channels_last, nodes)
    return {name: np.moveaxis(array, -1, 1) for name, array in outputs.items()}


def _run_openvino(
    source: TfNetwork, feed: str, picture: Floats, nodes: list[str]
) -> dict[str, Floats]:
    graph = needed(source)
    for index, name in enumerate(nodes):
        # A node that another reads may come out with its axes in another order, a result may not.
        result = graph.node.add(name=f"{_RESULT}{index}", op="Identity", input=[name])
        result.attr["T"].type = DT_FLOAT
    with TemporaryDirectory() as folder:
        path = Path(folder) / "graph.pb"
        path.write_bytes(graph.SerializeToString())
        core = openvino.Core()
        model = core.read_model(path)
        model.reshape({f"{feed}:0": picture.shape})
        compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        results = compiled([picture])
        return {
            name: np.array(results[compiled.output(f"{_RESULT}{index}:0")])
            for index, name in enumerate(nodes)
        }


def needed(source: TfNetwork) -> GraphDef:
    """Return the nodes that the output depends on, as other readers take them."""
    graph = source.graph
    needed = GraphDef(node=graph.needed_for(graph.output(), shapes=True))
    for node in needed.node:
        # To look at an attribute that a node lacks leaves an empty one behind.
        for name in [key for key, value in node.attr.items() if not value.WhichOneof("value")]:
            del node.attr[name]
    return needed


def _run_tensorflow(
    source: TfNetwork, feed: str, picture: Floats, nodes: list[str]
) -> dict[str, Floats]:
    library = tensorflow("to check the result")
    v1 = library.compat.v1
    with v1.Graph().as_default() as graph, v1.Session() as session:
        if any(file.suffix == ".meta" for file in source.files):
            found = checkpoint.find(source.path)
            saver = v1.train.import_meta_graph(str(found.meta), clear_devices=True)
            saver.restore(session, str(found.prefix))
        else:
            definition = v1.GraphDef()
            definition.ParseFromString(source.graph_def.SerializeToString())
            v1.import_graph_def(definition, name="")
        flags = {
            f"{op.name}:0": False
            for op in graph.get_operations()
            if op.type.startswith("Placeholder")
            and op.get_attr("dtype").as_datatype_enum == DT_BOOL
        }
        tensors = {name: graph.get_tensor_by_name(f"{name}:0") for name in nodes}
        asked = {name: each for name, each in tensors.items() if graph.is_fetchable(each)}
        results: dict[str, Floats] = session.run(asked, {f"{feed}:0": picture, **flags})
        return results
