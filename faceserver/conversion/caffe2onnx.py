"""Turns a Caffe network into the ONNX file that fast runtimes read.

Reads any prototxt and caffemodel, in the form of Caffe 1.0 or older, whose layers are of these
types: Input, Convolution, InnerProduct, BatchNorm, Scale, ReLU, PReLU, Pooling, Concat, Eltwise,
Softmax, Flatten, Crop, Power, Normalize, Dropout, Split. The batch is open in the ONNX file; rows
and columns are, too, where the network is fully convolutional.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx

from faceserver.conversion.caffe.caffemodel import read_caffemodel
from faceserver.conversion.caffe.prototxt import read_prototxt
from faceserver.conversion.checks.judge import difference, run_opencv, run_openvino, sample
from faceserver.conversion.files import write_whole
from faceserver.conversion.fingerprint import fingerprint
from faceserver.conversion.writers.to_onnx import to_onnx
from faceserver.errors import ModelError

_CHECKED_BATCH = 2


def convert(prototxt: Path, caffemodel: Path) -> bytes:
    """Convert a network; the same files always give the same bytes.

    Raises:
        ModelError: a file cannot be read, or the network not be converted.
    """
    net, weights = read_prototxt(prototxt), read_caffemodel(caffemodel)
    model = to_onnx(net, weights, fingerprint(prototxt, caffemodel))
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
    inputs = [layer for layer in read_prototxt(prototxt).layer if layer.type == "Input"]
    shape = tuple(inputs[0].input_param.shape[0].dim) if len(inputs) == 1 else ()
    if len(shape) != 4:
        raise ModelError("only a network with one input of four axes can be checked")
    blob = sample((_CHECKED_BATCH, *shape[1:]))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "net.onnx"
        path.write_bytes(content)
        found = run_openvino(path, blob)
    expected = run_opencv(prototxt, caffemodel, blob, found)
    largest = {name: max(1, np.abs(values).max()) for name, values in expected.items()}
    return difference(
        str(caffemodel),
        {name: values / largest[name] for name, values in expected.items()},
        {name: values / largest[name] for name, values in found.items()},
    )


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
        "--check",
        action="store_true",
        help="compare the result with what OpenCV makes of the Caffe files; "
        "write nothing if they differ by more than 1e-4",
    )
    options = parser.parse_args(arguments)
    content = convert(options.prototxt, options.caffemodel)
    apart = check(options.prototxt, options.caffemodel, content) if options.check else None
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
