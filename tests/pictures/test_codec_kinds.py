"""What phones and cameras write: other formats, further pages, very large pictures."""

import struct
import sys

import numpy as np
import pytest
from PIL import Image as Pillow

from faceserver.errors import NotAnImage
from faceserver.pictures import codec, decoder_process, limits, pillow_decoder
from faceserver.types import DecodedPicture
from tests.support.picture_files import HEIGHT, WIDTH, encode, exif, gradient, heic, picture


def taken(data: bytes) -> DecodedPicture:
    return codec.decode(data, max_bytes=10**7, max_pixels=10**7)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_heic(mode: str) -> None:
    image = taken(heic(picture(mode))).image
    expected = np.asarray(picture(mode).convert("RGB")).astype(int)
    assert np.abs(image - expected).mean() < 6


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_heic_and_avif_are_turned_once(orientation: int) -> None:
    turned = {1: 0, 3: 2, 6: 1, 8: 3}[orientation]
    source = Pillow.fromarray(np.rot90(gradient(), turned).copy())
    avif = encode(source, "AVIF", quality=95, exif=exif(orientation))
    for data in (heic(source, exif=exif(orientation).tobytes()), avif):
        image = taken(data).image
        assert image.shape == (HEIGHT, WIDTH, 3)
        assert np.abs(image.astype(int) - gradient()).mean() < 8


def test_heic_of_tiles() -> None:
    large = picture().resize((600, 400))
    image = taken(heic(large, tile_size=256)).image
    assert np.abs(image.astype(int) - np.asarray(large)).mean() < 6


def test_jpeg_xl_where_its_plugin_is_installed() -> None:
    pytest.importorskip("pillow_jxl")
    image = taken(encode(picture(), "JXL", quality=95)).image
    assert np.abs(image.astype(int) - gradient()).mean() < 6


def test_jpeg_xl_without_its_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    with pytest.raises(NotAnImage, match="pillow-jxl-plugin"):
        pillow_decoder.decode(b"\xff\x0a" + bytes(40), "JXL", max_pixels=10**6)


FLOATS = encode(picture("F"), "TIFF")
OTHERS = {
    "floating-point": FLOATS,
    "32-bit": encode(picture("I"), "TIFF"),
    "raw file": b"II*\0\x10\0\0\0CR\x02\0" + bytes(100),
    "Photoshop": b"8BPS\0\x01" + bytes(100),
    "drawing": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
    "video": struct.pack(">I4s4sI", 24, b"ftyp", b"isom", 0) + b"isommp42" + bytes(50),
    "PDF": b"%PDF-1.7\n" + bytes(50),
    "JPEG 2000": encode(picture(), "JPEG2000"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_is_not_read_is_named(what: str) -> None:
    with pytest.raises(NotAnImage, match=what):
        taken(OTHERS[what])


def test_a_tiff_of_colours_in_floating_point_is_named() -> None:
    entries = [(256, 4, 1, 20), (257, 4, 1, 20), (258, 3, 1, 32), (259, 3, 1, 1), (262, 3, 1, 2)]
    entries += [(273, 4, 1, 150), (277, 3, 1, 3), (279, 4, 1, 4800), (339, 3, 1, 3)]
    rows = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    data = b"II*\0" + struct.pack("<IH", 8, len(entries)) + rows + bytes(5000)
    with pytest.raises(NotAnImage, match="floating-point"):
        taken(data)


SECOND = Pillow.new("RGB", (WIDTH, HEIGHT))
PAGES = {
    "tiff": encode(picture(), "TIFF", save_all=True, append_images=[SECOND]),
    "gif": encode(picture("P"), "GIF", save_all=True, append_images=[SECOND.convert("P")]),
    "mpo": encode(picture(), "MPO", save_all=True, append_images=[SECOND]),
    "png": encode(picture(), "PNG", save_all=True, append_images=[SECOND]),
    "webp": encode(picture(), "WEBP", save_all=True, append_images=[SECOND]),
    "avif": encode(picture(), "AVIF", save_all=True, append_images=[SECOND]),
    "heic": heic(picture(), SECOND),
}


@pytest.mark.parametrize("kind", PAGES)
def test_further_pages_are_said(kind: str) -> None:
    assert taken(PAGES[kind]).notes == ("further_pages_ignored",)


def test_one_page_has_no_note() -> None:
    for kind in ("TIFF", "GIF", "MPO", "PNG", "WEBP", "AVIF"):
        assert taken(encode(picture(), kind)).notes == ()
    assert taken(heic(picture())).notes == ()


LARGE = {
    "jpeg": lambda: encode(picture(), "JPEG", quality=95, exif=exif(6)),
    "png": lambda: encode(picture(), "PNG", exif=exif(6)),
    "png, palette": lambda: encode(picture("P"), "PNG", exif=exif(6)),
    "png, 1 bit": lambda: encode(picture("1"), "PNG", exif=exif(6)),
    "png, transparent": lambda: encode(picture("RGBA"), "PNG", exif=exif(6)),
    "tiff": lambda: encode(picture(), "TIFF", exif=exif(6)),
    "webp": lambda: encode(picture(), "WEBP", exif=exif(6)),
}


@pytest.mark.parametrize("kind", LARGE)
def test_a_large_picture_is_halved(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WHOLE_PIXELS", 1000)
    large = taken(LARGE[kind]())
    assert large.image.shape == (WIDTH // 2, HEIGHT // 2, 3)
    assert (large.width, large.height, large.scale) == (HEIGHT, WIDTH, 2.0)
    assert large.notes == ("picture_scaled_down",)


def test_a_halved_picture_is_stored_with_the_size_that_it_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "WHOLE_PIXELS", 1000)
    large = taken(encode(picture(), "PNG"))
    data = codec.encode(large)
    monkeypatch.undo()
    stored = codec.decode_stored(data)
    assert stored.image.shape == (HEIGHT // 2, WIDTH // 2, 3)
    assert (stored.width, stored.height, stored.scale) == (WIDTH, HEIGHT, 2.0)
    # What a sender writes into a comment counts for nothing.
    assert taken(data).scale == 1.0


def test_ordinary_pictures_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> DecodedPicture:
        raise AssertionError

    monkeypatch.setattr(decoder_process, "decode", refuse)
    for kind in ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"):
        taken(encode(picture(), kind))
    taken(encode(picture(), "JPEG", progressive=True))
    taken(encode(picture(), "TIFF", compression="tiff_lzw"))
