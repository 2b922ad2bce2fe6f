"""How the original protocol tells errors: under ``error``, of a request as of each picture."""

from flask import Response, jsonify

from faceserver.errors import FaceServerError
from faceserver.web.pages.errors import error_page, is_for_a_person
from faceserver.web.problems import shortened
from faceserver.web.protocol import Failure


def render(failure: Failure) -> Response:
    """The answer to a request that failed; a page, where a person opens a stored picture."""
    if is_for_a_person():
        return error_page(failure)
    response = jsonify(error={"code": failure.code, "message": failure.message})
    response.status_code = failure.status
    return response


def error_fields(error: FaceServerError) -> dict[str, str]:
    """What an answer says about one picture's error."""
    return {"code": error.code, "message": shortened(str(error))}
