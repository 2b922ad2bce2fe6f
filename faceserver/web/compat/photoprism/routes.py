"""The one call that is about faces."""

from typing import Any

from flask import Blueprint

from faceserver import __version__
from faceserver.web.compat.photoprism import inputs
from faceserver.web.compat.photoprism.credentials import credentials
from faceserver.web.compat.photoprism.errors import render
from faceserver.web.context import services
from faceserver.web.guard.scopes import scope
from faceserver.web.protocol import Protocol, speaks

PHOTOPRISM = Protocol("photoprism", render, credentials, prefixes=("/api/v1/vision/",))

_OK = 200

blueprint = Blueprint("photoprism", __name__)
speaks(blueprint, PHOTOPRISM)


@blueprint.post("/api/v1/vision/face")
@scope("read", reach="none", body="picture")
def face() -> dict[str, Any]:
    """Embed crops of faces, each as a whole; a place that was kept has no vector."""
    asked, analysis = inputs.asked(), services().analysis
    vectors = iter(analysis.embed_whole([image for image in asked.images if image is not None]))
    embeddings = [[] if image is None else [next(vectors).tolist()] for image in asked.images]
    return {
        "id": asked.id,
        "code": _OK,
        "model": {
            "type": "face",
            "name": analysis.model,
            "version": __version__,
            "resolution": analysis.crop_size,
        },
        "result": {"embeddings": embeddings},
    }
