"""How CompreFace tells errors: a message and a number; its clients look at both."""

import re

from flask import Response, jsonify, request

from faceserver.errors import InvalidRequest, NotFound
from faceserver.web.compat.compreface.credentials import credentials
from faceserver.web.protocol import Failure

GENERIC = "Something went wrong, please try again"
NO_FACE = "No face is found in the given image"

OTHER = 0
NO_FIELD = 5
UNKNOWN_KEY = 10
NO_KEY = 20
BAD_FILE = 21
BAD_VALUE = 26
NO_FACE_FOUND = 28
SEVERAL_FACES = 31
NO_PARAMETER = 33
NO_PART = 34
BAD_NAME = 36
FEW_EMBEDDINGS = 37
NO_SUBJECT = 42
SUBJECT_EXISTS = 43
NO_IMAGE = 44

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

_NOTHING_TO_SEE = frozenset(
    {"no_face", "invalid_image", "not_an_image", "truncated_image", "empty_file", "image_too_small"}
)
"""Whatever its core refuses of a picture, CompreFace's clients hear that there is no face."""

_TEXTS = {
    "several_faces": (400, SEVERAL_FACES, "More than one face in the source image"),
    "already_exists": (400, SUBJECT_EXISTS, "Subject already exists"),
    "method_not_allowed": (404, OTHER, GENERIC),
}
_NUMBERS = {"invalid_request": BAD_VALUE, "invalid_embedding": BAD_VALUE}


class Refusal(InvalidRequest):
    """What CompreFace has a number and a text of its own for.

    Attributes:
        number: its.
    """

    def __init__(self, number: int, message: str) -> None:
        """Take what is told."""
        super().__init__(message)
        self.number = number


class Missing(NotFound):
    """A subject or an image that is not there.

    Attributes:
        number: CompreFace's.
    """

    def __init__(self, number: int, message: str) -> None:
        """Take what is told."""
        super().__init__(message)
        self.number = number


def malformed() -> Refusal:
    """Of a request that does not have the types that it must have."""
    return Refusal(OTHER, GENERIC)


def render(failure: Failure) -> Response:
    """The answer to a request that failed."""
    status, number, message = _told(failure)
    response = jsonify(message=message, code=number)
    response.status_code = status
    return response


def _told(failure: Failure) -> tuple[int, int, str]:
    """Status, number and text."""
    if isinstance(failure.error, Refusal | Missing):
        return failure.status, failure.error.number, failure.message
    if failure.code == "not_authenticated":
        return _about_the_key()
    if failure.code == "not_found":
        return _about_what_is_missing(failure)
    if failure.code in _NOTHING_TO_SEE:
        return 400, NO_FACE_FOUND, NO_FACE
    status = 400 if failure.code in _NUMBERS else failure.status
    return _TEXTS.get(failure.code, (status, _NUMBERS.get(failure.code, OTHER), failure.message))


def _about_the_key() -> tuple[int, int, str]:
    key = credentials(request)
    if key is None:
        return 400, NO_KEY, "Missing header: x-api-key"
    if not _UUID.fullmatch(key):
        return 400, BAD_VALUE, "Service API key should be UUID"
    services = ("detection", "verification", "recognition")
    name = next((name for name in services if f"/{name}/" in request.path), "recognition")
    return 404, UNKNOWN_KEY, f"{name.capitalize()} service with API Key {key} not found"


def _about_what_is_missing(failure: Failure) -> tuple[int, int, str]:
    """The subject or the image that the address names; else what there is to say."""
    named = request.view_args or {}
    if "subject" in named:
        return 404, NO_SUBJECT, f"Subject {named['subject']} not found"
    if "image_id" not in named:
        return failure.status, OTHER, failure.message
    if request.path.rstrip("/").endswith("/verify"):
        return 404, NO_IMAGE, "Image Id is incorrect"
    return 404, NO_IMAGE, f"Image {named['image_id']} not found"
