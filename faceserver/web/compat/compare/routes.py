"""The service that compares two faces or embeds one, and the two services behind it."""

import json

from flask import Blueprint, Response

from faceserver.errors import ImageError, NoFace
from faceserver.services.context import LARGEST
from faceserver.types import Detection
from faceserver.web.compat.compare import backends, inputs
from faceserver.web.compat.compare.credentials import credentials
from faceserver.web.compat.compare.errors import render
from faceserver.web.context import services
from faceserver.web.guard.scopes import scope
from faceserver.web.protocol import Protocol, speaks

COMPARE = Protocol("compare", render, credentials, challenge=None, prefixes=("/service",))

_NONE = "-1"
_DECIMALS = 8
_PIXEL_DECIMALS = 2

blueprint = Blueprint("compare", __name__)
speaks(blueprint, COMPARE)


@blueprint.post("/service")
@scope("read", reach="none", body="two pictures")
def serve() -> Response:
    """Compare the largest faces of two pictures in JSON; embed that of a plain picture."""
    sent = inputs.sent()
    if sent.picture is not None:
        return _embedding(sent.picture)
    pair = sent.pair()
    if pair is None:
        return _told(None)
    try:
        return _told(backends.distance(*pair))
    except (ImageError, NoFace):
        return _told(None)


@blueprint.post("/service/detect")
@scope("read", reach="none", body="two pictures")
def detect() -> Response:
    """Find the faces of the first picture, largest first."""
    found = services().analysis.detect(inputs.sent().first())
    return _json({"bounds": [_bound(face) for face in found.faces]})


@blueprint.post("/service/compare")
@scope("read", reach="none", body="two pictures")
def compare() -> Response:
    """Compare two pictures that are crops of faces already."""
    pair = inputs.sent().pair()
    if pair is None:
        return _told(None)
    try:
        one, other = services().analysis.embed_whole(pair)
    except ImageError:
        return _told(None)
    return _told(backends.between(one, other))


def _bound(face: Detection) -> list[float]:
    box = face.box
    edges = (box.x1, box.y1, box.x2, box.y2)
    return [*(round(edge, _PIXEL_DECIMALS) for edge in edges), round(face.score, _DECIMALS)]


def _embedding(data: bytes) -> Response:
    found = services().analysis.embed(data, choice=LARGEST)
    if not found.faces:
        raise NoFace("no face was found in the picture")
    return _json(found.vectors[0].tolist())


def _told(distance: float | None) -> Response:
    text = _NONE if distance is None else f"{distance:.{_DECIMALS}f}"
    return Response(text, mimetype="text/plain")


def _json(value: object) -> Response:
    return Response(json.dumps(value), mimetype="application/json")
