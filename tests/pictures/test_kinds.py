"""What a file is, told by its first bytes."""

import io
import struct
import zipfile
from collections.abc import Callable

import numpy as np
import pytest

from faceserver.pictures.kinds import PICTURES, kind_of
from tests.support.picture_files import LOSSLESS, LOSSY, encode, picture

PILLOWS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "PPM", "JPEG2000")
CALLED = {"PPM": "PNM", "JPEG2000": "JPEG 2000"}


@pytest.mark.parametrize("name", PILLOWS)
def test_what_pillow_writes_is_told(name: str) -> None:
    kind = kind_of(encode(picture("RGB"), name))
    assert kind == CALLED.get(name, name)
    assert kind in PICTURES


@pytest.mark.parametrize("make", [*LOSSLESS.values(), *LOSSY.values()], ids=[*LOSSLESS, *LOSSY])
def test_every_picture_that_is_read_is_told(make: Callable[[], bytes]) -> None:
    assert kind_of(make()) in PICTURES


def test_pictures_of_a_phone_are_jpegs() -> None:
    file = io.BytesIO()
    picture("RGB").save(file, "MPO", save_all=True, append_images=[picture("RGB")])
    assert kind_of(file.getvalue()) == "JPEG"


def _brands(major: bytes, *others: bytes) -> bytes:
    body = b"ftyp" + major + bytes(4) + b"".join(others)
    return struct.pack(">L", 4 + len(body)) + body + b"\0\0\0\x08mdat"


def _tiff(*tags: tuple[int, int]) -> bytes:
    rows = b"".join(struct.pack(">HHLL", tag, 4, 1, value) for tag, value in tags)
    return b"MM\0*" + struct.pack(">LH", 8, len(tags)) + rows + bytes(4)


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "a")
    return file.getvalue()


HEADS = {
    "iPhone": (_brands(b"heic", b"mif1", b"heic"), "HEIC"),
    "HEIC behind a common brand": (_brands(b"mif1", b"miaf", b"heic"), "HEIC"),
    "AVIF behind a common brand": (_brands(b"mif1", b"miaf", b"avif"), "AVIF"),
    "AVIF sequence": (_brands(b"avis", b"msf1"), "AVIF"),
    "JXL, bare": (b"\xff\x0a\xfa\x1f", "JXL"),
    "JXL in boxes": (b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl ", "JXL"),
    "CR3": (_brands(b"crx ", b"isom"), "raw"),
    "CR2": (b"II*\0\x10\0\0\0CR\x02\0", "raw"),
    "DNG": (_tiff((254, 1), (50706, 0x01040000)), "raw"),
    "NEF": (_tiff((254, 1), (330, 200)), "raw"),
    "sensor values": (_tiff((262, 32803)), "raw"),
    "plain TIFF": (_tiff((254, 0), (262, 2)), "TIFF"),
    "TIFF cut in its directory": (_tiff((254, 0), (262, 2))[:20], "TIFF"),
    "BigTIFF": (b"II+\0\x08\0\0\0", "TIFF"),
    "mp4": (_brands(b"isom", b"mp41"), "video"),
    "QuickTime": (_brands(b"qt  "), "video"),
    "old QuickTime": (b"\0\0\0\x08wide\0\0\0\0mdat", "video"),
    "matroska": (b"\x1a\x45\xdf\xa3\x93\x42", "video"),
    "avi": (b"RIFF\x10\0\0\0AVI LIST", "video"),
    "m4a": (_brands(b"M4A "), "audio"),
    "wav": (b"RIFF\x10\0\0\0WAVEfmt ", "audio"),
    "zip": (_zip(), "zip"),
    "pdf": (b"%PDF-1.7\n", "pdf"),
    "svg": (b"<?xml version='1.0'?><!-- a --><svg xmlns='x'>", "SVG"),
    "page with a drawing": (b"<!DOCTYPE html><body><svg></svg>", "text"),
    "json": (b'{"title": "IMG_1.jpg"}', "text"),
    "text of BMP's letters": (b"BMW 320, 2019, Bonn, blue, two doors", "text"),
    "text of a program's letters": (b"MZ is how they begin", "text"),
    "text of PNM's letters": (b"P1 2 notes", "text"),
    "text cut in a letter": ("größer".encode()[:3], "text"),
    "UTF-16": ("Ann".encode("utf-16"), "text"),
    "Latin-1": ("größer".encode("latin-1"), None),
    "nothing": (b"", None),
    "zeros": (bytes(300), None),
}


@pytest.mark.parametrize(("head", "kind"), HEADS.values(), ids=HEADS)
def test_heads_are_told(head: bytes, kind: str | None) -> None:
    assert kind_of(head) == kind


def test_no_bytes_make_it_fail() -> None:
    """Cut anywhere, or with any byte changed, a head still has an answer."""
    random = np.random.default_rng(5)
    for head, _ in HEADS.values():
        for _ in range(20):
            torn = bytearray(head[: random.integers(0, len(head) + 1)])
            if torn:
                torn[random.integers(0, len(torn))] = random.integers(0, 256)
            kind_of(bytes(torn))


def test_a_head_of_markup_takes_no_time_beyond_its_length() -> None:
    """4,096 bytes that a careless pattern would walk through in ever more ways."""
    assert kind_of(b"<!---->" * 585) == "text"
    assert kind_of(b"<?xml" * 819) == "text"


def test_pictures_are_no_others() -> None:
    assert not PICTURES & {"SVG", "icon", "video", "audio", "pdf", "zip", "archive", "text"}
