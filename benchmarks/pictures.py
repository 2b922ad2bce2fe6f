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


def variants(path: Path, count: int) -> Iterator[bytes]:
    """The same picture again and again, as files that differ: a comment behind its first marker."""
    data = path.read_bytes()
    for number in range(count):
        comment = b"%d" % number
        yield data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + data[2:]
