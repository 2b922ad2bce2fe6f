"""What a network and its source are compared on."""

from pathlib import Path

from faceserver.conversion.checks.judge import sample
from faceserver.engines.pixels import normalized
from faceserver.errors import ModelError
from faceserver.models.spec import Normalization
from faceserver.pictures.codec import decode
from faceserver.types import Floats
from faceserver.vision.geometry import resize

_LARGEST = 50_000_000  # bytes, and pixels


def inputs(size: int, normalization: Normalization, picture: Path | None) -> dict[str, Floats]:
    """Return blobs of shape (1, 3, size, size) by name: noise, smooth waves, and the picture.

    The first two are always the same; the picture is scaled to the size and normalized.

    Raises:
        ModelError: the picture cannot be read.
        ImageError: it is no picture.
    """
    waves, noise = sample((2, 3, size, size))
    blobs = {"random": noise[None], "smooth": waves[None]}
    if picture is None:
        return blobs
    try:
        data = picture.read_bytes()
    except OSError as error:
        raise ModelError(f"{picture} cannot be read: {error.strerror}") from error
    image = resize(decode(data, max_bytes=_LARGEST, max_pixels=_LARGEST).image, size, size)
    blobs["real"] = normalized(image[None], normalization).transpose(0, 3, 1, 2)
    return blobs
