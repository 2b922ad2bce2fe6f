"""Decoding of JPEGs: as it is done, and as Pillow does it (``python -m benchmarks.decoding``).

Both decode each file in turns, and give the same pixels. Told is processor time, which other work
on the machine changes less than the clock's.
"""

import io
from time import thread_time
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.report import Row, table
from faceserver.pictures import codec, pillow_decoder
from faceserver.types import DecodedPicture
from tests.support.photographs import fetch_photographs

ROUNDS = 9
PILLOW = "Pillow"
_SIDEWAYS = Image.Exif()
_SIDEWAYS[0x0112] = 6

FILES: dict[str, tuple[tuple[int, int], dict[str, Any]]] = {
    "1.1 MP": ((1200, 900), {}),
    "12 MP": ((4000, 3000), {}),
    "12 MP, on its side": ((4000, 3000), {"exif": _SIDEWAYS}),
    "12 MP, full colour": ((4000, 3000), {"subsampling": "4:4:4", "quality": 95}),
    "12 MP, progressive": ((4000, 3000), {"progressive": True}),
    "48 MP, halved": ((8000, 6000), {}),
}


def jpeg(size: tuple[int, int], options: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    with Image.open(fetch_photographs()["obama.jpg"]) as picture:
        scaled = picture.resize(size, Image.Resampling.LANCZOS)
    scaled.save(file, "JPEG", **{"quality": 90, **options})
    return file.getvalue()


def by_pillow(data: bytes) -> DecodedPicture:
    return pillow_decoder.decode(data, "JPEG", max_pixels=codec.MAX_PIXELS)


def as_it_is(data: bytes) -> DecodedPicture:
    return codec.decode(data, max_bytes=len(data), max_pixels=codec.MAX_PIXELS)


def measure(rounds: int = ROUNDS) -> list[Row]:
    rows = []
    for name, (size, options) in FILES.items():
        data = jpeg(size, options)
        ways = {"faceserver": as_it_is, PILLOW: by_pillow}
        assert np.array_equal(as_it_is(data).image, by_pillow(data).image)
        times: dict[str, list[float]] = {who: [] for who in ways}
        for _ in range(rounds):
            for who, decode in ways.items():
                start = thread_time()
                decode(data)
                times[who].append(1000 * (thread_time() - start))
        medians = {who: float(np.median(taken)) for who, taken in times.items()}
        ratio = np.median(np.divide(times[PILLOW], times["faceserver"]))
        note = f"{ratio:.1f} x {PILLOW}"
        rows.append(Row(name, "faceserver", medians["faceserver"], "ms", note))
        rows.append(Row(name, PILLOW, medians[PILLOW], "ms"))
    return rows


if __name__ == "__main__":
    print(table(measure()))
