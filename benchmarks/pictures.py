"""The photographs that are sent and imported: the tests' own, about 1200 pixels wide."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from tests.support.photographs import fetch_photographs

LONGEST = 1200


def portrait(folder: Path, size: int = LONGEST) -> Path:
    """A JPEG with one face, ``size`` pixels on its longer side."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"portrait-{size}.jpg"
    if not path.exists():
        with Image.open(fetch_photographs()["obama.jpg"]) as picture:
            scale = size / max(picture.size)
            sides = (round(picture.width * scale), round(picture.height * scale))
            picture.resize(sides, Image.Resampling.LANCZOS).save(path, "JPEG", quality=90)
    return path


_STEP = 12
"""Which step of the first quantization table varies: one of the finer patterns."""


def variants(path: Path, count: int, begin: int = 0) -> Iterator[bytes]:
    """The same JPEG again and again, as pictures that differ, without encoding any anew.

    Each has some of its lowest rows cut off by what its header says, and a coarseness of its own.
    """
    data = bytearray(path.read_bytes())
    height_at = next(at for at in (data.find(b"\xff\xc0"), data.find(b"\xff\xc2")) if at > 0) + 5
    step_at = data.index(b"\xff\xdb") + 5 + _STEP
    height, step = int.from_bytes(data[height_at : height_at + 2], "big"), data[step_at]
    rows = height // 4
    for number in range(begin, begin + count):
        data[height_at : height_at + 2] = (height - number % rows).to_bytes(2, "big")
        data[step_at] = (step + number // rows) % 255 + 1
        yield bytes(data)
