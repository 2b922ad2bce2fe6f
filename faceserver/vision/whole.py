"""A picture that is one face: cut out by somebody else, so that nobody has to look for it.

Where eyes, nose and mouth are is not looked at either: they are taken to lie where ArcFace's
template has them, in the box that a detector draws around such a face.
"""

from faceserver.types import Box, Detection, Image

_BOX = (0.065, -0.02, 0.935, 0.85)
"""Left, top, right and bottom, as shares of width and height: what is cut out around this box,
somewhat larger and lowered, is the picture."""

_POINTS = ((0.342, 0.462), (0.657, 0.460), (0.500, 0.641), (0.371, 0.825), (0.632, 0.823))


def whole_picture(image: Image) -> Detection:
    """The face that a picture is, by the picture's own edges."""
    height, width = image.shape[:2]
    return _placed(Box(0.0, 0.0, float(width), float(height)), width, height)


def face_inside(image: Image) -> Detection:
    """The same face as a detector would see it, to be cut out."""
    height, width = image.shape[:2]
    left, top, right, bottom = _BOX
    return _placed(Box(left * width, top * height, right * width, bottom * height), width, height)


def _placed(box: Box, width: int, height: int) -> Detection:
    a, b, c, d, e = ((x * width, y * height) for x, y in _POINTS)
    return Detection(box, (a, b, c, d, e), score=1.0)
