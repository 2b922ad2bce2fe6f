"""Turns a face network into a CoreML model for iPhone, iPad and Mac.

    python convert/tf2coreml.py SOURCE OUT_FOLDER

writes OUT_FOLDER/facenet.mlpackage, an ML program for iOS 15 and later; with --neural-network
OUT_FOLDER/facenet.mlmodel, which older systems run too. SOURCE is a frozen graph (*.pb), a folder
with a TF1 checkpoint, the folder of a SavedModel, a Keras, ONNX or PyTorch file.

The model takes a picture: a pixel buffer of the network's size that shows one face, cut out as the
model was trained to see it. The model's own normalization is inside. It gives the unit vector
`embedding`; of a network that makes other values, such as a detector, it gives these.
"""

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from faceserver.conversion.coreml import check
from faceserver.conversion.coreml.about import About, about
from faceserver.conversion.coreml.check import check_outputs, check_program, load_pictures
from faceserver.conversion.coreml.compress import compress, loss
from faceserver.conversion.coreml.files import describe, staged
from faceserver.conversion.coreml.network import Embedder, coreml_network, pixel_scaling
from faceserver.conversion.coreml.to_network import to_neural_network
from faceserver.conversion.coreml.to_program import to_program
from faceserver.conversion.network import Network, read_network
from faceserver.conversion.options import (
    add_check_options,
    add_source_options,
    opening_of,
    pixels_of,
    require_place,
)
from faceserver.conversion.readers.source import open_source
from faceserver.errors import InvalidRequest, ModelError

_EXAMPLES = """\
examples:
  python convert/tf2coreml.py graph_final.pb out --picture face.jpg
      one of the published models, which its sha256 tells; checked on a picture of a face
  python convert/tf2coreml.py mine.pb out --name MyNet --normalization whiten --half
      a model of one's own: out/MyNet.mlpackage, with 16-bit weights
"""


@dataclass(frozen=True)
class Form:
    """Which CoreML file is made.

    Attributes:
        neural_network: the older form instead of a program.
        half: 16-bit weights.
        compressed: int8 or palette, see :mod:`coreml.compress`; empty for neither.
    """

    neural_network: bool = False
    half: bool = False
    compressed: str = ""

    @property
    def suffix(self) -> str:
        """Return how the file's name ends."""
        return ".mlmodel" if self.neural_network else ".mlpackage"


def convert(network: Embedder, known: About, form: Form) -> Any:
    """Make a CoreML model.

    Args:
        network: the layers.
        known: what is known of the model, its normalization above all.
        form: of the result.

    Returns:
        A ``coremltools.models.MLModel``, not loaded, without author and licence.

    Raises:
        SetupError: coremltools is not installed.
        ModelError: a layer cannot be written.
    """
    pixels = pixel_scaling(known.normalization, network.input_shape, known.channels)
    if form.neural_network:
        return to_neural_network(network, pixels, half=form.half)
    if form.compressed:
        return compress(to_program(network, pixels, half=False, target="iOS16"), form.compressed)
    return to_program(network, pixels, half=form.half)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    begun = time.monotonic()
    form = Form(options.neural_network, options.half, options.weights or "")
    if form.compressed and (form.neural_network or form.half):
        raise InvalidRequest("--weights is of a program alone, and in place of --half")
    require_place(options.out_folder)
    _say(f"reading {options.source}")
    opening = opening_of(options)
    read = read_network(open_source(options.source, opening), opening.size)
    known = _about(read, options)
    target = options.out_folder / f"{options.name}{form.suffix}"
    network = coreml_network(read)
    _say(_summary(network))
    with staged(target) as made:
        _say(f"building {target.name}")
        write(made, read, network, known=known, form=form, class_name=options.name)
        if not options.no_check:
            check_file(made, read, network, known=known, form=form, picture_files=options.picture)
    _say(f"wrote {target} in {time.monotonic() - begun:.0f} s")


def write(
    made: Path, read: Network, network: Embedder, *, known: About, form: Form, class_name: str
) -> None:
    """Write a CoreML file or package."""
    try:
        model = convert(network, known, form)
    except ModelError as error:
        raise ModelError(f"{read.source.path}: {error}") from error
    digests = ", ".join(read.source.sha256().values())
    describe(model, known, network, digests, class_name)
    model.save(str(made))


def check_file(
    made: Path,
    read: Network,
    network: Embedder,
    *,
    known: About,
    form: Form,
    picture_files: list[Path],
) -> None:
    """Compare a file with its source as far as the machine allows, and say how far it is from it.

    Raises:
        ModelError: they differ by more than they may.
    """
    if form.compressed:
        pixels = pixel_scaling(known.normalization, network.input_shape, known.channels)
        apart = loss(made, network, pixels, load_pictures(picture_files, network))
        _say(f"measured: rounding the weights moves an output by at most {apart:.1e}")
        return
    if not form.neural_network:
        apart = check_program(made, network, half=form.half)
        _say(f"checked: the weights differ from the source's by at most {apart:.1e}")
    if form.neural_network or check.RUNS_COREML:
        pictures = load_pictures(picture_files, network)
        ends = {network.outputs[end]: read.outputs[end] for end in network.outputs} or None
        apart = check_outputs(
            made,
            read.source,
            known.normalization,
            pictures,
            half=form.half,
            channels=known.channels,
            outputs=ends,
        )
        what = "outputs" if network.outputs else "embeddings"
        _say(f"checked: the {what} differ from the source's by at most {apart:.1e}")
    else:
        _say("not run: macOS alone runs a program; --neural-network is run everywhere")


def _about(network: Network, options: argparse.Namespace) -> About:
    known = about(network, pixels_of(options, network))
    given = {"author": options.author, "licence": options.licence}
    return replace(known, **{key: value for key, value in given.items() if value})


def _summary(network: Embedder) -> str:
    _channels, rows, columns = network.input_shape
    parameters = sum(
        layer.weights.size + (0 if layer.bias is None else layer.bias.size)
        for layer in network.convolutions
    )
    made = ", ".join(network.outputs.values()) or f"{network.dims} values"
    return (
        f"{len(network.convolutions)} layers with {parameters:,} parameters make {made} of "
        f"{columns}x{rows} pixels"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add_source_options(parser)
    add("--name", default="facenet", help="of the file, and so of the class in Xcode (%(default)s)")
    add("--neural-network", action="store_true", help="write the older .mlmodel, for iOS 11 to 14")
    add("--half", action="store_true", help="16-bit weights: half the size, nearly as exact")
    add(
        "--weights",
        choices=["int8", "palette"],
        help="8-bit weights, or 6-bit places in a palette: a quarter or less of the size, iOS 16 "
        "and "
        "later; the loss is measured and said",
    )
    add("--author", help="who made the model")
    add("--mean", type=float, help="of --normalization fixed (127.5)")
    add("--scale", type=float, help="of --normalization fixed (1/128)")
    add_check_options(parser, "1e-3 (2e-2 with --half)")
    return parser


def _say(line: str) -> None:
    print(line, flush=True)
