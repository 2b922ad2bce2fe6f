"""Turns a FaceNet from TensorFlow into a Caffe network.

    python convert/tf2caffe.py SOURCE OUT_FOLDER

SOURCE is a frozen graph (*.pb), a folder with a TF1 checkpoint (*.meta, *.index, *.data-*), or the
folder of a SavedModel. The last two need TensorFlow: pip install 'faceserver[convert]'.

OUT_FOLDER then holds facenet.prototxt, facenet.caffemodel, facenet.onnx, model.toml and
report.json, which says layer by layer how far the result is from the source. Make the model usable
by its name with `faceserver models add OUT_FOLDER`.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from faceserver.conversion.caffe.prototxt import parse_prototxt
from faceserver.conversion.caffe.shapes import infer_shapes
from faceserver.conversion.files import write_together
from faceserver.conversion.graph.layers import Affine, Input, Layer, consumers
from faceserver.conversion.graph.simplify import simplify
from faceserver.conversion.readers.from_graphdef import layers_from_graph
from faceserver.conversion.readers.tf_source import TfSource, read_source
from faceserver.conversion.writers.caffe_files import CaffeFiles
from faceserver.conversion.writers.to_caffe import to_caffe
from faceserver.errors import ModelError

if TYPE_CHECKING:
    from faceserver.conversion.checks.report import Report

OUTPUT_NAME = "embeddings"

_NORMALIZATIONS = ("fixed", "whiten", "none")


@dataclass(frozen=True)
class Style:
    """How a network is written.

    Attributes:
        keep_batch_norms: as BatchNorm and Scale, instead of folded into the convolutions.
        conv_bottleneck: the bottleneck as a 1x1 convolution instead of an InnerProduct.
        input_size: rows and columns, for a graph that leaves them open.
    """

    keep_batch_norms: bool = False
    conv_bottleneck: bool = False
    input_size: int | None = None


def convert(source: Path, name: str, style: Style | None = None) -> CaffeFiles:
    """Convert a network whose output is an embedding.

    Args:
        source: the graph's file, or the folder of a checkpoint or SavedModel.
        name: the network's name.
        style: how it is written.

    Returns:
        The network: input ``data``, RGB, shape (1, 3, rows, columns); output ``embeddings``, not
        yet scaled to unit length.

    Raises:
        ModelError: the source cannot be read, or its graph not be converted.
    """
    style = style or Style()
    return write_caffe(read_layers(read_source(source), style), name, style)


def read_layers(source: TfSource, style: Style) -> list[Layer]:
    """Return the source's layers as they are written; the last is called ``embeddings``."""
    layers = layers_from_graph(source.graph, style.input_size)
    *layers, last = simplify(layers, keep_batch_norms=style.keep_batch_norms)
    return [*layers, replace(last, name=OUTPUT_NAME)]


def write_caffe(layers: list[Layer], name: str, style: Style) -> CaffeFiles:
    """Format layers as Caffe's files."""
    net, weights = to_caffe(layers, name, dense_as_convolution=style.conv_bottleneck)
    return CaffeFiles.of(net, weights, "Written by convert/tf2caffe.py; do not edit.")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    started = time.perf_counter()
    style = Style(
        keep_batch_norms=options.keep_batchnorm,
        conv_bottleneck=options.conv_bottleneck,
        input_size=options.input_size,
    )
    _say(f"reading {options.source}")
    source = read_source(options.source, options.output)
    layers = read_layers(source, style)
    caffe = write_caffe(layers, options.name, style)
    size, dims = _input_size_and_dims(caffe)
    _say(f"{len(layers)} layers, {size}x{size} pixels to {dims} values")
    _convert_all(options, source, layers, caffe, lambda: time.perf_counter() - started)


