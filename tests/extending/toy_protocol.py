"""A wire protocol in few lines: its errors, its key, its addresses."""

from flask import Blueprint, Response, jsonify, request

from faceserver.web.compat.original import inputs
from faceserver.web.context import backend, services
from faceserver.web.guard.scopes import scope
from faceserver.web.protocol import Failure, Protocol, speaks


def render(failure: Failure) -> Response:
    response = jsonify(success=False, reason=failure.code)
    response.status_code = failure.status
    return response


TOY = Protocol(
    "toy",
    render,
    credentials=lambda asked: asked.headers.get("X-Toy-Key"),
    key_place="X-Toy-Key: KEY",
    challenge=None,
    prefixes=("/toy/",),
)

blueprint = Blueprint("toy", __name__)
speaks(blueprint, TOY)


@blueprint.post("/toy/find")
@scope("read", reach="default", body="picture")
def find() -> dict[str, object]:
    matches = services().searching.by_only_face(inputs.one_picture(request, backend().settings))
    return {"success": True, "found": len(matches)}
