"""The calls of the app's external model."""

from typing import Any

from flask import Blueprint

from faceserver import __version__
from faceserver.services.analysis import Embedded
from faceserver.types import Detection, Floats
from faceserver.web.compat.nextcloud import inputs, scale
from faceserver.web.compat.nextcloud.credentials import credentials
from faceserver.web.compat.nextcloud.errors import render
from faceserver.web.context import backend, services
from faceserver.web.guard.scopes import scope
from faceserver.web.protocol import Protocol, speaks

NEXTCLOUD = Protocol("nextcloud", render, credentials, key_place="x-api-key: KEY", challenge=None)

_MODEL = 5
"""The number that the app has for external models."""

_AREA = 3840 * 2160
"""Pixels that are worth sending: the reference's own limit; what is larger finds little more."""

blueprint = Blueprint("nextcloud", __name__)
speaks(blueprint, NEXTCLOUD)


@blueprint.get("/welcome")
@scope("public")
def welcome() -> dict[str, Any]:
    """Tell people with curl what is here, and whether stored descriptors still fit."""
    analysis = services().analysis
    factor = scale.factor(analysis.threshold)
    return {
        "facerecognition-external-model": "welcome",
        "version": f"{__version__} {analysis.model} x {factor:.4f}",
        "model": _MODEL,
    }


@blueprint.get("/open")
@scope("read", reach="none")
def opened() -> dict[str, Any]:
    """Tell how pictures are to be sent."""
    area = min(_AREA, backend().settings.max_pixels)
    return {"preferred_mimetype": "image/jpeg", "maximum_area": area}


@blueprint.post("/detect")
@scope("read", reach="none", body="picture")
def detect() -> dict[str, Any]:
    """Find and embed every face of a picture."""
    upload = inputs.upload()
    found = services().analysis.embed(upload.data)
    faces = [
        _place(face) | _described(face, vector)
        for face, vector in zip(found.faces, found.vectors, strict=True)
    ]
    return {"filename": upload.name, "faces-count": len(faces), "faces": faces}


@blueprint.post("/compute")
@scope("read", reach="none", body="picture")
def compute() -> dict[str, Any]:
    """Embed the face at a place that the app knows."""
    upload, place = inputs.upload(), inputs.place()
    found: Embedded = services().analysis.embed_at(upload.data, place.box)
    return {
        "filename": upload.name,
        "face": {**place.said, **_described(found.faces[0], found.vectors[0])},
    }


def _place(face: Detection) -> dict[str, Any]:
    return {
        "detection_confidence": scale.confidence(face.score),
        "left": round(face.box.x1),
        "top": round(face.box.y1),
        "right": round(face.box.x2),
        "bottom": round(face.box.y2),
    }


def _described(face: Detection, vector: Floats) -> dict[str, Any]:
    return {
        "landmarks": [{"x": round(x), "y": round(y)} for x, y in face.points],
        "descriptor": scale.descriptor(vector, services().analysis.threshold),
    }
