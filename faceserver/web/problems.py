"""Errors of the v1 API: problem details, as RFC 9457 has them."""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from itertools import islice

from flask import Response
from pydantic import ValidationError

from faceserver.api.base import FieldProblem, Problem
from faceserver.errors import InvalidRequest
from faceserver.runtime import logs

MIMETYPE = "application/problem+json"

MAX_ERRORS = 20
"""Fields at fault that an answer lists; a request can have a hundred thousand of them."""

_TOLD_APART = 1_000
"""Faults that are told one by one: pydantic makes a value of each before the first can be seen."""

MAX_TEXT = 500
"""Characters of a message, which may quote what was sent."""

_PARAMETERS = {"path", "query", "header"}


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
    count = error.error_count()
    if count > _TOLD_APART:
        return InvalidFields(
            [FieldProblem(detail=f"{count} things are wrong with it", pointer="#")]
        )
    return InvalidFields(list(islice(_field_problems(error), MAX_ERRORS)))


def shortened(text: str) -> str:
    """A message without the end of what is too long to be answered."""
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}..."


def problem(status: int, code: str, detail: str, fields: Sequence[FieldProblem] = ()) -> Response:
    """The answer to a request that failed."""
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=shortened(detail),
        code=code,
        request_id=logs.request_id.get() or "",
        errors=tuple(fields),
    )
    return Response(body.model_dump_json(exclude_none=True), status, mimetype=MIMETYPE)


def _field_problems(error: ValidationError) -> Iterator[FieldProblem]:
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        # Which of several forms a body has is told in angle brackets; see api.pictures.by_key.
        place = [str(part) for part in found["loc"] if not str(part).startswith("<")]
        detail = shortened(found["msg"].removeprefix("Value error, "))
        if error.title in _PARAMETERS:
            yield FieldProblem(detail=detail, parameter=shortened(".".join(place)))
        else:
            yield FieldProblem(detail=detail, pointer=shortened(_pointer(place)))


def _pointer(place: Sequence[str]) -> str:
    """A JSON pointer as the fragment of a URI: RFC 6901, section 6."""
    return "#" + "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in place)
