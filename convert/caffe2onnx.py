"""Turns a Caffe network into the ONNX file that fast runtimes read."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from faceserver.conversion.caffe2onnx import main
from faceserver.conversion.command import run

if __name__ == "__main__":
    run(main)
