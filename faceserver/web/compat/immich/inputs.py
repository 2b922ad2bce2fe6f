"""What Immich asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faceserver.errors import FaceServerError, InvalidRequest, NoFile
from faceserver.web.compat.bodies import parsed_object
from faceserver.web.forms import file_bytes, form

FACES = "facial-recognition"


class InvalidEntries(FaceServerError):
    """The form's entries are none."""

    code = "invalid_entries"


@dataclass(frozen=True)
class Asked:
    """What a request is about.

    Attributes:
        faces: faces are to be found.
        others: so is something else.
        min_score: of faces that count.
    """

    faces: bool
    others: bool
    min_score: float


def asked() -> Asked:
    """What the current request is about.

    Raises:
        InvalidEntries: its field ``entries`` does not say.
    """
    fields, _ = form()
    try:
        tasks = parsed_object(fields.get("entries", ""))
    except InvalidRequest as error:
        raise InvalidEntries("Invalid request format.") from error
    if not tasks or not all(isinstance(task, dict) for task in tasks.values()):
        raise InvalidEntries("Invalid request format.")
    faces = tasks.get(FACES)
    return Asked(
        faces=faces is not None,
        others=bool(tasks.keys() - {FACES}),
        min_score=_min_score(faces or {}),
    )


def picture() -> bytes:
    """The current request's picture.

    Raises:
        NoFile: there is none.
        FileTooLarge: it has too many bytes.
    """
    _, files = form()
    if "image" not in files:
        raise NoFile("Either image or text must be provided")
    return file_bytes(files["image"])


def _min_score(task: Mapping[str, Any]) -> float:
    found: object = task
    for name in ("detection", "options", "minScore"):
        found = found.get(name) if isinstance(found, dict) else None
    if found is None:
        return 0.0
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise InvalidEntries("Invalid request format.")
    return float(found)
