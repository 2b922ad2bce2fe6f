"""From whatever colours a picture has to sRGB, 8 bits a channel."""

import io
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageCms

from faceserver.errors import NotAnImage
from faceserver.types import Image

_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"})
_DEEP_GRAY_MODES = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})

_NOT_READ = {
    "F": "floating-point values",
    "I": "32-bit values",
    "LAB": "Lab colours",
    "HSV": "HSV colours",
}

_MAX_PROFILE = 2_000_000
"""Bytes. A printer's profile has at most about one million; a larger one is left out of account."""

_SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_BLACK_POINT_COMPENSATION = 0x2000
_SAME = 2
"""Grey values by which a profile may differ from sRGB and still be taken for it."""


def flatten(picture: Pillow.Image, profile: bytes | None) -> Pillow.Image:
    """Bring a loaded picture of any mode to sRGB, with white where it is transparent.

    Args:
        picture: as Pillow has loaded it.
        profile: the ICC profile of its colours. One that is damaged, or of other colours than the
            picture's, is left out of account; without one the colours are taken for sRGB.

    Raises:
        NotAnImage: its values have no known range.
    """
    if picture.mode in _DEEP_GRAY_MODES:
        picture = Pillow.fromarray(upper_bits(np.asarray(picture)))
    if picture.mode not in _MODES:
        values = _NOT_READ.get(picture.mode, f"the kind {picture.mode}")
        raise NotAnImage(f"Pictures of {values} are not read: save it with 8 or 16 bits a channel.")
    if not picture.has_transparency_data:
        return _in_srgb(picture, profile)
    layer = _as_mode(picture, "LA" if picture.mode in {"1", "L", "LA"} else "RGBA")
    colours = layer.convert("L" if layer.mode == "LA" else "RGB")
    page = Pillow.new("RGB", picture.size, "white")
    page.paste(_in_srgb(colours, profile), mask=layer.getchannel("A"))
    return page


def changes(profile: object) -> bool:
    """Whether an ICC profile makes other colours of RGB than it stands for without one."""
    is_taken = isinstance(profile, bytes) and len(profile) <= _MAX_PROFILE
    return bool(is_taken and profile and _to_srgb(profile, "RGB"))


def upper_bits(values: NDArray[np.uint16]) -> Image:
    """16-bit values as 8-bit ones, by the range that they really have.

    A camera's or a scanner's 10, 12 or 14 bits often stand in 16 without being scaled; their upper
    byte alone would be black.

    Args:
        values: unsigned, of any shape.
    """
    bits = max(int(values.max(initial=0)).bit_length(), 8)
    return (values >> (bits - 8)).astype(np.uint8)


def _in_srgb(picture: Pillow.Image, profile: bytes | None) -> Pillow.Image:
    if not profile or len(profile) > _MAX_PROFILE:
        return _as_mode(picture, "RGB")
    mode = picture.mode if picture.mode in {"L", "CMYK"} else "RGB"
    transform = _to_srgb(profile, mode)
    if transform is None:
        return _as_mode(picture, "RGB")
    try:
        return transform.apply(_as_mode(picture, mode))
    except Exception:  # noqa: BLE001 - a profile that fails late is damaged as well
        return _as_mode(picture, "RGB")


@lru_cache(maxsize=8)  # the same camera's pictures come together
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """How colours of a profile become sRGB; None where nothing is to be done, or can be."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if _SPACES.get(source.profile.xcolor_space.strip()) != mode:
            return None
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags(_BLACK_POINT_COMPENSATION),
        )
        return None if mode == "RGB" and _changes_nothing(transform) else transform
    except Exception:  # noqa: BLE001 - a damaged profile does not make a picture unusable
        return None


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether colours all over the cube stay what they are, as those of the many sRGBs do."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
    after = np.asarray(transform.apply(Pillow.fromarray(cube)))
    return int(np.abs(after.astype(int) - cube).max()) <= _SAME


def _as_mode(picture: Pillow.Image, mode: str) -> Pillow.Image:
    """Convert, without the copy that Pillow makes when there is nothing to convert."""
    return picture if picture.mode == mode else picture.convert(mode)
