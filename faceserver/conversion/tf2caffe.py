"""Turns a face network from TensorFlow into a Caffe network; Keras, ONNX and PyTorch, too.

    python convert/tf2caffe.py SOURCE OUT_FOLDER

SOURCE is a frozen graph (*.pb), a folder with a TF1 checkpoint (*.meta, *.index, *.data-*), the
folder of a SavedModel, a Keras, ONNX or PyTorch file; what each needs is in docs/conversion.md.

OUT_FOLDER then holds facenet.prototxt, facenet.caffemodel, facenet.onnx, model.toml and
report.json, which says layer by layer how far the result is from the source. Make the model usable
by its name with `faceserver models add OUT_FOLDER`.
"""

import argparse
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from faceserver.conversion import converting
from faceserver.conversion.converting import Style as Style  # noqa: PLC0414 - for callers
from faceserver.conversion.files import write_together
from faceserver.conversion.network import Network, read_network
from faceserver.conversion.options import (
    add_check_options,
    add_source_options,
    opening_of,
    pixels_of,
    require_place,
)
from faceserver.conversion.readers.source import open_source
from faceserver.conversion.writers.caffe_files import CaffeFiles
from faceserver.errors import ModelError

if TYPE_CHECKING:
    from faceserver.conversion.checks.report import Report

_WRITER = "convert/tf2caffe.py"


def convert(source: Path, name: str, style: Style | None = None) -> CaffeFiles:
    """Convert a network of which nothing needs to be said.

    Args:
        source: the file or folder.
        name: the network's name.
        style: how it is written.

    Returns:
        The network: input ``data``, shape (1, 3, rows, columns); output ``embeddings``, not yet
        scaled to unit length.

    Raises:
        ModelError: the source cannot be read, or its graph not be converted.
    """
    style = style or Style()
    network = read_network(
        open_source(source), keep_batch_norms=style.keep_batch_norms, is_embedding=True
    )
    return converting.caffe_files(network, name, style, _WRITER)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    started = time.perf_counter()
    require_place(options.out_folder)
    _say(f"reading {options.source}")
    style = Style(options.keep_batchnorm, options.conv_bottleneck)
    opening = opening_of(options)
    source = open_source(options.source, opening)
    network = read_network(source, opening.size, keep_batch_norms=style.keep_batch_norms)
    _require_embedding(network)
    _say(_summary(network))
    files = converting.caffe_files(network, options.name, style, _WRITER)
    pixels = pixels_of(options, network)
    with TemporaryDirectory() as staging:
        folder = Path(staging)
        _say("making the ONNX file")
        forms = converting.write_caffe_and_onnx(files, folder, options.name)
        _say(f"comparing layer by layer with the source, which {source.judge} runs")
        report = converting.compare(network, files, forms, pixels, options.picture)
        report = replace(report, seconds=round(time.perf_counter() - started, 1))
        if not options.no_check:
            report.check()
        if options.expected:
            apart = converting.whole_way(network, forms, pixels, options.picture, options.expected)
            _say(f"the whole way from picture to vector differs by {apart:.1e}")
        known = pixels.known
        made = {
            kind: folder / f"{options.name}.{kind}" for kind in ("prototxt", "caffemodel", "onnx")
        }
        described = converting.describe(
            network,
            pixels,
            model=options.model or (known.name if known else options.out_folder.resolve().name),
            files=made,
            threshold=options.threshold,
            licence=options.licence,
        )
        write_together(options.out_folder, _contents(made, report, described))
    summarize(report, options.out_folder)


def summarize(report: "Report", folder: Path) -> None:
    """Say how far the result is from its source."""
    where, largest = report.worst()
    _say(f"{report.parameters:,} parameters; checked against {report.judge}")
    for title, forms in report.embedding.items():
        apart = ", ".join(f"{value:.1e} in {form}" for form, value in forms.items())
        _say(f"output for the {title} input differs by {apart}")
    _say(f"largest difference of {len(report.layers)} layers: {largest:.1e}, {where}")
    _say(f"wrote {folder} after {report.seconds} s")


def _contents(made: Mapping[str, Path], report: "Report", described: str) -> dict[str, bytes]:
    contents = {path.name: path.read_bytes() for path in made.values()}
    contents["report.json"] = report.format()
    contents["model.toml"] = described.encode()  # the last: it tells that all are there
    return contents


def _require_embedding(network: Network) -> None:
    """Refuse, before long work, what can have no model.toml."""
    _channels, rows, columns = network.input_shape
    if network.dims is None or rows != columns:
        raise ModelError(
            f"{network.source.path}: this is not a FaceNet: it makes {dict(network.output_shapes)} "
            f"of {network.input_shape}, not a vector of a square RGB picture; `faceserver models "
            "convert` takes any network"
        )


def _summary(network: Network) -> str:
    _channels, rows, columns = network.input_shape
    return f"{len(network.layers)} layers, {rows}x{columns} pixels to {network.dims} values"


def _say(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    about, _, details = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=about,
        epilog=details.partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_source_options(parser)
    add = parser.add_argument
    add("--name", default="facenet", help="the network's and the files' name [%(default)s]")
    add("--model", help="the model's name [of the published model, else of OUT_FOLDER]")
    add("--keep-batchnorm", action="store_true", help="write norms as BatchNorm and Scale")
    add("--conv-bottleneck", action="store_true", help="write the bottleneck as a convolution")
    add("--threshold", type=float, help="squared L2 distance below which two faces are one person")
    add_check_options(parser, "1e-4")
    return parser
