"""From an error to its answer: the one table of statuses, and the JSON and HTML bodies."""

import logging
from collections.abc import Sequence

from flask import (
    Flask,
    Response,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.exceptions import HTTPException

from faceserver.api.base import FieldProblem
from faceserver.errors import FaceServerError, NotAuthenticated, NotReady, TimedOut
from faceserver.web.problems import InvalidFields, problem, wants_problem

_log = logging.getLogger(__name__)

STATUS = {
    "invalid_input": 400,
    "invalid_request": 400,
    "no_file": 400,
    "empty_file": 400,
    "invalid_url": 400,
    "untrusted_host": 400,
    "not_authenticated": 401,
    "access_error": 403,
    "not_permitted": 403,
    "csrf_failed": 403,
    "cross_origin": 403,
    "url_forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "already_exists": 409,
    "cannot_undo": 409,
    "idempotency_key_reused": 409,
    "model_changed": 409,
    "change_incomplete": 409,
    "request_too_large": 413,
    "too_many_items": 413,
    "file_too_large": 413,
    "too_many_pixels": 413,
    "invalid_archive": 422,
    "invalid_cursor": 422,
    "invalid_embedding": 422,
    "not_an_image": 415,
    "invalid_image": 422,
    "truncated_image": 422,
    "image_too_small": 422,
    "face_count": 422,
    "no_face": 422,
    "unknown_attribute": 422,
    "several_faces": 422,
    "too_many_faces": 422,
    "fetch_failed": 422,
    "url_timeout": 422,
    "url_failed": 422,
    "rate_limited": 429,
    "internal_error": 500,
    "setup_error": 500,
    "invalid_setting": 500,
    "unknown_name": 500,
    "model_error": 500,
    "engine_unavailable": 500,
    "store_error": 500,
    "store_corrupt": 500,
    "store_too_new": 500,
    "store_mismatch": 500,
    "not_ready": 503,
    "shutting_down": 503,
    "timed_out": 503,
    "store_locked": 503,
    "store_full": 507,
}
"""The HTTP status of each error code."""

# Where werkzeug's name for a status is not the code that the same mistake has elsewhere.
_HTTP_CODES = {400: "invalid_request", 413: "request_too_large", 500: "internal_error"}


_NO_FAULTS = (NotReady, TimedOut)


def error_fields(error: FaceServerError) -> dict[str, str]:
    """What a JSON answer says about an error: its code and its message."""
    return {"code": error.code, "message": str(error)}


def note(error: FaceServerError) -> int:
    """The status of an error, which is noted in the audit log, and in the log if it is a fault."""
    g.error_code = error.code
    status = STATUS[error.code]
    if status >= 500 and not isinstance(error, _NO_FAULTS):
        _log.error("%s %s: %s", request.method, request.path, error, exc_info=error)
    return status


def register(app: Flask) -> None:
    """Answer our own errors, werkzeug's and unexpected ones in one shape."""
    app.register_error_handler(FaceServerError, _answer_own)
    app.register_error_handler(HTTPException, _answer_http)


def _answer_own(error: FaceServerError) -> Response:
    status = note(error)
    if isinstance(error, NotAuthenticated) and _wants_page() and not wants_problem():
        return make_response(redirect(url_for("signin.page", next=_address())))
    response = _answer(status, error_fields(error), _fields_at_fault(error))
    if isinstance(error, NotAuthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="faceserver"'
    return response


def _address() -> str:
    """What was asked for, to lead back to it."""
    return request.full_path if request.query_string else request.path


def _answer_http(error: HTTPException) -> Response:
    # Flask has logged an unexpected exception before it comes here as a plain 500.
    status = error.code or 500
    code = _HTTP_CODES.get(status, error.name.lower().replace(" ", "_"))
    message = error.description or error.name
    if status == 500:
        message = "something went wrong inside the server; its log has the details"
    g.error_code = code
    response = _answer(status, {"code": code, "message": message})
    for name, value in error.get_headers():
        if name != "Content-Type":
            response.headers.add(name, value)
    return response


def _fields_at_fault(error: FaceServerError) -> Sequence[FieldProblem]:
    return error.fields if isinstance(error, InvalidFields) else ()


def _answer(status: int, fields: dict[str, str], at_fault: Sequence[FieldProblem] = ()) -> Response:
    if wants_problem():
        return problem(status, fields["code"], fields["message"], at_fault)
    if _wants_page():
        page = render_template("error.html", status=status, **fields)
        return make_response(page, status)
    response = jsonify(error=fields)
    response.status_code = status
    return response


def _wants_page() -> bool:
    """Whether a person opened this address in a browser; scripts and plain curl get JSON."""
    if request.method not in {"GET", "HEAD"}:
        return False
    accepted = request.accept_mimetypes
    return accepted.best_match(["application/json", "text/html"]) == "text/html"
