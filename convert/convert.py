"""Turns any network into Caffe, ONNX, CoreML and TFLite files."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from faceserver.conversion.command import run
from faceserver.conversion.convert_any import main

if __name__ == "__main__":
    run(main)
