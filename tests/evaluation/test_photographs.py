"""Photographs in the formats that research sets are in."""

from pathlib import Path

import numpy as np
import pytest

from faceserver.errors import ImageError
from faceserver.evaluation.photographs import read

GREY = np.arange(24 * 16, dtype=np.uint16).reshape(24, 16) % 256


@pytest.mark.parametrize("head", [b"P5 16 24 255\n", b"P5\n# by a camera\n16 24\n255\n"])
def test_a_pgm(head: bytes, tmp_path: Path) -> None:
    path = tmp_path / "1.pgm"
    path.write_bytes(head + GREY.astype(np.uint8).tobytes())
    image = read(path)
    assert image.dtype == np.uint8
    assert np.array_equal(image, np.repeat(GREY[:, :, None], 3, axis=2))


def test_a_pgm_of_sixteen_bits(tmp_path: Path) -> None:
    path = tmp_path / "1.pgm"
    path.write_bytes(b"P5 16 24 65535\n" + (GREY * 257).astype(">u2").tobytes())
    assert np.array_equal(read(path)[:, :, 0], GREY)


@pytest.mark.parametrize(
    "data", [b"P5 16 24 255\n123", b"P5 4 4 255\n" + bytes(16), b"P5 16 24 0\n" + bytes(384), b""]
)
def test_a_pgm_that_is_none(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "1.pgm"
    path.write_bytes(data)
    with pytest.raises(ImageError):
        read(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        read(tmp_path / "gone.jpg")
