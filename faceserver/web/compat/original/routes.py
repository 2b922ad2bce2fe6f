"""The wire format of the original face search app: registering, retrieving, stored pictures."""

from collections.abc import Sequence

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from faceserver.services.outcomes import NewPicture, Refused, Registered
from faceserver.types import Face, Match
from faceserver.web.compat.original import inputs
from faceserver.web.compat.original.credentials import credentials
from faceserver.web.compat.original.errors import error_fields, render
from faceserver.web.compat.original.geometry import box_pixels, point_pixels
from faceserver.web.context import backend, services
from faceserver.web.errors import STATUS
from faceserver.web.guard.auth import caller
from faceserver.web.guard.scopes import scope
from faceserver.web.pictures import send_picture
from faceserver.web.protocol import Protocol, speaks

blueprint = Blueprint("original", __name__)
speaks(blueprint, Protocol("original", render, credentials))

_PICTURES = "static/uploadImages"
_DISTANCE_DECIMALS = 6


@blueprint.post("/faceRegister")
@scope("write", reach="default", body="pictures")
def register() -> ResponseReturnValue:
    """Store the faces of uploaded pictures."""
    with_path = inputs.includes_path(request)
    items = inputs.pictures(request, backend().settings)
    pictures = [item for item in items if isinstance(item, NewPicture)]
    results = iter(services().registering.add_all(pictures))
    return _answer(
        [item if isinstance(item, Refused) else next(results) for item in items], with_path
    )


@blueprint.post("/faceRegisterBatch")
@scope("write", reach="default", body="urls")
def register_batch() -> ResponseReturnValue:
    """Store the faces of pictures that lie behind URLs."""
    with_path = inputs.includes_path(request)
    links = inputs.urls(request, backend().settings)
    return _answer(services().registering.add_urls(links), with_path)


@blueprint.post("/faceRetrieve")
@scope("read", reach="default", body="picture")
def retrieve() -> ResponseReturnValue:
    """Find stored faces near the one face of an uploaded picture."""
    data = inputs.one_picture(request, backend().settings)
    return {"faces": [_match(match) for match in services().searching.by_only_face(data)]}


@blueprint.get(f"/{_PICTURES}/<name>")
@scope("read", reach="view")
def picture(name: str) -> Response:
    """Send a stored picture; it never changes under its name."""
    stream = services().faces.open_stored(name, of=caller().collection)
    response = send_picture(stream, version=name.removesuffix(".jpg"))
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


def _answer(results: Sequence[Registered | Refused], with_path: bool) -> ResponseReturnValue:
    """Answer each picture's faces or error; the whole call fails only when every picture did."""
    faces = [_item(result, with_path) for result in results]
    errors = [result.error for result in results if isinstance(result, Refused)]
    if len(errors) < len(results):
        return {"faces": faces}
    return {"error": error_fields(errors[0]), "faces": faces}, STATUS[errors[0].code]


def _item(result: Registered | Refused, with_path: bool) -> dict[str, object]:
    if isinstance(result, Refused):
        return {"BoxsPoints": [], "name": result.name, "error": error_fields(result.error)}
    item: dict[str, object] = {
        "BoxsPoints": [_face(face, result.width, result.height) for face in result.faces],
        "name": result.name,
    }
    if result.notes:
        item["notes"] = list(result.notes)
    if with_path:
        item["path"] = _path(result.picture)
    return item


def _face(face: Face, width: int, height: int) -> dict[str, list[int]]:
    return {
        "box": box_pixels(face.detection.box, width, height),
        "pt": point_pixels(face.detection.points, width, height),
    }


def _match(match: Match) -> dict[str, object]:
    return {
        "distance": round(match.distance, _DISTANCE_DECIMALS),
        "path": _path(match.face.picture),
    }


def _path(picture: str | None) -> str:
    """Where a picture is served; empty where none is kept, for the key is part of the contract."""
    return f"{_PICTURES}/{picture}" if picture else ""
