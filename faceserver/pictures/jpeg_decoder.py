"""Decodes JPEGs straight into an array, in half the time that Pillow takes or less.

Pillow's decoder is the same library, libjpeg-turbo, and the pixels are the same. But Pillow takes
them row by row, spreads each over four bytes, and from there they have to be copied once more.

Whatever is unlike most JPEGs is left to Pillow: other colours than three, profiles that change
them, and anything that the library warns of. So Pillow alone says what a damaged file is.
"""

from types import ModuleType

import numpy as np
from PIL import Image as Pillow

from faceserver.pictures import colour, limits, opening, pillow_decoder
from faceserver.types import DecodedPicture, Image


def decode(data: bytes, *, max_pixels: int) -> DecodedPicture | None:
    """Decode a JPEG; see :func:`faceserver.pictures.codec.decode`.

    Args:
        data: the file's content, which asks for no more work than is ordinary.
        max_pixels: most pixels that are taken.

    Returns:
        The picture; None where it is Pillow that has to decode it.

    Raises:
        ImageError: it is damaged, too large or too small, by its header.
    """
    library = _library()
    if library is None:
        return None
    with opening.opened(data, "JPEG", max_pixels) as header:
        if header.mode != "RGB" or colour.changes(header.info.get("icc_profile")):
            return None
        pixels = _pixels(library, data, header)
        if pixels is None:
            return None
        turned, notes = opening.orientation(header), opening.first_notes(header)
    return pillow_decoder.as_sent(_upright(pixels, turned), header.size, turned, notes)


def _library() -> ModuleType | None:
    try:
        import simplejpeg  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    module: ModuleType = simplejpeg
    return module


def _pixels(library: ModuleType, data: bytes, header: Pillow.Image) -> Image | None:
    """The picture as it lies in the file, halved if it is very large; None if something is odd."""
    width, height = header.size
    if width * height > limits.WHOLE_PIXELS:
        width, height = -(-width // 2), -(-height // 2)
    try:
        # Strict: a warning, such as of data that end too early, is an error.
        pixels: Image = library.decode_jpeg(data, min_width=width, min_height=height, strict=True)
    except (ValueError, MemoryError):
        return None
    return pixels if pixels.shape == (height, width, 3) else None


def _upright(pixels: Image, turned: int) -> Image:
    """Turn a picture as its EXIF orientation says, several times as fast as Pillow does."""
    if turned not in range(2, 9):
        return pixels
    import cv2  # noqa: PLC0415 - heavy

    if turned in opening.SIDEWAYS:
        pixels = np.asarray(cv2.transpose(pixels), np.uint8)
    if turned in _FLIPS:
        cv2.flip(pixels, _FLIPS[turned], dst=pixels)
    return pixels


_FLIPS = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}
"""Around which axis of OpenCV's, after rows and columns are exchanged where it lies on its side."""
