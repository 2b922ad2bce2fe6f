"""Turns a FaceNet from TensorFlow into a CoreML model for iPhone, iPad and Mac.

    python convert/tf2coreml.py SOURCE OUT_FOLDER

writes OUT_FOLDER/facenet.mlpackage, an ML program for iOS 15 and later; with --neural-network
OUT_FOLDER/facenet.mlmodel, which older systems run too. SOURCE is a frozen graph (*.pb), a folder
with a TF1 checkpoint or the folder of a SavedModel; TensorFlow reads the last two.

The model takes a picture: a pixel buffer of the network's size that shows one face, cut out as the
model was trained to see it. The model's own normalization is inside. It gives the unit vector
`embedding`.
"""

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from faceserver.conversion.coreml import check
from faceserver.conversion.coreml.about import About, about
from faceserver.conversion.coreml.check import check_outputs, check_program, load_pictures
from faceserver.conversion.coreml.files import describe, staged
from faceserver.conversion.coreml.network import Embedder, pixel_scaling, read_embedder
from faceserver.conversion.coreml.to_network import to_neural_network
from faceserver.conversion.coreml.to_program import to_program
from faceserver.conversion.readers.tf_source import TfSource, read_source
from faceserver.models.spec import FixedNormalization, Normalization, WhiteningNormalization

_EXAMPLES = """\
examples:
  python convert/tf2coreml.py graph_final.pb out --check --picture face.jpg
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
    """

    neural_network: bool = False
    half: bool = False

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
    write = to_neural_network if form.neural_network else to_program
    pixels = pixel_scaling(known.normalization, network.input_shape)
    return write(network, pixels, half=form.half)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    begun = time.monotonic()
    form = Form(options.neural_network, options.half)
    _say(f"reading {options.source}")
    source = read_source(options.source, options.output)
    known = _about(source, options)
    target = options.out_folder / f"{options.name}{form.suffix}"
    network = read_embedder(source, options.input_size)
    _say(_summary(network))
    with staged(target) as made:
        _say(f"building {target.name}")
        model = convert(network, known, form)
        describe(model, known, network, ", ".join(source.sha256().values()), options.name)
        model.save(str(made))
        if options.check:
            _check(made, source, network, known=known, form=form, picture_files=options.picture)
    _say(f"wrote {target} in {time.monotonic() - begun:.0f} s")


def _check(
    made: Path,
    source: TfSource,
    network: Embedder,
    *,
    known: About,
    form: Form,
    picture_files: list[Path],
) -> None:
    if not form.neural_network:
        apart = check_program(made, network, half=form.half)
        _say(f"checked: the weights differ from the source's by at most {apart:.1e}")
    if form.neural_network or check.RUNS_COREML:
        pictures = load_pictures(picture_files, network)
        apart = check_outputs(made, source, known.normalization, pictures, half=form.half)
        _say(f"checked: the embeddings differ from the source's by at most {apart:.1e}")
    else:
        _say("not run: macOS alone runs a program; --neural-network is run everywhere")


def _about(source: TfSource, options: argparse.Namespace) -> About:
    known = about(source, options.model_toml, _normalization(options))
    given = {"author": options.author, "licence": options.licence}
    return replace(known, **{key: value for key, value in given.items() if value})


def _normalization(options: argparse.Namespace) -> Normalization | None:
    if options.normalization == "whiten":
        return WhiteningNormalization(kind="whiten")
    if options.normalization == "fixed":
        return FixedNormalization(kind="fixed", mean=options.mean, scale=options.scale)
    if options.normalization == "none":
        return FixedNormalization(kind="fixed", mean=0, scale=1)
    return None


def _summary(network: Embedder) -> str:
    _channels, rows, columns = network.input_shape
    parameters = sum(
        layer.weights.size + (0 if layer.bias is None else layer.bias.size)
        for layer in network.convolutions
    )
    return (
        f"{len(network.convolutions)} layers with {parameters:,} parameters make {network.dims} "
        f"values of {columns}x{rows} pixels"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "source",
        metavar="SOURCE",
        type=Path,
        help="frozen graph, checkpoint folder or SavedModel folder",
    )
    add("out_folder", metavar="OUT_FOLDER", type=Path, help="where the result is written")
    add("--name", default="facenet", help="of the file, and so of the class in Xcode (%(default)s)")
    add("--output", metavar="NODE", help="node that makes the embedding (embeddings)")
    add("--input-size", type=int, metavar="N", help="sides in pixels, where the graph has none")
    add("--neural-network", action="store_true", help="write the older .mlmodel, for iOS 11 to 14")
    add("--half", action="store_true", help="16-bit weights: half the size, nearly as exact")
    pixels = parser.add_argument_group("normalization, where the model is none of those known here")
    pixels.add_argument(
        "--normalization",
        choices=["fixed", "whiten", "none"],
        help="how it was trained: (x - mean) * scale, by each picture's own mean and deviation, or "
        "on raw pixels",
    )
    pixels.add_argument("--mean", type=float, default=127.5, help="of fixed (%(default)s)")
    pixels.add_argument("--scale", type=float, default=1 / 128, help="of fixed (%(default)s)")
    pixels.add_argument("--model-toml", metavar="FILE", type=Path, help="a model.toml to take")
    words = parser.add_argument_group("what the file says of itself")
    words.add_argument("--author", help="who made the model")
    words.add_argument(
        "--licence", help="of the weights; taken from model.toml where that is known"
    )
    check = parser.add_argument_group("check")
    check.add_argument(
        "--check",
        action="store_true",
        help="compare with the source before anything is put in place; fails above 1e-3 "
        "(2e-2 with --half)",
    )
    check.add_argument(
        "--picture",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="a face to check with, as often as wanted; without it, two made-up pictures",
    )
    return parser


def _say(line: str) -> None:
    print(line, flush=True)
