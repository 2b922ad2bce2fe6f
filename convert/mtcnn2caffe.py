"""Turns MTCNN's three networks from ONNX into Caffe, named and laid out as the original's are."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from faceserver.conversion.command import run
from faceserver.conversion.mtcnn2caffe import main

if __name__ == "__main__":
    run(main)
