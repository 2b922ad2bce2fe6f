"""Turns a frozen TensorFlow graph into a Caffe network.

    python convert/tf2caffe.py SOURCE.pb OUT_FOLDER

writes OUT_FOLDER/facenet.prototxt and OUT_FOLDER/facenet.caffemodel.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from convert.caffe_files import CaffeFiles
from convert.command import run
from convert.from_graphdef import layers_from_graph
from convert.graphdef import read_graph
from convert.simplify import simplify
from convert.to_caffe import to_caffe

OUTPUT_NAME = "embeddings"


def convert(source: Path, name: str) -> CaffeFiles:
    """Convert a frozen graph whose output is an embedding.

    Args:
        source: the graph's file.
        name: the network's name.

    Returns:
        The network: input ``data``, RGB, shape (1, 3, rows, columns); output ``embeddings``, not
        yet scaled to unit length.

    Raises:
        ModelError: the file cannot be read, or its graph not be converted.
    """
    *layers, last = simplify(layers_from_graph(read_graph(source)))
    net, weights = to_caffe([*layers, replace(last, name=OUTPUT_NAME)], name)
    return CaffeFiles.of(net, weights, "Written by convert/tf2caffe.py; do not edit.")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Turn a frozen TensorFlow graph into Caffe's.")
    parser.add_argument("source", type=Path, help="the frozen graph, *.pb")
    parser.add_argument("out_folder", type=Path, help="where the two files are written")
    parser.add_argument("--name", default="facenet", help="the network's and the files' name")
    options = parser.parse_args(arguments)
    convert(options.source, options.name).write(options.out_folder, options.name)


if __name__ == "__main__":
    run(main)
