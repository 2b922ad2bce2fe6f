"""How Rekognition tells errors: the class that its clients raise, and a sentence.

All that is the caller's to mend has the status 400; what may be sent again unchanged has 500 or
503, where the clients do so by themselves.
"""

import json
from collections.abc import Iterable, Mapping
from uuid import UUID

from flask import Response, request

from faceserver.api.base import FieldProblem
from faceserver.runtime import logs
from faceserver.web.problems import InvalidFields
from faceserver.web.protocol import Failure

MIMETYPE = "application/x-amz-json-1.1"
TARGET = "X-Amz-Target"
PREFIX = "RekognitionService."
NO_FACES = "There are no faces in the image. Should be at least 1."
S3_OBJECT = "S3Object"

_INVALID = "InvalidParameterException"
_DENIED = "AccessDeniedException"
_NOT_AN_IMAGE = "InvalidImageFormatException"
_TOO_LARGE = "ImageTooLargeException"
_UNKNOWN_OPERATION = "UnknownOperationException"

_CLASSES: Mapping[str, str] = {
    "not_found": "ResourceNotFoundException",
    "already_exists": "ResourceAlreadyExistsException",
    "conflict": "ConflictException",
    "model_changed": "ConflictException",
    "invalid_cursor": "InvalidPaginationTokenException",
    "invalid_signature": "InvalidSignatureException",
    "not_permitted": _DENIED,
    "csrf_failed": _DENIED,
    "cross_origin": _DENIED,
    "untrusted_host": _DENIED,
    "rate_limited": "ThrottlingException",
    "busy": "ProvisionedThroughputExceededException",
    "store_full": "ServiceQuotaExceededException",
    "empty_file": _NOT_AN_IMAGE,
    "invalid_image": _NOT_AN_IMAGE,
    "not_an_image": _NOT_AN_IMAGE,
    "truncated_image": _NOT_AN_IMAGE,
    "file_too_large": _TOO_LARGE,
    "request_too_large": _TOO_LARGE,
    "too_many_pixels": _TOO_LARGE,
    "method_not_allowed": _UNKNOWN_OPERATION,
}
_SERVER_CLASSES = {500: "InternalServerError", 503: "ServiceUnavailableException"}


def operation_name() -> str | None:
    """The operation that the current request names, None if it names none."""
    target = request.headers.get(TARGET, "")
    return target.removeprefix(PREFIX) if target.startswith(PREFIX) else None


def answer(body: Mapping[str, object], status: int = 200) -> Response:
    """An answer in the form of this protocol."""
    response = Response(json.dumps(body), status, mimetype=MIMETYPE)
    response.headers["x-amzn-RequestId"] = _request_id()
    return response


def render(failure: Failure) -> Response:
    """The answer to a request that failed."""
    name = _class_of(failure)
    message = NO_FACES if failure.code == "no_face" else failure.message
    status = failure.status if failure.status in _SERVER_CLASSES else 400
    response = answer({"__type": name, "Code": name, "Message": message}, status)
    response.headers["x-amzn-ErrorType"] = name
    return response


def s3_not_served() -> InvalidFields:
    """The error for a picture that is in a bucket of S3."""
    return InvalidFields(
        [FieldProblem(detail="S3 is not served: send the image's bytes", pointer=f"#/{S3_OBJECT}")]
    )


def unknown_operation(known: Iterable[str]) -> InvalidFields:
    """The error for a request that names none of the known operations."""
    named = operation_name()
    what = f"there is no operation {named!r}" if named else "no operation is named"
    detail = f"{what}; there are: {', '.join(known)}"
    return InvalidFields([FieldProblem(detail=detail, parameter=TARGET)])


def _class_of(failure: Failure) -> str:
    if failure.code == "not_authenticated":
        signed = "Authorization" in request.headers or "X-Api-Key" in request.headers
        return "UnrecognizedClientException" if signed else "MissingAuthenticationTokenException"
    if failure.code == "already_exists" and operation_name() == "CreateUser":
        return "ConflictException"
    if request.endpoint is None or any(field.parameter == TARGET for field in failure.fields):
        return _UNKNOWN_OPERATION
    if any(str(field.pointer).endswith(f"/{S3_OBJECT}") for field in failure.fields):
        return "InvalidS3ObjectException"
    return _CLASSES.get(failure.code) or _SERVER_CLASSES.get(failure.status, _INVALID)


def _request_id() -> str:
    """The request's id, as a UUID where it can be one."""
    known = logs.request_id.get() or ""
    try:
        return str(UUID(known))
    except ValueError:
        return known
