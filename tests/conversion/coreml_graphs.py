"""A FaceNet in small: every construct that the real one has, made by hand."""

from pathlib import Path

import numpy as np

from faceserver.conversion.coreml.network import Embedder, coreml_network
from faceserver.conversion.network import read_network
from faceserver.conversion.readers.tf_source import read_source
from tests.conversion.graphs import Graph

SIZE = (24, 21)
"""Rows and columns of its picture; unequal, so that a mix-up of the two shows."""


def small_facenet(
    dims: int, *, folded: bool = True, unit: bool = True, whole: bool = False
) -> Graph:
    """Make a network.

    Args:
        dims: length of the embedding.
        folded: a bias follows the first convolution instead of a batch norm.
        unit: the graph itself scales its output to unit length.
        whole: the product reads rows and columns, instead of their average.
    """
    graph = Graph((1, *SIZE, 3))
    conv = graph.conv("net/Conv2d_1a", "input", graph.noise(3, 3, 3, 8), (2, 2))
    if folded:
        conv = graph.biased("net/Conv2d_1a", conv, graph.noise(8))
    else:
        conv = graph.batch_norm("net/Conv2d_1a/BatchNorm", conv, 8)
    relu = graph.op("Relu", "net/Conv2d_1a/Relu", conv)
    pooled = graph.pool("MaxPool", relu, (3, 3), (2, 2), "SAME")
    block = _residual_block(graph, pooled)
    narrow = graph.conv("net/reduce", block, graph.noise(2, 3, 8, 10), (1, 2), "VALID")
    top = graph.op(
        "MaxPool",
        "net/top",
        narrow,
        ksize=[1, 2, 2, 1],
        strides=[1, 2, 2, 1],
        padding="VALID",
        data_format="NHWC",
    )
    values = 10 if not whole else 20
    if not whole:
        top = graph.op(
            "AvgPool",
            "net/mean",
            top,
            ksize=[1, 2, 1, 1],
            strides=[1, 1, 1, 1],
            padding="VALID",
            data_format="NHWC",
        )
    row = graph.reshape("net/flat", top, [-1, values])
    product = graph.dense("net/Bottleneck", row, graph.noise(values, dims))
    spread = graph.reshape("net/spread", product, [-1, 1, 1, dims])
    normed = graph.batch_norm("net/Bottleneck/BatchNorm", spread, dims)
    vector = graph.reshape("net/back", normed, [-1, dims])
    if unit:
        graph.unit_length("embeddings", vector)
    return graph


def read(path: Path) -> Embedder:
    """Read a network as the command does."""
    return coreml_network(read_network(read_source(path)))


def _residual_block(graph: Graph, source: str) -> str:
    branches = [
        graph.conv("net/block/a", source, graph.noise(1, 3, 8, 2)),
        graph.op(
            "Relu", "net/block/b/Relu", graph.conv("net/block/b", source, graph.noise(3, 1, 8, 3))
        ),
    ]
    axis = graph.const("net/block/axis", np.array(3, np.int32))
    joined = graph.op("ConcatV2", "net/block/concat", *branches, axis, N=2, Tidx=3)
    up = graph.biased(
        "net/block/up", graph.conv("net/block/up", joined, graph.noise(1, 1, 5, 8)), graph.noise(8)
    )
    scaled = graph.op("Mul", "net/block/mul", graph.const("net/block/factor", 0.17), up)
    return graph.op("Relu", "net/block/Relu", graph.op("Add", "net/block/add", source, scaled))
