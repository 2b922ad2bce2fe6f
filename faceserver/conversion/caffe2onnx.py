"""Turns a Caffe network into the ONNX file that fast runtimes read.

Reads any prototxt and caffemodel, in the form of Caffe 1.0 or older, whose layers are of these
types: Input, Convolution (also DepthwiseConvolution), Deconvolution, InnerProduct, BatchNorm,
Scale, ReLU, ReLU6, PReLU, Sigmoid, TanH, AbsVal, BNLL, ELU, Pooling, Concat, Eltwise, Softmax,
Flatten, Reshape, Permute, Slice, Tile, Interp, Upsample, Crop, Power, Normalize, PriorBox,
DetectionOutput, Dropout, Split. The batch is open in the ONNX file; rows and columns are, too,
where the network is fully convolutional.

The result is compared with what OpenCV makes of the Caffe files, and written if it agrees.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx

from faceserver.conversion.caffe.caffemodel import read_caffemodel
from faceserver.conversion.caffe.prototxt import format_prototxt, read_prototxt
from faceserver.conversion.checks.judge import difference, run_opencv, run_openvino, sample
from faceserver.conversion.files import write_whole
from faceserver.conversion.fingerprint import fingerprint
from faceserver.conversion.options import require_place
from faceserver.conversion.readers.kinds import Kind, require
from faceserver.conversion.writers.to_onnx import to_onnx
from faceserver.errors import ModelError
from faceserver.types import Floats

_CHECKED_BATCH = 2


def convert(prototxt: Path, caffemodel: Path, given: Path | None = None) -> bytes:
    """Convert a network; the same files always give the same bytes.

    Args:
        prototxt: its layers.
        caffemodel: their weights.
        given: what the user gave, where these two were made of it; messages name it.

    Raises:
        ModelError: a file cannot be read, or the network not be converted.
    """
    require(prototxt, [Kind.PROTOTXT], "a prototxt")
    require(caffemodel, [Kind.CAFFEMODEL], "a caffemodel")
    net, weights = read_prototxt(prototxt), read_caffemodel(caffemodel)
    try:
        model = to_onnx(net, weights, fingerprint(prototxt, caffemodel))
    except ModelError as error:
        raise ModelError(f"{given or prototxt}: {error}") from error
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def check(prototxt: Path, caffemodel: Path, content: bytes) -> float:
    """Run the model in OpenVINO and the Caffe files in OpenCV, on a fixed input.

    Returns:
        The largest difference of any output, in parts of that output's largest value where this is
        above 1.

    Raises:
        ModelError: it is above 1e-4, or the network cannot be run.
    """
    net = read_prototxt(prototxt)
    shapes = {
        layer.name: tuple(layer.input_param.shape[0].dim)
        for layer in net.layer
        if layer.type == "Input" and layer.input_param.shape
    }
    # What has found something in each picture of a batch has no shape of its own.
    batch = 1 if any(layer.type == "DetectionOutput" for layer in net.layer) else _CHECKED_BATCH
    blobs = {name: _blob((batch, *shape[1:])) for name, shape in shapes.items()}
    with TemporaryDirectory() as folder:
        path, layers = Path(folder) / "net.onnx", Path(folder) / "net.prototxt"
        path.write_bytes(content)
        found = run_openvino(path, blobs)
        # OpenCV knows each layer by one name.
        layers.write_text(format_prototxt(net, "As Caffe 1.0 writes it."), encoding="utf-8")
        try:
            expected = run_opencv(layers, caffemodel, blobs, found)
        except ModelError as error:
            raise ModelError(
                f"{caffemodel}: {error}: it cannot be compared; --no-check writes it all the same"
            ) from error
    for layer in net.layer:
        if layer.type == "DetectionOutput" and layer.top[0] in expected:
            expected[layer.top[0]] = found_alone(expected[layer.top[0]])
    largest = {name: max(1, np.abs(values).max()) for name, values in expected.items()}
    return difference(
        str(caffemodel),
        {name: values / largest[name] for name, values in expected.items()},
        {name: values / largest[name] for name, values in found.items()},
    )


def found_alone(detections: Floats) -> Floats:
    """Drop the rows of zeros with which OpenCV fills up what a DetectionOutput layer has found.

    Args:
        detections: shape (1, 1, rows, 7); a row without label has found nothing.
    """
    rows = detections.reshape(-1, 7)
    return rows[rows[:, 1] > 0].reshape(1, 1, -1, 7)


def _blob(shape: tuple[int, ...]) -> Floats:
    if len(shape) == 4:
        return sample(shape)
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    summary, _blank, details = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary.splitlines()[0],
        epilog=details,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("prototxt", type=Path, help="the layers")
    parser.add_argument("caffemodel", type=Path, help="the weights")
    parser.add_argument("out", type=Path, help="the ONNX file to write")
    parser.add_argument(
        "--no-check",
        action="store_true",
        help="write the file even if it differs from what OpenCV makes of the Caffe files by more "
        "than 1e-4",
    )
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.out.is_dir():
        raise ModelError(f"{options.out} is a folder: say the file that is to be written in it")
    require_place(options.out.parent)
    content = convert(options.prototxt, options.caffemodel)
    apart = None
    if not options.no_check:
        apart = check(options.prototxt, options.caffemodel, content)
    write_whole(options.out, content)
    print(f"{options.out}: {_summary(content)}")
    if apart is not None:
        print(f"checked against {options.caffemodel}: differs by at most {apart:.1e}")


def _summary(content: bytes) -> str:
    graph = onnx.load_from_string(content).graph
    inputs, outputs = (
        ", ".join(_described(value) for value in values) for values in (graph.input, graph.output)
    )
    return f"{inputs} -> {outputs}"


def _described(value: onnx.ValueInfoProto) -> str:
    dims = value.type.tensor_type.shape.dim
    sizes = ", ".join(dim.dim_param or str(dim.dim_value or "?") for dim in dims)
    return f"{value.name} ({sizes})"
