"""Turns a FaceNet from TensorFlow into a Caffe network."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from faceserver.conversion.command import run
from faceserver.conversion.tf2caffe import main

if __name__ == "__main__":
    run(main)
