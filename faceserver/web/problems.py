"""Errors of the v1 API: problem details, as RFC 9457 has them."""

from collections.abc import Iterator, Sequence
from http import HTTPStatus

from flask import Response, request
from pydantic import ValidationError

from faceserver.api.base import FieldProblem, Problem
from faceserver.errors import InvalidRequest
from faceserver.runtime import logs

MIMETYPE = "application/problem+json"

_PARAMETERS = {"path", "query", "header"}
_PREFIX = "/v1/"


class InvalidFields(InvalidRequest):
    """Fields of a request are missing, unknown or malformed.

    Attributes:
        fields: each of them, and what is wrong with it.
    """

    def __init__(self, fields: Sequence[FieldProblem]) -> None:
        """Tell of each field; the first one makes the message."""
        first = fields[0]
        place = first.parameter or first.pointer
        super().__init__(f"{place}: {first.detail}" if place else first.detail)
        self.fields = tuple(fields)


def invalid_fields(error: ValidationError) -> InvalidFields:
    """What pydantic found, without what was sent, which may be a picture or a face."""
    return InvalidFields(list(_field_problems(error)))


def wants_problem() -> bool:
    """Whether the request is one of the v1 API."""
    return request.path.startswith(_PREFIX)


def problem(status: int, code: str, detail: str, fields: Sequence[FieldProblem] = ()) -> Response:
    """The answer to a request that failed."""
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        request_id=logs.request_id.get() or "",
        errors=tuple(fields),
    )
    return Response(body.model_dump_json(exclude_none=True), status, mimetype=MIMETYPE)


def _field_problems(error: ValidationError) -> Iterator[FieldProblem]:
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        # Which of several forms a body has is told in angle brackets; see api.pictures.by_key.
        place = [str(part) for part in found["loc"] if not str(part).startswith("<")]
        detail = found["msg"].removeprefix("Value error, ")
        if error.title in _PARAMETERS:
            yield FieldProblem(detail=detail, parameter=".".join(place))
        else:
            yield FieldProblem(detail=detail, pointer=_pointer(place))


def _pointer(place: Sequence[str]) -> str:
    """A JSON pointer as the fragment of a URI: RFC 6901, section 6."""
    return "#" + "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in place)
