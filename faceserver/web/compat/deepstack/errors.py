"""How DeepStack tells errors: a text that its clients show, and few statuses."""

from flask import Response, jsonify

from faceserver.web.protocol import Failure

_BAD_REQUEST = 400
_NOT_FOUND = 404
_OTHER_STATUSES = frozenset({401, 403, 404, 405, 413, 429})
"""Of 4xx; every other mistake of a client has 400 there."""

_IMAGES = frozenset(
    {
        "empty_file",
        "file_too_large",
        "image_too_small",
        "invalid_image",
        "not_an_image",
        "too_many_faces",
        "too_many_pixels",
        "truncated_image",
    }
)
_TEXTS = {
    "no_face": "no face detected",
    "no_file": "No valid image file found",
    "not_authenticated": "Incorrect api key",
}


def render(failure: Failure) -> Response:
    """The answer to a request that failed; ``message`` says more than ``error``."""
    is_image = failure.code in _IMAGES
    text = "invalid image" if is_image else _TEXTS.get(failure.code, failure.message)
    status = _BAD_REQUEST if is_image else _status(failure)
    response = jsonify(success=False, error=text, message=failure.message, code=status, duration=0)
    response.status_code = status
    return response


def _status(failure: Failure) -> int:
    if failure.code == "not_served":
        return _NOT_FOUND
    is_other = failure.status in _OTHER_STATUSES or failure.status >= 500
    return failure.status if is_other else _BAD_REQUEST
