"""An app whose routes are the real ones, and whose views only say that they were reached."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Flask, Response, g
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from faceserver.web.errors import STATUS
from faceserver.web.guard.scopes import mark_of

REACHED = 204
_CODE = "X-Test-Code"


@dataclass(frozen=True, order=True)
class Route:
    """A row of the table in docs/security.md."""

    address: str
    method: str
    scope: str
    reach: str

    def path(self, collection: str = "default") -> str:
        """An address that the route has, in a collection if it names one."""
        return re.sub(
            r"<(?:(\w+):)?(\w+)>", lambda it: _value(it[1], it[2], collection), self.address
        )


def routes(app: Flask) -> list[Route]:
    """Every route of an app; HEAD and OPTIONS come with each."""
    return sorted(
        Route(rule.rule, method, mark.scope, mark.reach)
        for rule in app.url_map.iter_rules()
        for mark in [mark_of(app, rule.endpoint)]
        for method in _methods(rule)
    )


def hollow_out(app: Flask) -> None:
    """Let every view answer 204 and do nothing; their marks stay."""
    for endpoint, view in app.view_functions.items():
        app.view_functions[endpoint] = _hollow(view)
    tell_codes(app)


def tell_codes(app: Flask) -> None:
    """Have each answer tell :func:`status_of` its error's code."""

    @app.after_request
    def tell(response: Response) -> Response:
        response.headers[_CODE] = g.get("error_code", "")
        return response


def status_of(answer: TestResponse) -> int:
    """The status of an answer of an app that tells codes, whatever its protocol makes of errors."""
    return STATUS.get(answer.headers[_CODE], answer.status_code)


def _hollow(view: Any) -> Any:
    def reached(**variables: object) -> tuple[str, int]:
        return "", REACHED

    vars(reached)["mark"] = vars(view)["mark"]
    return reached


def _methods(rule: Rule) -> Iterator[str]:
    yield from (rule.methods or set()) - {"HEAD", "OPTIONS"}


def _value(converter: str | None, variable: str, collection: str) -> str:
    if variable == "collection":
        return collection
    return str(UUID(int=0)) if converter == "uuid" else "0" * 32
