"""From an error to its answer: the one table of statuses; the form is the protocol's."""

import logging
from collections.abc import Iterator

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from faceserver.errors import (
    Busy,
    EngineUnavailable,
    FaceServerError,
    NotAuthenticated,
    NotReady,
    NotServed,
    StoreUnavailable,
    TimedOut,
    UpstreamFailed,
)
from faceserver.web.problems import InvalidFields, shortened
from faceserver.web.protocol import KEY_VARIABLE, Failure, current

_log = logging.getLogger(__name__)

STATUS = {
    "invalid_input": 400,
    "invalid_request": 400,
    "no_file": 400,
    "missing_argument": 400,
    "empty_file": 400,
    "invalid_url": 400,
    "untrusted_host": 400,
    "not_authenticated": 401,
    "invalid_signature": 401,
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
    "invalid_entries": 422,
    "invalid_embedding": 422,
    "invalid_place": 422,
    "not_an_image": 415,
    "invalid_image": 422,
    "truncated_image": 422,
    "image_too_small": 422,
    "face_count": 422,
    "low_quality": 422,
    "no_face": 422,
    "invalid_combination": 422,
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
    "library_missing": 500,
    "store_error": 500,
    "store_corrupt": 500,
    "store_too_new": 500,
    "store_mismatch": 500,
    "unsuitable_model": 501,
    "not_served": 501,
    "upstream_failed": 502,
    "store_outdated": 500,
    "not_ready": 503,
    "shutting_down": 503,
    "timed_out": 503,
    "busy": 503,
    "engine_unavailable": 503,
    "store_unavailable": 503,
    "store_locked": 503,
    "store_full": 507,
}
"""The HTTP status of each error code."""

# Where werkzeug's name for a status is not the code that the same mistake has elsewhere.
_HTTP_CODES = {400: "invalid_request", 413: "request_too_large", 500: "internal_error"}


_NO_FAULTS = (Busy, NotReady, NotServed, TimedOut, UpstreamFailed)
_ELSEWHERE = (EngineUnavailable, StoreUnavailable)

BUSY_SECONDS = 2
"""After which a request that was too much may be sent again."""


def note(error: FaceServerError) -> int:
    """The status of an error, which is noted in the audit log, and in the log if it is a fault."""
    g.error_code = error.code
    status = STATUS[error.code]
    path = request.url_rule if KEY_VARIABLE in (request.view_args or {}) else request.path
    if isinstance(error, _ELSEWHERE):
        _log.warning("%s %s: %s", request.method, path, error)
    elif status >= 500 and not isinstance(error, _NO_FAULTS):
        _log.error("%s %s: %s", request.method, path, error, exc_info=error)
    return status


def register(app: Flask) -> None:
    """Answer our own errors, werkzeug's and unexpected ones as the request's protocol does."""
    app.register_error_handler(FaceServerError, _answer_own)
    app.register_error_handler(HTTPException, _answer_http)


def _answer_own(error: FaceServerError) -> Response:
    return _answer(
        Failure(
            note(error),
            error.code,
            shortened(str(error)),
            error.fields if isinstance(error, InvalidFields) else (),
            tuple(_headers(error)),
            error,
        )
    )


def _headers(error: FaceServerError) -> Iterator[tuple[str, str]]:
    challenge = current().challenge
    if isinstance(error, NotAuthenticated) and challenge is not None:
        yield "WWW-Authenticate", challenge
    if isinstance(error, Busy | EngineUnavailable):
        g.retry_after = BUSY_SECONDS
        yield "Retry-After", str(BUSY_SECONDS)


def _answer_http(error: HTTPException) -> Response:
    # Flask has logged an unexpected exception before it comes here as a plain 500.
    status = error.code or 500
    code = _HTTP_CODES.get(status, error.name.lower().replace(" ", "_"))
    message = shortened(error.description or error.name)
    if status == 500:
        message = "something went wrong inside the server; its log has the details"
    g.error_code = code
    headers = [(name, value) for name, value in error.get_headers() if name != "Content-Type"]
    return _answer(Failure(status, code, message, headers=tuple(headers)))


def _answer(failure: Failure) -> Response:
    response = current().render(failure)
    if response.status_code >= 400:  # a browser may be led to where it signs in
        for name, value in failure.headers:
            response.headers.add(name, value)
    return response
