"""What asks for too much work is refused, whatever it is, and the server goes on."""

import io
import json
import os
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as Pillow

from faceserver.errors import TimedOut, TooManyPixels, TruncatedImage
from faceserver.pictures import codec, decoder_process, limits
from faceserver.pictures.kinds import kind_of
from faceserver.runtime.deadline import deadline
from tests.support.picture_files import encode, picture, png_chunk

PNG = encode(picture(), "PNG")
JPEG = encode(picture(), "JPEG")
GIF = encode(picture("P"), "GIF")


def _segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def _overlapping(entries: int, size: int) -> bytes:
    """A directory whose values all lie over one another."""
    rows = b"".join(struct.pack("<HHII", 1000 + i, 7, size, 8) for i in range(entries))
    return b"II*\0" + struct.pack("<IH", 8, entries) + rows + bytes(4)


def _scans(side: int, count: int) -> bytes:
    """A progressive JPEG of many empty scans."""
    data = encode(Pillow.new("L", (side, side)), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * count + data[-2:]


def _rle(side: int) -> bytes:
    header = (0, 0, 54 + 1024, 40, side, side, 1, 8, 1, 0, 0, 0, 256, 0)
    head = b"BM" + struct.pack("<IIIIiiHHIIIIII", *header)
    return head + bytes(1024) + b"\x01\x01" * (side * side)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "jpeg, scans": lambda: _scans(4000, 60),
    "jpeg, segments": lambda: JPEG[:2] + _segment(0xFE, b"") * 2000 + JPEG[2:],
    "jpeg, overlapping exif": lambda: (
        JPEG[:2]
        + _segment(0xE1, b"Exif\0\0" + _overlapping(5000, 60_000)[:60_000])
        + _segment(0xE1, b"Exif\0\0" + bytes(65_000)) * 10
        + JPEG[2:]
    ),
    "png, chunks": lambda: PNG[:33] + png_chunk(b"abCd", b"") * 30_000 + PNG[33:],
    "png, profiles": lambda: (
        PNG[:33] + png_chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(10**6))) * 200 + PNG[33:]
    ),
    "png, exif": lambda: (
        PNG[:33] + png_chunk(b"eXIf", _overlapping(60_000, 700_000) + bytes(10**6)) + PNG[33:]
    ),
    "webp, exif": lambda: encode(picture(), "WEBP", exif=_overlapping(60_000, 700_000)),
    "tiff, overlapping": lambda: _overlapping(60_000, 700_000) + bytes(10**6),
    "tiff, lzma": lambda: encode(Pillow.new("L", (4000, 4000)), "TIFF", compression="lzma"),
    "gif, blocks": lambda: GIF[:-1] + b"!\xfe" + b"\x01a" * 1_500_000 + b"\0;",
    "bmp, runs": lambda: _rle(1000),
    "heic": lambda: b"\0\0\0\x18ftypheic" + bytes(12),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_work_is_told_from_the_header(kind: str) -> None:
    data = HOSTILE[kind]()
    found = kind_of(data[:4096])
    assert found is not None
    assert not limits.is_ordinary(data, found)


def test_a_jpeg_of_many_large_scans_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(TooManyPixels, match="scans"):
        limits.is_ordinary(_scans(7000, 450), "JPEG")


def test_hostile_files_end_within_their_bounds() -> None:
    """In a process that has little time and memory itself, its decoders included."""
    for make in HOSTILE.values():
        file = io.BytesIO(make()).getvalue()
        code = (
            "import resource, sys, json\n"
            "from faceserver.errors import ImageError\n"
            "from faceserver.pictures import codec\n"
            "data = sys.stdin.buffer.read()\n"
            "try: print(codec.decode(data, max_bytes=10**8, max_pixels=10**8).image.shape)\n"
            "except ImageError as error: print(error.code)\n"
            "used = resource.getrusage(resource.RUSAGE_SELF)\n"
            "codec.decoder_process.close()\n"
            "other = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
            "print(json.dumps([used.ru_utime, other.ru_utime, other.ru_maxrss]))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=file,
            capture_output=True,
            cwd=Path(__file__).resolve().parents[2],
            timeout=300,
            check=True,
        )
        own, children, memory = json.loads(done.stdout.splitlines()[-1])
        assert own < 3, done.stdout  # of processor time, which no other process takes from it
        assert children < 20, done.stdout
        assert memory < 1_000_000, done.stdout  # kilobytes


@pytest.mark.parametrize(("mode", "side", "room"), [("RGB", 7000, 130), ("L", 10_400, 240)])
def test_a_phone_s_large_picture_takes_little_memory(mode: str, side: int, room: int) -> None:
    """49 and 108 million pixels, in a process that may take so many megabytes more."""
    code = (
        "import resource, sys, pathlib\n"
        "from faceserver.pictures import codec\n"
        "data = sys.stdin.buffer.read()\n"
        "pages = int(pathlib.Path('/proc/self/statm').read_text().split()[0])\n"
        f"limit = pages * resource.getpagesize() + {room} * 2**20\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "picture = codec.decode(data, max_bytes=10**8, max_pixels=120_000_000)\n"
        "print(picture.width, picture.image.shape)\n"
    )
    data = encode(Pillow.new(mode, (side, side)), "JPEG")
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=data,
        capture_output=True,
        cwd=Path(__file__).resolve().parents[2],
        timeout=300,
        check=True,
    )
    assert done.stdout.decode().strip() == f"{side} ({side // 2}, {side // 2}, 3)"


def _slow() -> bytes:
    return encode(Pillow.new("L", (4000, 4000)), "TIFF", compression="lzma")


def test_a_picture_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_WAIT", 0.0)
    with pytest.raises(TooManyPixels, match="too long"):
        codec.decode(_slow(), max_bytes=10**8, max_pixels=10**8)


def test_the_time_of_the_request_ends_a_decoder() -> None:
    with deadline(0.0), pytest.raises(TimedOut):
        codec.decode(_slow(), max_bytes=10**8, max_pixels=10**8)


def test_a_decoder_that_dies_takes_its_picture_alone() -> None:
    decoder_process.close()
    started = decoder_process._Decoder()
    os.kill(started._process.pid, signal.SIGSEGV)
    started._process.wait()
    decoder_process._put_back(started)
    with pytest.raises(TruncatedImage):
        codec.decode(_slow(), max_bytes=10**8, max_pixels=10**8)
    assert codec.decode(_slow(), max_bytes=10**8, max_pixels=10**8).width == 4000


def test_a_decoder_is_used_again_and_ends_when_nothing_comes() -> None:
    decoder_process.close()
    for _ in range(3):
        codec.decode(_slow(), max_bytes=10**8, max_pixels=10**8)
    (decoder,) = decoder_process._idle
    decoder_process.close()
    assert decoder._process.returncode is not None
