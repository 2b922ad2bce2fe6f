"""What the app sends."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faceserver.errors import InvalidRequest, NoFile
from faceserver.types import FARTHEST, Box
from faceserver.web.compat.bodies import parsed_object
from faceserver.web.forms import file_bytes, form

_EDGES = ("left", "top", "right", "bottom")


@dataclass(frozen=True)
class Upload:
    """A picture, and what it is called."""

    name: str
    data: bytes


@dataclass(frozen=True, eq=False)
class Place:
    """A face that the app knows: all that it said of it, and its box."""

    said: Mapping[str, Any]
    box: Box


def upload() -> Upload:
    """The current request's picture.

    Raises:
        NoFile: there is none.
        FileTooLarge: it has too many bytes.
    """
    _, files = form()
    if "file" not in files:
        raise NoFile("send the picture as the form's part 'file'")
    file = files["file"]
    return Upload(file.filename or "", file_bytes(file))


def place() -> Place:
    """The face that the current request is about.

    Raises:
        InvalidRequest: the part ``face`` does not say where it is.
    """
    fields, files = form()
    text: str | bytes = fields.get("face", "")
    if "face" in files:
        text = file_bytes(files["face"])
    said = parsed_object(text)
    left, top, right, bottom = (_number(said.get(edge)) for edge in _EDGES)
    box = Box(left, top, right, bottom)
    if not (box.x1 < box.x2 and box.y1 < box.y2):
        raise InvalidRequest("the face's box is empty")
    return Place(said, box)


def _number(value: object) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not -FARTHEST <= value <= FARTHEST:  # type: ignore[operator]
        raise InvalidRequest(f"the face needs numbers: {', '.join(_EDGES)}")
    return float(value)  # type: ignore[arg-type]
