"""Reads any form in which a FaceNet is kept: a frozen graph, a checkpoint or a SavedModel."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faceserver.conversion.checks import tf_judge
from faceserver.conversion.fingerprint import sha256_of
from faceserver.conversion.graph.layers import Layer
from faceserver.conversion.readers import checkpoint
from faceserver.conversion.readers.from_graphdef import layers_from_graph
from faceserver.conversion.readers.frozen import layers_of_frozen
from faceserver.conversion.readers.graphdef import FrozenGraph, read_graph_def
from faceserver.conversion.readers.graphdef_pb2 import GraphDef
from faceserver.conversion.readers.kinds import Kind, require
from faceserver.errors import ModelError, SetupError
from faceserver.types import Floats


@dataclass(frozen=True)
class TfSource:
    """A network as TensorFlow keeps it.

    Attributes:
        path: the file or folder that was given.
        files: what was read of it.
        graph_def: the nodes, with constants for variables.
        graph: what they compute outside training.
    """

    path: Path
    files: tuple[Path, ...]
    graph_def: GraphDef
    graph: FrozenGraph

    @property
    def judge(self) -> str:
        """Say who runs it to compare."""
        return tf_judge.judge_name(self)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The node that makes its result."""
        return (self.graph.output().name,)

    def layers(self, size: tuple[int, int] | None) -> list[Layer]:
        """Return its layers, op by op; see :func:`layers_from_graph`.

        Keras and TensorFlow 2 write SavedModels of more ops than that knows; OpenVINO reads those.
        """
        try:
            return layers_from_graph(self.graph, size)
        except ModelError as error:
            if not (self.path / "saved_model.pb").is_file():
                raise ModelError(f"{self.path}: {error}") from error
        try:
            content = tf_judge.needed(self).SerializeToString()
            return layers_of_frozen(content, size or self._size(), self.outputs)
        except ModelError as error:
            raise ModelError(f"{self.path}: {error}") from error

    def _size(self) -> tuple[int, int]:
        """Rows and columns, as the input itself says."""
        inputs = [node for node in self.graph.needed_for(self.graph.output()) if not node.input]
        feed = next(node for node in inputs if node.op == "Placeholder")
        sizes = [dim.size for dim in feed.attr["shape"].shape.dim][1:3]
        if len(sizes) < 2 or min(sizes) < 1:
            raise ModelError("it leaves its rows and columns open: give the input's size")
        return sizes[0], sizes[1]

    def run(self, blob: Floats, names: Sequence[str]) -> dict[str, Floats]:
        """Compute nodes of one picture; see :func:`tf_judge.run_source`."""
        end = self.graph.output()
        feeds = [node for node in self.graph.needed_for(end) if node.op == "Placeholder"]
        return tf_judge.run_source(self, feeds[0].name, blob, list(names))

    def sha256(self) -> dict[str, str]:
        """Return the sha256 of each file that was read, by its name."""
        return {file.name: sha256_of(file) for file in self.files}


def read_source(path: Path, output: str | None = None) -> TfSource:
    """Read a frozen graph (a file, or the only ``*.pb`` of a folder), a checkpoint or a SavedModel.

    Args:
        path: the file; the folder that holds a ``.meta`` file and its checkpoint; or the folder
            that holds ``saved_model.pb``.
        output: the node whose output is the embedding, where it is not called ``embeddings``.

    Raises:
        ModelError: there is no such file, it cannot be read, or TensorFlow is needed and missing.
    """
    if not path.exists():
        raise ModelError(f"{path} cannot be read: No such file or folder")
    if not path.is_dir():
        return _frozen(path, path, output)
    if (path / "saved_model.pb").exists():
        from faceserver.conversion.readers import saved_model  # noqa: PLC0415 - TensorFlow, which this form alone needs

        graph_def, end = saved_model.freeze(path)
        files = [path / "saved_model.pb", *sorted(path.glob("variables/variables.*"))]
        return TfSource(path, tuple(files), graph_def, FrozenGraph(graph_def, output or end))
    if any(path.glob("*.meta")):
        found = checkpoint.find(path)
        graph_def = _frozen_checkpoint(found)
        return TfSource(path, found.files, graph_def, FrozenGraph(graph_def, output))
    graphs = sorted(path.glob("*.pb"))
    if len(graphs) != 1:
        raise ModelError(
            f"{path} holds no checkpoint (*.meta), no saved_model.pb nor one frozen graph (*.pb)"
        )
    return _frozen(path, graphs[0], output)


def _frozen_checkpoint(found: checkpoint.Checkpoint) -> GraphDef:
    try:
        return checkpoint.freeze(found)
    except SetupError as error:
        beside = sorted(found.meta.parent.glob("*.pb"))
        if not beside:
            raise
        raise SetupError(f"{error}; or give {beside[0]}, which needs nothing") from error


def _frozen(path: Path, file: Path, output: str | None) -> TfSource:
    require(file, [Kind.GRAPH_DEF], "a frozen TensorFlow graph")
    graph_def = read_graph_def(file)
    return TfSource(path, (file,), graph_def, FrozenGraph(graph_def, output))