def _convert_all(
    options: argparse.Namespace,
    source: TfSource,
    layers: list[Layer],
    caffe: CaffeFiles,
    seconds: Callable[[], float],
) -> None:
    # The runtimes that check the result take a second to load.
    from faceserver.conversion import caffe2onnx, model_toml  # noqa: PLC0415
    from faceserver.conversion.checks import report, report_inputs  # noqa: PLC0415
    from faceserver.conversion.fingerprint import sha256_of  # noqa: PLC0415

    size, dims = _input_size_and_dims(caffe)
    choices = model_toml.Choices(options.normalization, options.threshold, options.licence)
    known = model_toml.recognise(source)
    normalization = model_toml.normalization_for(
        known, choices, scaled_inside=_scales_its_input(layers)
    )
    with TemporaryDirectory() as staging:
        folder = Path(staging)
        caffe.write(folder, options.name)
        prototxt, caffemodel, onnx = (
            folder / f"{options.name}.{kind}" for kind in ("prototxt", "caffemodel", "onnx")
        )
        _say("making the ONNX file")
        onnx.write_bytes(caffe2onnx.convert(prototxt, caffemodel))
        _say("comparing layer by layer with the source")
        pixels = model_toml.pixel_normalization(normalization)
        inputs = report_inputs.inputs(size, pixels, options.picture)
        compared = report.compare(source, layers, folder, options.name, inputs)
        compared = replace(compared, seconds=round(seconds(), 1))
        if options.check:
            compared.check()
        described = model_toml.format_model_toml(
            source,
            model=options.model or (known.name if known else options.out_folder.resolve().name),
            network=options.name,
            dims=dims,
            size=size,
            normalization=normalization,
            caffemodel_sha256=sha256_of(caffemodel),
            choices=choices,
        )
        contents = {path.name: path.read_bytes() for path in (prototxt, caffemodel, onnx)}
        contents["report.json"] = compared.format()
        contents["model.toml"] = described.encode()  # the last: it tells that all are there
        write_together(options.out_folder, contents)
    _summarize(compared, options.out_folder)


def _summarize(compared: "Report", folder: Path) -> None:
    where, largest = compared.worst()
    _say(f"{compared.parameters:,} parameters; checked against {compared.judge}")
    for title, forms in compared.embedding.items():
        apart = ", ".join(f"{value:.1e} in {form}" for form, value in forms.items())
        _say(f"embedding of the {title} input differs by {apart}")
    _say(f"largest difference of {len(compared.layers)} layers: {largest:.1e}, {where}")
    _say(f"wrote {folder} after {compared.seconds} s")


def _input_size_and_dims(caffe: CaffeFiles) -> tuple[int, int]:
    """Return the sides of the input and the length of the embedding.

    Raises:
        ModelError: this is no network from square pictures to vectors.
    """
    shapes = infer_shapes(parse_prototxt(caffe.prototxt.decode()))
    (_one, channels, rows, columns), (_batch, dims, *rest) = shapes["data"], shapes[OUTPUT_NAME]
    if channels != 3 or rows != columns or any(size != 1 for size in rest) or dims < 2:
        raise ModelError(
            f"this is no FaceNet: it makes {shapes[OUTPUT_NAME]} of {shapes['data']}, not a vector "
            "of a square RGB picture"
        )
    return rows, dims


def _scales_its_input(layers: list[Layer]) -> bool:
    inputs = [layer.name for layer in layers if isinstance(layer, Input)]
    readers = consumers(layers)
    return all(isinstance(each, Affine) for name in inputs for each in readers[name])


def _say(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    about, _, details = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=about,
        epilog=details.partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("source", type=Path, help="frozen graph, checkpoint folder or SavedModel folder")
    add("out_folder", type=Path, help="where the files are written; all of them or none")
    add("--name", default="facenet", help="the network's and the files' name [%(default)s]")
    add("--model", help="the model's name [of the published model, else of OUT_FOLDER]")
    add("--output", metavar="NODE", help="node that makes the embedding [embeddings]")
    add("--input-size", type=int, metavar="N", help="sides in pixels, where the graph has none")
    add("--keep-batchnorm", action="store_true", help="write norms as BatchNorm and Scale")
    add("--conv-bottleneck", action="store_true", help="write the bottleneck as a convolution")
    add(
        "--normalization",
        choices=_NORMALIZATIONS,
        help="pixels as trained: fixed is (x - 127.5) / 128, whiten (x - mean) / std of each "
        "picture, none as they are [known of the published models]",
    )
    add("--threshold", type=float, help="squared L2 distance below which two faces are one person")
    add("--licence", help="of the weights [known of the published models]")
    add("--picture", type=Path, help="a real picture to compare on, besides made ones")
    add("--check", action="store_true", help="fail, and write nothing, above 1e-4")
    return parser
