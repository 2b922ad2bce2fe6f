"""Turns MTCNN's three networks into Caffe, named and laid out as the original's are.

    python convert/mtcnn2caffe.py FOLDER OUT_FOLDER

reads pnet.onnx, rnet.onnx and onet.onnx, or det1.npy to det3.npy, or pnet.pt, rnet.pt and onet.pt
(the last with PyTorch), or det1.caffemodel to det3.caffemodel, and writes det1, det2 and det3
(.prototxt, .caffemodel). The original was trained with x and y swapped: the input is (batch, 3,
width, height).
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from faceserver.conversion.caffe.caffemodel import read_caffemodel
from faceserver.conversion.caffe.prototxt import read_prototxt
from faceserver.conversion.caffe2onnx import convert as to_onnx_file
from faceserver.conversion.checks.judge import difference, run_opencv, run_openvino, sample
from faceserver.conversion.files import write_together
from faceserver.conversion.graph.layers import Layer
from faceserver.conversion.graph.simplify import simplify
from faceserver.conversion.options import require_place
from faceserver.conversion.readers.kinds import Kind, kind_of
from faceserver.conversion.readers.mtcnn_weights import read_weights
from faceserver.conversion.readers.onnx_source import read_onnx
from faceserver.conversion.readers.ov_blobs import INPUT_NAME
from faceserver.conversion.writers.caffe_files import CaffeFiles
from faceserver.conversion.writers.to_caffe import to_caffe
from faceserver.conversion.writers.to_onnx import to_onnx
from faceserver.errors import ModelError
from faceserver.folders import DESCRIPTIONS


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


_COMMENT = "Written by convert/mtcnn2caffe.py; do not edit."

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
    return CaffeFiles.of(net, weights, _COMMENT)


def parts(folder: Path) -> dict[str, Path]:
    """Find the three networks in a folder, by the names that others give them.

    Raises:
        ModelError: they are not there.
    """
    for pattern in ("{old}.caffemodel", "{net}.onnx", "{old}.npy", "{net}.pt"):
        found = {
            name: folder / pattern.format(old=name, net=recipe.net_name.lower())
            for name, recipe in RECIPES.items()
        }
        if all(path.is_file() for path in found.values()):
            return found
    raise ModelError(
        f"{folder} does not hold MTCNN's three networks: pnet.onnx, rnet.onnx and onet.onnx, "
        "det1.npy to det3.npy, pnet.pt, rnet.pt and onet.pt, or det1.caffemodel to det3.caffemodel"
    )


def convert_part(source: Path, name: str) -> CaffeFiles:
    """Convert one network, det1 to det3, whatever it is kept in.

    Raises:
        ModelError: the file cannot be read, or holds another network.
        SetupError: PyTorch is needed and not installed.
    """
    kind = kind_of(source)
    if kind is Kind.ONNX:
        return convert(source, RECIPES[name])
    net = read_prototxt(DESCRIPTIONS / "mtcnn" / f"{name}.prototxt")
    if kind is Kind.CAFFEMODEL:
        weights = {
            layer: blobs
            for layer, blobs in read_caffemodel(source).items()
            if layer in {each.name for each in net.layer}
        }
        to_onnx(net, weights, "")  # refuses weights that do not fit
        return CaffeFiles.of(net, weights, _COMMENT)
    return CaffeFiles.of(net, read_weights(source, net), _COMMENT)


def _renamed(layer: Layer, names: dict[str, str]) -> Layer:
    bottoms = tuple(names[bottom] for bottom in layer.bottoms)
    return replace(layer, name=names[layer.name], bottoms=bottoms)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    about, _, details = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=details, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source_folder", type=Path, help="holds the three networks")
    parser.add_argument("out_folder", type=Path, help="where the six files are written")
    parser.add_argument(
        "--no-check", action="store_true", help="write the files even if they differ by over 1e-4"
    )
    options = parser.parse_args(arguments)
    made = [f"{name}.{kind}" for name in RECIPES for kind in ("prototxt", "caffemodel")]
    require_place(options.out_folder, made)
    contents = {}
    for name, source in parts(options.source_folder).items():
        files = convert_part(source, name)
        contents[f"{name}.caffemodel"], contents[f"{name}.prototxt"] = (
            files.caffemodel,
            files.prototxt,
        )
        apart = "" if options.no_check else f"{compare_part(source, name, files):.1e}"
        compared = f"differs by at most {apart}" if apart else "not compared"
        print(f"{name}: made of {source.name}; {compared}")
    write_together(options.out_folder, contents)


def compare_part(source: Path, name: str, files: CaffeFiles) -> float:
    """Compare a network with its source, or with ONNX where the source holds weights alone.

    Returns:
        The largest difference of any output.

    Raises:
        ModelError: it is above 1e-4.
    """
    size = RECIPES[name].size
    blob = sample((1, 3, size, size))
    with TemporaryDirectory() as folder:
        files.write(Path(folder), name)
        prototxt, caffemodel = (
            Path(folder) / f"{name}.{kind}" for kind in ("prototxt", "caffemodel")
        )
        onnx = Path(folder) / f"{name}.onnx"
        onnx.write_bytes(to_onnx_file(prototxt, caffemodel))
        found = run_openvino(onnx, blob)
        expected = run_opencv(prototxt, caffemodel, blob, found)
        if kind_of(source) is Kind.ONNX:
            opened = read_onnx(source)
            theirs = opened.run(blob, opened.outputs)
            names = {RECIPES[name].names[key.removesuffix(":0")]: key for key in theirs}
            expected = {ours: theirs[key].reshape(found[ours].shape) for ours, key in names.items()}
        return difference(str(source), expected, found)
