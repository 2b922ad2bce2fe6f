"""Builds what is missing of the models: fetches the published weights, converts and checks them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from faceserver.conversion.build import main
from faceserver.conversion.command import run

if __name__ == "__main__":
    run(main)
