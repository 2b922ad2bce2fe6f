"""CompreFace's calls on embeddings, which its clients have from the plugin ``calculator``."""

from collections.abc import Iterable, Sequence

from flask import request

from faceserver.services.searching import SearchQuery
from faceserver.types import Filter
from faceserver.web.compat.compreface import bodies, inputs
from faceserver.web.compat.compreface.base import Answer, route
from faceserver.web.compat.compreface.scale import Coefficients
from faceserver.web.compat.compreface.shown import prediction
from faceserver.web.context import services
from faceserver.web.guard.auth import own_collection
from faceserver.web.guard.scopes import scope

_ANYWHERE = 5.0
"""Beyond every distance: predictions are told however far away they are."""


@route("POST", "/recognition/embeddings/recognize")
@scope("read", reach="own", body="embeddings")
def recognize() -> Answer:
    """Say whom each embedding may show."""
    options, collection = inputs.options(request), own_collection()
    given = bodies.embeddings(bodies.json_object(request), "embeddings")
    found = services().searching.by_vectors(collection, given, query(options.predictions))
    scale = Coefficients.of(*services().verifying.calibration(collection))
    result = [
        {
            "embedding": embedding,
            "similarities": [prediction(hit, scale) for hit in probe.hits],
        }
        for embedding, probe in zip(given, found.probes, strict=True)
    ]
    return {"result": result}


@route("POST", "/recognition/embeddings/faces/<image_id>/verify")
@scope("read", reach="own", body="embeddings")
def verify_with_example(image_id: str) -> Answer:
    """Compare embeddings with an example."""
    face_id, collection = bodies.image_id(image_id), own_collection()
    given = bodies.embeddings(bodies.json_object(request), "embeddings")
    distances = services().verifying.vectors(collection, face_id, given)
    return {"result": _ranked(given, distances, collection)}


@route("POST", "/verification/embeddings/verify")
@scope("read", reach="own", body="embeddings")
def verify() -> Answer:
    """Compare embeddings with another one."""
    body, collection = bodies.json_object(request), own_collection()
    source, targets = bodies.embedding(body, "source"), bodies.embeddings(body, "targets")
    distances = services().verifying.vectors_alone(source, targets, like=collection)
    return {"result": _ranked(targets, distances, collection)}


def query(predictions: int) -> SearchQuery:
    """So many of the nearest examples, however far away they are."""
    return SearchQuery(k=predictions, threshold=_ANYWHERE, only=Filter(named=True))


def _ranked(
    given: Sequence[Sequence[float]], distances: Iterable[float], collection: str
) -> list[Answer]:
    """Embeddings with their similarities, the most similar first."""
    scale = Coefficients.of(*services().verifying.calibration(collection))
    rows = sorted(zip(distances, given, strict=True), key=lambda row: row[0])
    return [
        {"embedding": embedding, "similarity": scale.similarity(distance)}
        for distance, embedding in rows
    ]
