"""The steps that all converters have in common: write each form, compare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from faceserver.conversion.files import write_whole
from faceserver.conversion.network import EMBEDDINGS, Network
from faceserver.conversion.options import Pixels
from faceserver.conversion.writers.caffe_files import CaffeFiles
from faceserver.conversion.writers.to_caffe import to_caffe
from faceserver.errors import ModelError
from faceserver.types import Floats

if TYPE_CHECKING:  # the runtimes that check a result take a second to load
    from faceserver.conversion.checks.report import Report, Runner

LIMIT = 1e-4
"""Above it, a difference to the source is an error."""


@dataclass(frozen=True)
class Style:
    """How a network is written to Caffe.

    Attributes:
        keep_batch_norms: as BatchNorm and Scale, instead of folded into the convolutions.
        conv_bottleneck: the bottleneck as a 1x1 convolution instead of an InnerProduct.
    """

    keep_batch_norms: bool = False
    conv_bottleneck: bool = False


def caffe_files(network: Network, name: str, style: Style, writer: str) -> CaffeFiles:
    """Format a network as Caffe's files; ``writer`` is named in the prototxt.

    Raises:
        ModelError: Caffe cannot compute layers; the message names the source's file and all.
    """
    try:
        net, weights = to_caffe(network.layers, name, dense_as_convolution=style.conv_bottleneck)
    except ModelError as error:
        raise ModelError(f"{network.source.path}: {error}") from error
    return CaffeFiles.of(net, weights, f"Written by {writer}; do not edit.")


def write_caffe_and_onnx(
    files: CaffeFiles, folder: Path, name: str, source: Path
) -> dict[str, "Runner"]:
    """Write Caffe's files and the ONNX file of them; return what runs each.

    Raises:
        ModelError: the network cannot be written as ONNX; the message names the source.
    """
    from faceserver.conversion import caffe2onnx  # noqa: PLC0415
    from faceserver.conversion.checks.judge import run_opencv, run_openvino  # noqa: PLC0415

    files.write(folder, name)
    prototxt, caffemodel, onnx = (
        folder / f"{name}.{kind}" for kind in ("prototxt", "caffemodel", "onnx")
    )
    write_whole(onnx, caffe2onnx.convert(prototxt, caffemodel, source))

    def caffe(blob: Floats, names: Sequence[str]) -> Mapping[str, Floats]:
        return run_opencv(prototxt, caffemodel, blob, names)

    def onnx_file(blob: Floats, _names: Sequence[str]) -> Mapping[str, Floats]:
        return run_openvino(onnx, blob)

    return {"Caffe": caffe, "ONNX": onnx_file}


def compare(
    network: Network,
    files: CaffeFiles | None,
    forms: Mapping[str, "Runner"],
    pixels: Pixels,
    pictures: Sequence[Path],
) -> "Report":
    """Compare what was made with the source: each layer of Caffe's, and the outputs of all."""
    from faceserver.conversion.caffe.prototxt import parse_prototxt  # noqa: PLC0415
    from faceserver.conversion.checks import report, report_inputs  # noqa: PLC0415

    _channels, *size = network.input_shape
    blobs = report_inputs.inputs(
        (size[0], size[1]), pixels.normalization, pictures, pixels.channels
    )
    # What a layer overwrites in place is compared after that.
    layers = parse_prototxt(files.prototxt.decode()).layer if files else []
    makers = {layer.top[0]: layer.name for layer in layers}
    return report.compare(
        network,
        forms,
        blobs,
        traced=tuple(makers.values()) if "Caffe" in forms else (),
        parameters=parameters_of(network),
    )


def whole_way(
    network: Network,
    forms: Mapping[str, "Runner"],
    pixels: Pixels,
    pictures: Sequence[Path],
    expected: Path,
) -> float:
    """Compare vectors of pictures with the source's own; see :func:`check_whole_way`."""
    from faceserver.conversion.checks.whole_way import check_whole_way  # noqa: PLC0415

    if network.dims is None:
        raise ModelError(
            f"{network.source.path} makes no single vector, so --expected is of no use"
        )
    _channels, rows, columns = network.input_shape

    def embed(run: "Runner", blob: Floats) -> Floats:
        import numpy as np  # noqa: PLC0415

        rows_of = [run(each[None], [EMBEDDINGS])[EMBEDDINGS].reshape(1, -1) for each in blob]
        return np.concatenate(rows_of)

    return max(
        check_whole_way(
            partial(embed, run),
            expected,
            pictures,
            (rows, columns),
            pixels.normalization,
            pixels.channels,
        )
        for run in forms.values()
    )


def parameters_of(network: Network) -> int:
    """Count the values of all weights."""
    total = 0
    for layer in network.layers:
        for name in ("weights", "bias", "slopes"):
            values = getattr(layer, name, None)
            total += 0 if values is None else int(values.size)
    return total
