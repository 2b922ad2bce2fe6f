"""The three calls of an Immich server."""

import json
from typing import Any

import numpy as np
from flask import Blueprint, Response, request

from faceserver.errors import UnsuitableModel, UpstreamFailed
from faceserver.services.analysis import Embedded
from faceserver.services.relaying import Answer
from faceserver.types import Floats
from faceserver.web.compat.bodies import parsed_object
from faceserver.web.compat.immich import inputs
from faceserver.web.compat.immich.credentials import credentials
from faceserver.web.compat.immich.errors import render
from faceserver.web.context import services
from faceserver.web.guard.scopes import scope
from faceserver.web.protocol import Protocol, speaks

IMMICH = Protocol("immich", render, credentials, challenge=None, prefixes=("/predict", "/ping"))
UPSTREAM = "immich_upstream"

DIMS = 512
"""Immich keeps embeddings in a database column of this length."""

_OK = 200

blueprint = Blueprint("immich", __name__)
speaks(blueprint, IMMICH)


@blueprint.get("/ping")
@scope("public")
def ping() -> Response:
    """Say that the server is there."""
    return Response("pong", mimetype="text/plain")


@blueprint.post("/predict")
@scope("read", reach="none", body="picture")
def predict() -> Response:
    """Find and embed the faces of a picture; hand on what is about anything else."""
    request.get_data(parse_form_data=False)  # kept, so that it can be handed on as it came
    asked = inputs.asked()
    others = _others() if asked.others else None
    if not asked.faces and others is not None:
        return Response(others.body, others.status, content_type=others.content_type)
    answer: dict[str, Any] = dict(_parsed(others)) if others is not None else {}
    data = inputs.picture()
    if services().analysis.dims != DIMS:
        raise UnsuitableModel(
            f"Immich needs a model of {DIMS} numbers; {services().analysis.model} gives "
            f"{services().analysis.dims}"
        )
    found = services().analysis.embed(data)
    answer[inputs.FACES] = _faces(found, asked.min_score)
    answer["imageHeight"], answer["imageWidth"] = found.height, found.width
    return Response(json.dumps(answer), mimetype="application/json")


def _others() -> Answer:
    body = request.get_data(parse_form_data=False)
    return services().relaying.post(UPSTREAM, "/predict", body, request.content_type or "")


def _parsed(others: Answer) -> dict[str, Any]:
    if others.status != _OK:
        raise UpstreamFailed(f"the other server answered with status {others.status}")
    return parsed_object(others.body)


def _faces(found: Embedded, min_score: float) -> list[dict[str, Any]]:
    right, bottom = found.width, found.height
    return [
        {
            "boundingBox": {
                "x1": _within(face.box.x1, right),
                "y1": _within(face.box.y1, bottom),
                "x2": _within(face.box.x2, right),
                "y2": _within(face.box.y2, bottom),
            },
            "embedding": _text(vector),
            "score": round(face.score, 4),
        }
        for face, vector in zip(found.faces, found.vectors, strict=True)
        if face.score >= min_score
    ]


def _within(value: float, most: int) -> int:
    return min(max(round(value), 0), most)


def _text(vector: Floats) -> str:
    """A vector as Immich hands it to its database: a text that holds a JSON array."""
    numbers = ",".join(np.format_float_positional(number, trim="-") for number in vector)
    return f"[{numbers}]"
