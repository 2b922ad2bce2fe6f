"""Reads a TF1 checkpoint: a ``.meta`` file with the graph, and the variables' values.

TensorFlow is needed for the values alone.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from faceserver.conversion.readers.graphdef import constant_node
from faceserver.conversion.readers.graphdef_pb2 import GraphDef, MetaGraphDef
from faceserver.conversion.readers.inference import inference_graph
from faceserver.conversion.readers.tensorflow_library import tensorflow
from faceserver.errors import ModelError

_VARIABLES = ("Variable", "VariableV2", "VarHandleOp")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint's files: the graph, and the values' common beginning.

    The name of the ``.meta`` file and that of the values need not agree.
    """

    meta: Path
    prefix: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that hold the network."""
        return (self.meta, *sorted(self.prefix.parent.glob(f"{self.prefix.name}.[di]*")))


def find(folder: Path) -> Checkpoint:
    """Find the one ``.meta`` file and the values of the latest step.

    Raises:
        ModelError: there are several graphs, or no values.
    """
    metas = sorted(folder.glob("*.meta"))
    if len(metas) != 1:
        raise ModelError(f"{folder} must hold one .meta file, not {[path.name for path in metas]}")
    prefixes = [path.with_suffix("") for path in folder.glob("*.index")]
    if not prefixes:
        raise ModelError(f"{folder} holds no checkpoint: no file ends in .index")
    return Checkpoint(metas[0], max(prefixes, key=_step))


def freeze(found: Checkpoint) -> GraphDef:
    """Return the graph with its variables' values as constants.

    Raises:
        ModelError: a file is truncated, or lacks a variable that the network needs.
        SetupError: TensorFlow is not installed.
    """
    graph = _graph(found.meta)
    kept, _aliases = inference_graph(graph)
    value = _reader(found.prefix)
    frozen = GraphDef()
    for node in graph.node:
        # What training alone uses, such as moments of gradients, is not among those that are left.
        if node.op not in _VARIABLES or node.name not in kept:
            frozen.node.add().CopyFrom(node)
            continue
        stored = value(node.attr["shared_name"].s.decode() or node.name)
        if stored is not None:
            frozen.node.add().CopyFrom(constant_node(node.name, stored))
    return frozen


def _graph(path: Path) -> GraphDef:
    meta = MetaGraphDef()
    try:
        meta.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise ModelError(f"{path} is truncated, or not a .meta file") from error
    return meta.graph_def


def _reader(prefix: Path) -> Callable[[str], Any]:
    """Return what reads a float variable by its name, None for what is stored otherwise or not."""
    library = tensorflow(f"to read {prefix.name}")
    try:
        reader = library.train.load_checkpoint(str(prefix))
        types = reader.get_variable_to_dtype_map()
    except (library.errors.OpError, ValueError) as error:
        raise ModelError(f"{prefix} is truncated, or not a checkpoint: {error}") from error

    def value(name: str) -> Any:
        if types.get(name) != library.float32:
            return None
        try:
            return reader.get_tensor(name)
        except (library.errors.OpError, ValueError) as error:
            raise ModelError(f"{prefix}: the variable {name!r} cannot be read: {error}") from error

    return value


def _step(prefix: Path) -> tuple[int, str]:
    found = re.search(r"-(\d+)$", prefix.name)
    return (int(found[1]) if found else -1, prefix.name)
