"""One rule for the parameters of every address of the API: what is not known is refused."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_origin, get_type_hints

from flask import Flask, current_app, request
from pydantic import BaseModel

from faceserver.api.base import FieldProblem
from faceserver.web.problems import InvalidFields, shortened
from faceserver.web.protocol import current
from faceserver.web.v1.errors import V1


def register(app: Flask) -> None:
    """Look at the query of each request of the API, whatever its method, before its view does.

    A misspelt ``limit`` or ``thresold`` that is passed over silently gives wrong answers.

    Raises (in requests):
        InvalidFields: a parameter is unknown, or occurs twice where it has one value.
    """

    @app.before_request
    def refuse() -> None:
        if request.endpoint is None or request.method == "OPTIONS" or current() is not V1:
            return
        known = _known(current_app.view_functions[request.endpoint])
        problems = list(_problems(known))
        if problems:
            raise InvalidFields(problems)


@cache
def _known(view: Any) -> Mapping[str, bool]:
    """The parameters that a view takes, and whether each may come several times."""
    model = get_type_hints(view).get("query")
    fields = model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else {}
    return {
        field.alias or name: get_origin(field.annotation) is tuple for name, field in fields.items()
    }


def _problems(known: Mapping[str, bool]) -> Iterator[FieldProblem]:
    takes = f"known are {', '.join(known)}" if known else "this address takes none"
    for name, values in request.args.lists():
        if name not in known:
            yield FieldProblem(
                detail=f"this parameter is unknown; {takes}", parameter=shortened(name)
            )
        elif len(values) > 1 and not known[name]:
            yield FieldProblem(detail="it was sent more than once", parameter=name)
