"""ICC profiles, made on the spot."""

import struct

from PIL import ImageCms


def channels_swapped() -> bytes:
    """sRGB's profile, with red called green and green called red."""
    whole = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = whole.index(b"rXYZ"), whole.index(b"gXYZ")
    whole[red + 4 : red + 8], whole[green + 4 : green + 8] = (
        whole[green + 4 : green + 8],
        whole[red + 4 : red + 8],
    )
    return bytes(whole)


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def linear_gray() -> bytes:
    """Gray whose values are light itself, by ICC.1:2010: header, white point and a curve."""
    white = b"XYZ " + bytes(4) + struct.pack(">iii", 0xF6D6, 0x10000, 0xD32D)
    curve = b"curv" + bytes(4) + struct.pack(">I", 0)
    text = b"desc" + bytes(4) + struct.pack(">I", 2) + b"g\0" + bytes(78)
    rights = b"text" + bytes(4) + b"none\0"
    tags, places, body = [b"wtpt", b"kTRC", b"desc", b"cprt"], b"", b""
    for name, content in zip(tags, (white, curve, text, rights), strict=True):
        at = 132 + 12 * len(tags) + len(body)
        places += name + struct.pack(">II", at, len(content))
        body += content + bytes(-len(content) % 4)
    head = bytearray(128)
    head[8:12] = b"\x02\x40\0\0"
    head[12:24] = b"mntrGRAYXYZ "
    head[36:40] = b"acsp"
    head[68:80] = struct.pack(">iii", 0xF6D6, 0x10000, 0xD32D)
    whole = bytes(head) + struct.pack(">I", len(tags)) + places + body
    return struct.pack(">I", len(whole)) + whole[4:]
