"""Turns a Caffe network into the ONNX file that fast runtimes read.

python convert/caffe2onnx.py PROTOTXT CAFFEMODEL OUT.onnx
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from convert.command import run
from convert.files import write_whole
from convert.fingerprint import fingerprint
from convert.to_onnx import to_onnx
from faceserver.caffe.caffemodel import read_caffemodel
from faceserver.caffe.prototxt import read_prototxt


def convert(prototxt: Path, caffemodel: Path) -> bytes:
    """Convert a network; the same files always give the same bytes.

    Raises:
        ModelError: a file cannot be read, or the network not be converted.
    """
    net, weights = read_prototxt(prototxt), read_caffemodel(caffemodel)
    model = to_onnx(net, weights, fingerprint(prototxt, caffemodel))
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Turn a Caffe network into ONNX.")
    parser.add_argument("prototxt", type=Path, help="the layers")
    parser.add_argument("caffemodel", type=Path, help="the weights")
    parser.add_argument("out", type=Path, help="the ONNX file to write")
    options = parser.parse_args(arguments)
    write_whole(options.out, convert(options.prototxt, options.caffemodel))


if __name__ == "__main__":
    run(main)
