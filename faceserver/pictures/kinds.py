"""What a file is, told by its first bytes: its name may say anything, or nothing."""

import re
import struct
from collections.abc import Iterator

HEAD_BYTES = 4096
"""So many first bytes tell all that :func:`kind_of` knows; fewer tell less, and nothing wrong."""

PICTURES = frozenset(
    {
        *("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "HEIC", "AVIF", "JXL"),
        *("JPEG 2000", "JPEG XR", "PSD", "OpenEXR", "Radiance HDR", "PNM", "QOI", "DICOM", "raw"),
    }
)
"""The kinds that are photographs; whether one can be read is the codec's to say."""

_STARTS = (
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"GIF8[79]a", "GIF"),
    (rb"RIFF.{4}WEBP", "WEBP"),
    (rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n", "JXL"),
    (rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", "JPEG 2000"),
    (rb"II\xbc\x01", "JPEG XR"),
    (rb"II\*\0.{4}CR\x02|IIR[OS]|MMOR|IIU\0|FUJIFILMCCD-RAW|FOVb|\0MRM", "raw"),
    (rb"8BPS\0[\x01\x02]", "PSD"),
    (rb"v/1\x01", "OpenEXR"),
    (rb"#\?RADIANCE|#\?RGBE", "Radiance HDR"),
    (rb"P[1-6Ff]\s+(?:#[^\n]*\n\s*)*\d+\s+\d+\s|P7\nWIDTH", "PNM"),
    (rb"qoif", "QOI"),
    (rb".{128}DICM", "DICOM"),
    (rb"\0\0[\x01\x02]\0[\x01-\x40]\0|icns", "icon"),
    (rb"%PDF-", "pdf"),
    (rb"PK(?:\x03\x04|\x05\x06|\x07\x08)", "zip"),
    (rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|\x1f\x8b\x08|BZh[1-9]1AY|\xfd7zXZ\0", "archive"),
    (rb"\x28\xb5\x2f\xfd|.{257}ustar", "archive"),
    (rb"\x1a\x45\xdf\xa3|RIFF.{4}AVI |RF64.{4}AVI |FLV\x01|\0\0\x01[\xba\xb3]", "video"),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11|(?:\x47.{187}){2}\x47|(?:.{4}\x47.{187}){3}", "video"),
    (rb"RIFF.{4}WAVE|ID3[\x02-\x04]|fLaC|OggS|\xff[\xfb\xf3\xf2]|#!AMR|FORM.{4}AIF", "audio"),
    (rb"SQLite format 3\0", "database"),
    (rb"\x7fELF|MZ.{0,60}?\0", "program"),
)
"""How files begin, the first that fits counts. Sources: the formats' own specifications."""

_KINDS = [(re.compile(start, re.DOTALL), kind) for start, kind in _STARTS]

_TIFF = re.compile(rb"II[*+]\0|MM\0[*+]")
_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
"""Lengths of the header that follows the file header, in bytes."""

_HEIC_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_AUDIO_BRANDS = frozenset({b"M4A ", b"M4B ", b"M4P "})
_MOVIE_BOXES = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
"""How a QuickTime film without the box of brands begins."""

_SVG = re.compile(rb"<svg[\s>]")
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?!!doctype html|html)", re.IGNORECASE)
_NO_TEXT = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]")
"""Control characters that no text has: all but blanks, line ends and escape."""

# Tags of TIFF 6.0, of its supplement 1 and of DNG.
_NEW_SUBFILE_TYPE, _PHOTOMETRIC, _SUB_IFDS, _DNG_VERSION = 254, 262, 330, 50706
_SENSOR_VALUES = frozenset({32803, 34892})
"""PhotometricInterpretation of a sensor's values: colour filter array, linear raw."""


def kind_of(head: bytes) -> str | None:
    """Tell what a file is.

    Args:
        head: how it begins, :data:`HEAD_BYTES` where it has so many.

    Returns:
        One of :data:`PICTURES`; "SVG", "icon", "video", "audio", "pdf", "zip", "archive",
        "database", "program" or "text" for what is no photograph; None for what is none of these,
        and for no bytes. A phone's MPO is a JPEG with more pictures behind it, and called "JPEG".
        A TIFF whose first page is a preview of a camera's raw values is "raw".
    """
    for start, kind in _KINDS:
        if start.match(head):
            return kind
    if _TIFF.match(head):
        return "raw" if _is_raw(head) else "TIFF"
    if _is_bmp(head):
        return "BMP"
    return _boxed(head) or _written(head)


def _is_bmp(head: bytes) -> bool:
    """Whether a BMP's two letters are followed by what a BMP has there: "BMW" is no picture."""
    if len(head) < 18 or head[:2] != b"BM":
        return False
    offset, length = struct.unpack_from("<LL", head, 10)
    return length in _BMP_HEADERS and (offset == 0 or offset >= 14 + length)


def _boxed(head: bytes) -> str | None:
    """The kind of a file of ISO's boxes (ISO/IEC 14496-12), by its brands."""
    box = head[4:8]
    if box in _MOVIE_BOXES and head[:1] == b"\0":
        return "video"
    if box != b"ftyp" or len(head) < 12:
        return None
    (size,) = struct.unpack_from(">L", head)
    major, others = head[8:12], head[16 : max(size, 16)]
    brands = [major, *(others[at : at + 4] for at in range(0, len(others), 4))]
    if major == b"crx ":
        return "raw"
    # Writers differ in which brand comes first: of AVIF's, "mif1" may stand there.
    for known, kind in ((_AVIF_BRANDS, "AVIF"), (_HEIC_BRANDS, "HEIC")):
        if major in known or (major in _HEIC_BRANDS and known.intersection(brands)):
            return kind
    return "audio" if major in _AUDIO_BRANDS else "video"


def _written(head: bytes) -> str | None:
    """SVG, other text, or None."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text"  # UTF-16 with its mark
    if not head or _NO_TEXT.search(head):
        return None
    if _MARKUP.match(head) and _SVG.search(head):
        return "SVG"
    return "text" if _is_utf8(head) else None


def _is_utf8(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3  # cut within a character
    return True


def _is_raw(head: bytes) -> bool:
    """Whether a TIFF's first directory is a camera's, where that lies within the head."""
    tags = dict(_first_directory(head))
    preview = tags.get(_NEW_SUBFILE_TYPE) == 1 and _SUB_IFDS in tags
    return _DNG_VERSION in tags or preview or tags.get(_PHOTOMETRIC) in _SENSOR_VALUES


def _first_directory(head: bytes) -> Iterator[tuple[int, int]]:
    """Tags of a classic TIFF's first directory, each with its value or what stands for it."""
    order = "<" if head[:1] == b"I" else ">"
    if 42 not in head[2:4] or len(head) < 8:
        return
    (start,) = struct.unpack_from(f"{order}L", head, 4)
    if start + 2 > len(head):
        return
    (count,) = struct.unpack_from(f"{order}H", head, start)
    for at in range(start + 2, min(start + 2 + 12 * count, len(head) - 11), 12):
        tag, kind = struct.unpack_from(f"{order}HH", head, at)
        short = kind == 3  # SHORT: the first two of the four bytes
        (value,) = struct.unpack_from(f"{order}{'H' if short else 'L'}", head, at + 8)
        yield tag, value
