"""Colours that HEIC and AVIF name by a number instead of a profile, as profiles.

The numbers are those of ITU-T H.273 (nclx in ISO/IEC 14496-12, box ``colr``); the profiles are made
by ICC.1:2010, of primaries adapted to D50 and sRGB's curve, which stands near enough to the curves
of television for what is not HDR.
"""

import struct
from collections.abc import Mapping

_PRIMARIES: Mapping[int, tuple[tuple[float, float, float], ...]] = {
    9: ((0.67348, 0.27904, -0.00194), (0.16566, 0.67535, 0.02998), (0.12505, 0.04561, 0.79686)),
    12: ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),
}
"""BT.2020 and Display P3: X, Y, Z of red, green and blue. BT.709's are sRGB's own."""

_USUAL_CURVES = frozenset({1, 2, 6, 13, 14, 15})
_D50 = (0.9642, 1.0, 0.8249)
_HEAD_BYTES = 65_536


def profile_of(data: bytes) -> bytes | None:
    """The ICC profile of a file's colours; None if they are sRGB's, unknown, or HDR."""
    at = data.find(b"colrnclx", 0, _HEAD_BYTES)
    if at < 0 or at + 14 > len(data):
        return None
    primaries, curve = struct.unpack_from(">HH", data, at + 8)
    if primaries not in _PRIMARIES or curve not in _USUAL_CURVES:
        return None
    return _profile(_PRIMARIES[primaries])


def _profile(primaries: tuple[tuple[float, float, float], ...]) -> bytes:
    curve = b"para" + bytes(4) + struct.pack(">HH", 3, 0)
    curve += _fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    text = b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", 2, 28) + b"\0P\0\0"
    tags = [(b"desc", text), (b"cprt", text), (b"wtpt", b"XYZ " + bytes(4) + _fixed(*_D50))]
    for name, xyz in zip((b"r", b"g", b"b"), primaries, strict=True):
        tags += [(name + b"XYZ", b"XYZ " + bytes(4) + _fixed(*xyz)), (name + b"TRC", curve)]
    places, body = b"", b""
    for name, content in tags:
        places += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">4x4xI12s", 0x04200000, b"mntrRGB XYZ ") + bytes(12) + b"acsp"
    head = head.ljust(68, b"\0") + _fixed(*_D50)
    whole = head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + places + body
    return struct.pack(">I", len(whole)) + whole[4:]


def _fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))
