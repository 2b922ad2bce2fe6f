"""Bodies in, parsed; and how OpenAPI tells of them."""

from typing import Any, TypeVar

from flask import request
from flask_openapi3 import APIBlueprint, RequestBody
from flask_openapi3.utils import parse_body, parse_form
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import UnsupportedMediaType

from faceserver.api.base import FieldProblem
from faceserver.web.forms import form
from faceserver.web.guard.bodies import check_json
from faceserver.web.jsontext import one_large_at_a_time, utf8_json
from faceserver.web.problems import InvalidFields, invalid_fields

JSON = "application/json"
MULTIPART = "multipart/form-data"

Model = TypeVar("Model", bound=BaseModel)


def takes(
    blueprint: APIBlueprint, json: type[BaseModel], form: type[BaseModel] | None = None
) -> dict[str, Any]:
    """What a route's ``openapi_extensions`` say about its body: JSON, or a form with files."""
    content, schemas = parse_body(json)
    if form is not None:
        form_content, form_schemas = parse_form(form)
        content, schemas = {**form_content, **content}, {**schemas, **form_schemas}
    blueprint.components_schemas.update(schemas)
    return {"requestBody": RequestBody(content=content, required=True)}


def is_form() -> bool:
    """Whether the request's body is a form, which may hold files."""
    return request.mimetype == MULTIPART


def json_body(model: type[Model]) -> Model:
    """The JSON body.

    Raises:
        UnsupportedMediaType: it is something else.
        InvalidRequest: it is in no charset that is known.
        InvalidFields: it is not what the model describes.
        RequestTooLarge: it is over its limit.
    """
    if not request.is_json:
        raise UnsupportedMediaType(f"send {JSON}")
    body = utf8_json(request.get_data())
    with one_large_at_a_time(body):
        check_json(body)
        try:
            return model.model_validate_json(body)
        except ValidationError as error:
            raise invalid_fields(error) from error


def form_body(
    model: type[Model], *, lists: tuple[str, ...] = ("tags", "attributes", "where")
) -> Model:
    """The fields and files of a form.

    Args:
        model: what it must be.
        lists: the fields and files that may come several times.

    Raises:
        InvalidRequest: it cannot be read.
        InvalidFields: it is not what the model describes.
        RequestTooLarge: it is over its limit.
    """
    fields, files = form()
    given: dict[str, object] = {
        name: values if name in lists else _only(name, values) for name, values in fields.lists()
    }
    given.update(
        {name: values if name in lists else _only(name, values) for name, values in files.lists()}
    )
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid_fields(error) from error


def _only(name: str, values: list[Any]) -> object:
    if len(values) > 1:
        raise InvalidFields(
            [FieldProblem(detail="it was sent more than once", pointer=f"#/{name}")]
        )
    return values[0]
