"""Turns MTCNN's three networks from ONNX into Caffe, named and laid out as the original's are.

    python convert/mtcnn2caffe.py FOLDER_OF_ONNX OUT_FOLDER

reads pnet.onnx, rnet.onnx and onet.onnx, and writes det1, det2 and det3 (.prototxt, .caffemodel).
The original was trained with x and y swapped: the input is (batch, 3, width, height).
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

from faceserver.conversion.graph.layers import Layer
from faceserver.conversion.graph.simplify import simplify
from faceserver.conversion.readers.onnx_source import read_onnx
from faceserver.conversion.readers.ov_blobs import INPUT_NAME
from faceserver.conversion.writers.caffe_files import CaffeFiles
from faceserver.conversion.writers.to_caffe import to_caffe
from faceserver.errors import ModelError


@dataclass(frozen=True)
class Recipe:
    """How one network is converted.

    Attributes:
        source: the ONNX file's name.
        net_name: the network's name in the original.
        size: the input's rows and columns; the first network takes any size from this on.
        names: the original's name for each layer, in the original's order, from the node's.
    """

    source: str
    net_name: str
    size: int
    names: dict[str, str]


RECIPES = {
    "det1": Recipe(
        source="pnet.onnx",
        net_name="PNet",
        size=12,
        names={
            "conv2d": "conv1",
            "p_re_lu": "PReLU1",
            "p_re_lu/add:0_pooling": "pool1",
            "conv2d_1": "conv2",
            "p_re_lu_1": "PReLU2",
            "conv2d_2": "conv3",
            "p_re_lu_2": "PReLU3",
            "conv2d_3": "conv4-1",
            "conv2d_4": "conv4-2",
            "softmax": "prob1",
        },
    ),
    "det2": Recipe(
        source="rnet.onnx",
        net_name="RNet",
        size=24,
        names={
            "conv2d_5": "conv1",
            "p_re_lu_3": "prelu1",
            "p_re_lu_3/add:0_pooling": "pool1",
            "conv2d_6": "conv2",
            "p_re_lu_4": "prelu2",
            "p_re_lu_4/add:0_pooling": "pool2",
            "conv2d_7": "conv3",
            "p_re_lu_5": "prelu3",
            "flatten": "flatten",
            "dense": "conv4",
            "p_re_lu_6": "prelu4",
            "dense_1": "conv5-1",
            "dense_2": "conv5-2",
            "softmax_1": "prob1",
        },
    ),
    "det3": Recipe(
        source="onet.onnx",
        net_name="ONet",
        size=48,
        names={
            "conv2d_8": "conv1",
            "p_re_lu_7": "prelu1",
            "p_re_lu_7/add:0_pooling": "pool1",
            "conv2d_9": "conv2",
            "p_re_lu_8": "prelu2",
            "p_re_lu_8/add:0_pooling": "pool2",
            "conv2d_10": "conv3",
            "p_re_lu_9": "prelu3",
            "p_re_lu_9/add:0_pooling": "pool3",
            "conv2d_11": "conv4",
            "p_re_lu_10": "prelu4",
            "flatten_1": "flatten",
            "dense_3": "conv5",
            "p_re_lu_11": "prelu5",
            "dense_4": "conv6-1",
            "dense_5": "conv6-2",
            "dense_6": "conv6-3",
            "softmax_2": "prob1",
        },
    ),
}


def convert(source: Path, recipe: Recipe) -> CaffeFiles:
    """Convert one network from its ONNX file.

    Raises:
        ModelError: the file cannot be read, or holds another network than the recipe's.
    """
    layers = simplify(read_onnx(source).layers((recipe.size, recipe.size)))
    names = {INPUT_NAME: INPUT_NAME, **recipe.names}
    by_name = {layer.name: layer for layer in layers}
    if set(by_name) != set(names):
        differing = sorted(set(by_name) ^ set(names))
        raise ModelError(f"{source} is not MTCNN's {recipe.net_name}: see its nodes {differing}")
    ordered = [_renamed(by_name[name], names) for name in names]
    net, weights = to_caffe(ordered, recipe.net_name)
    return CaffeFiles.of(net, weights, "Written by convert/mtcnn2caffe.py; do not edit.")


def _renamed(layer: Layer, names: dict[str, str]) -> Layer:
    bottoms = tuple(names[bottom] for bottom in layer.bottoms)
    return replace(layer, name=names[layer.name], bottoms=bottoms)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Turn MTCNN's networks from ONNX into Caffe's.")
    parser.add_argument("source_folder", type=Path, help="holds pnet.onnx, rnet.onnx, onet.onnx")
    parser.add_argument("out_folder", type=Path, help="where the six files are written")
    options = parser.parse_args(arguments)
    for name, recipe in RECIPES.items():
        convert(options.source_folder / recipe.source, recipe).write(options.out_folder, name)
