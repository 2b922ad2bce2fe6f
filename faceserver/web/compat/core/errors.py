"""How the core service tells errors: a message that begins with the status."""

from http import HTTPStatus

from flask import Response, jsonify

from faceserver.errors import InvalidRequest
from faceserver.web.protocol import Failure

_BROKEN = "Image has incorrect format or is broken"
_TEXTS = {
    "no_face": "No face is found in the given image",
    "not_an_image": _BROKEN,
    "truncated_image": _BROKEN,
    "invalid_image": _BROKEN,
    "image_too_small": _BROKEN,
    "empty_file": _BROKEN,
}


class Refusal(InvalidRequest):
    """What the core service has a text of its own for."""


def render(failure: Failure) -> Response:
    """The answer to a request that failed; of a picture it is always 400."""
    text = _TEXTS.get(failure.code)
    status = failure.status if text is None else 400
    phrase = HTTPStatus(status).phrase
    response = jsonify(message=f"{status} {phrase}: {text or failure.message}")
    response.status_code = status
    return response
