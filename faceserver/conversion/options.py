"""The options that all converters have in common."""

import argparse
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from faceserver.conversion.known import Known, ask_for_normalization, recognise, require_dims
from faceserver.conversion.network import Network
from faceserver.conversion.normalizations import EXPLAINED, normalization_of
from faceserver.conversion.readers.opening import Opening
from faceserver.errors import InvalidRequest, ModelError
from faceserver.models.spec import FixedNormalization, Normalization

_NOTHING_DONE = FixedNormalization(kind="fixed", mean=0, scale=1)


@dataclass(frozen=True)
class Pixels:
    """What a network's pixels are.

    Attributes:
        channels: the order of the colours, rgb or bgr.
        normalization: what happens to their values first.
        known: what is known of the model, None if nothing is.
    """

    channels: str
    normalization: Normalization
    known: Known | None


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what the source is."""
    add = parser.add_argument
    add(
        "source",
        metavar="SOURCE",
        type=Path,
        help="frozen graph, folder of a checkpoint or SavedModel, Keras, ONNX or PyTorch file",
    )
    add("out_folder", metavar="OUT_FOLDER", type=Path, help="where the files are written")
    add("--output", metavar="NODE", help="node or tensor that makes the result [embeddings]")
    add(
        "--network",
        metavar="NAME",
        help="architecture of PyTorch weights: iresnet50, adaface_ir50, mobilefacenet, "
        "inception_resnet_v1, ...",
    )
    add(
        "--input-size",
        metavar="N[xM]",
        type=_size,
        help="rows and columns in pixels, where the source leaves them open",
    )
    add(
        "--published",
        metavar="NAME",
        help="the published FaceNet that it is, such as 20170512-110547, where its sha256 is not "
        "known; its vectors must have as many values",
    )
    add(
        "--model-toml",
        metavar="FILE",
        type=Path,
        help="a model.toml that describes it",
    )
    add("--normalization", help=f"pixels as in training, where nothing tells: {EXPLAINED}")
    add("--channels", choices=["rgb", "bgr"], help="order of the colours in training [rgb]")
    add("--licence", help="of the weights [known of the published models]")


def add_check_options(parser: argparse.ArgumentParser, limits: str) -> None:
    """Add the options that say how the result is compared with its source."""
    add = parser.add_argument
    add(
        "--picture",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="a picture of a face to compare on, as often as wanted, besides made ones",
    )
    add(
        "--expected",
        metavar="FILE",
        type=Path,
        help="a .npy or .json file with the vector of each --picture as the source's own program "
        "makes it: compares the whole way, normalization and order of the colours included",
    )
    add(
        "--no-check",
        action="store_true",
        help=f"write the result even if it differs from its source by more than {limits}",
    )
    add("--check", action="store_true", help=argparse.SUPPRESS)  # always done, since version 0.3


def opening_of(options: argparse.Namespace) -> Opening:
    """Return what the options say of the source."""
    return Opening(output=options.output, network=options.network, size=options.input_size)


def pixels_of(options: argparse.Namespace, network: Network) -> Pixels:
    """Find out how the network's pixels are: as said, as known, or as the network itself does it.

    Raises:
        ModelError: nothing tells, or what is said contradicts the sha256 or the vectors' length.
        InvalidRequest: the normalization's name is unknown.
    """
    source = network.source
    known = recognise(
        source.path,
        source.sha256().values(),
        published=options.published,
        model_toml=options.model_toml,
    )
    if network.dims is not None:
        require_dims(known, source.path, network.dims)
    channels = options.channels or (known.channels if known else "rgb")
    if options.normalization:
        said = _with_numbers(options, normalization_of(options.normalization))
        return Pixels(channels, said, known)
    if network.scales_its_input:
        return Pixels(channels, _NOTHING_DONE, known)
    if known is None:
        raise ask_for_normalization(source.path)
    return Pixels(channels, known.normalization, known)


def require_place(folder: Path, names: Iterable[str] = ()) -> None:
    """Say at once that something is in the way of a folder, or of files that it is to hold.

    Raises:
        ModelError: it, or a folder above it, is a file; or what is to be a file is a folder.
    """
    for each in (folder, *folder.parents):
        if each.exists() and not each.is_dir():
            raise ModelError(f"{folder} cannot be made: the file {each} is in the way")
    for each in (folder / name for name in names):
        if each.is_dir():
            raise ModelError(f"{each} cannot be written: a folder of that name is in the way")


def size_of(text: str) -> tuple[int, int]:
    """Read a size: one number for a square, or rows x columns.

    Raises:
        InvalidRequest: it is none.
    """
    found = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    rows = int(found[1]) if found else 0
    columns = int(found[2] or rows) if found else 0
    if not 0 < rows < 10_000 or not 0 < columns < 10_000:
        raise InvalidRequest(f"{text!r} is not a size: give a number of pixels, or ROWSxCOLUMNS")
    return rows, columns


def _size(text: str) -> tuple[int, int]:
    try:
        return size_of(text)
    except InvalidRequest as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _with_numbers(options: argparse.Namespace, how: Normalization) -> Normalization:
    """Take tf2coreml's own options --mean and --scale into ``fixed``."""
    mean, scale = getattr(options, "mean", None), getattr(options, "scale", None)
    if options.normalization != "fixed" or not isinstance(how, FixedNormalization):
        return how
    return how.model_copy(
        update={
            "mean": how.mean if mean is None else mean,
            "scale": how.scale if scale is None else scale,
        }
    )
