"""What a network and its source are compared on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faceserver.conversion.checks.judge import sample
from faceserver.engines.pixels import normalized
from faceserver.errors import ModelError
from faceserver.models.spec import Normalization
from faceserver.pictures.codec import decode
from faceserver.types import Floats, Image
from faceserver.vision.geometry import resize

_LARGEST = 50_000_000  # bytes, and pixels


def inputs(
    size: tuple[int, int],
    normalization: Normalization,
    pictures: Sequence[Path] = (),
    channels: str = "rgb",
) -> dict[str, Floats]:
    """Return blobs of shape (1, 3, rows, columns) by name: noise, smooth waves, and pictures.

    The first two are always the same; pictures are scaled to the size and normalized.

    Raises:
        ModelError: a picture cannot be read.
        ImageError: it is no picture.
    """
    waves, noise = sample((2, 3, *size))
    blobs = {"random": noise[None], "smooth": waves[None]}
    for number, path in enumerate(pictures):
        title = "real" if not number else f"real {number + 1}"
        blobs[title] = fed(load(path, size)[None], normalization, channels)
    return blobs


def load(path: Path, size: tuple[int, int]) -> Image:
    """Read a picture of a face and scale it to rows and columns; RGB.

    Raises:
        ModelError: it cannot be read.
        ImageError: it is no picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    image = decode(data, max_bytes=_LARGEST, max_pixels=_LARGEST).image
    return resize(image, size[1], size[0])


def fed(pictures: Image, normalization: Normalization, channels: str) -> Floats:
    """Make of RGB pictures (n, rows, columns, 3) what a network is fed: (n, 3, rows, columns)."""
    ordered = pictures[..., ::-1] if channels == "bgr" else pictures
    return np.ascontiguousarray(normalized(ordered, normalization).transpose(0, 3, 1, 2))
