"""Facebox's calls."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from flask import Blueprint, Response, request

from faceserver import __version__
from faceserver.errors import InvalidEmbedding, NoFace
from faceserver.services.searching import ProbeResult, SearchQuery
from faceserver.services.taught import Example
from faceserver.types import Filter
from faceserver.web.compat.facebox import answers, faceprints, inputs, state
from faceserver.web.compat.facebox.credentials import credentials
from faceserver.web.compat.facebox.errors import render
from faceserver.web.compat.similarity import Scale
from faceserver.web.context import backend, services
from faceserver.web.guard.auth import own_collection
from faceserver.web.guard.scopes import scope
from faceserver.web.protocol import Protocol, speaks

FACEBOX = Protocol(
    "facebox",
    render,
    credentials,
    key_place="Authorization: Basic USER:KEY",
    challenge='Basic realm="facebox"',
    prefixes=("/facebox/", "/healthz", "/readyz"),
)
THRESHOLD_AT = 0.5
"""The confidence of a face that is only just somebody's."""

_EVERYWHERE = 4.1
_SIMILAR = 5
_DONE = {"success": True}
_NAMED = Filter(named=True)

blueprint = Blueprint("facebox", __name__)
blueprint.before_request(inputs.allow_large_texts)
speaks(blueprint, FACEBOX)


@blueprint.get("/healthz")
@scope("read", reach="none")
def health() -> dict[str, Any]:
    """Say that all is well; 401 on a wrong password, which clients look for here."""
    return {
        "success": True,
        "hostname": "faceserver",
        "metadata": {"boxname": "facebox", "build": __version__},
        "errors": [],
    }


@blueprint.get("/readyz")
@scope("public")
def ready() -> dict[str, bool]:
    """Say that the server is there."""
    return _DONE


@blueprint.get("/info")
@scope("public")
def info() -> dict[str, Any]:
    """Say what is there; clients wait for its status."""
    return {
        "success": True,
        "name": "facebox",
        "version": 1,
        "build": __version__,
        "status": "ready",
    }


@blueprint.post("/facebox/check")
@scope("read", reach="own", body="picture")
def check() -> dict[str, Any]:
    """Say who the people in a picture are."""
    told = inputs.fields()
    data = inputs.picture(told)
    probes = _probes(data, SearchQuery(k=1, only=_NAMED))
    scale = _scale()
    faces = [{**_place(probe), **answers.verdict(probe.hits, scale)} for probe in probes]
    if inputs.wants_faceprints(told) and faces:
        analysis = services().analysis
        for face, vector in zip(faces, analysis.embed(data).vectors, strict=True):
            face["faceprint"] = faceprints.encoded(analysis.model, vector)
    return {"success": True, "facesCount": len(faces), "faces": faces}


@blueprint.post("/facebox/teach")
@scope("write", reach="own", body="picture")
def teach() -> dict[str, Any]:
    """Have a picture with one face, or a faceprint, show a person."""
    told = inputs.fields()
    print_ = inputs.faceprint(told)
    if print_ is None:
        services().taught.teach(own_collection(), inputs.lesson(told))
        return _DONE
    example = Example(inputs.example(told), inputs.text(told, "name"), print_.vector)
    services().taught.teach_embedding(own_collection(), example, model=print_.model)
    return _DONE


@blueprint.delete("/facebox/teach/<path:example>")
@scope("write", reach="own")
def forget(example: str) -> dict[str, Any]:
    """Delete all that was taught with an id."""
    services().taught.forget(own_collection(), example)
    return _DONE


@blueprint.patch("/facebox/teach/<path:example>")
@scope("write", reach="own", body="fields")
def rename(example: str) -> dict[str, Any]:
    """Say anew whom all shows that was taught with an id."""
    name = inputs.text(inputs.fields(), "name")
    services().taught.rename(own_collection(), example, name)
    return _DONE


@blueprint.post("/facebox/rename")
@scope("write", reach="own", body="fields")
def rename_all() -> dict[str, Any]:
    """Give a person another name."""
    told = inputs.fields()
    names = inputs.text(told, "from"), inputs.text(told, "to")
    services().taught.rename_all(own_collection(), *names)
    return _DONE


@blueprint.get("/facebox/similar")
@scope("read", reach="own")
def similar_to_taught() -> dict[str, Any]:
    """Find faces similar to one that was taught."""
    told = {**request.args}
    query = _similar(inputs.limit(told, _SIMILAR))
    vector = services().taught.embedding(own_collection(), inputs.text(told, "id"))
    model = services().collections.describe(own_collection()).status.model
    return _similar_answer(_by_vector(vector.tolist(), model, query))


@blueprint.post("/facebox/similar")
@scope("read", reach="own", body="picture")
def similar() -> dict[str, Any]:
    """Find faces similar to the largest one of a picture, or to a faceprint."""
    told = inputs.fields()
    query = _similar(inputs.limit(told, _SIMILAR))
    print_ = inputs.faceprint(told)
    if print_ is not None:
        return _similar_answer(_by_vector(print_.vector.tolist(), print_.model, query))
    probes = _probes(inputs.picture(told), query)
    if not probes:
        raise NoFace("no faces found in the image")
    return _similar_answer(probes[0])


@blueprint.post("/facebox/similars")
@scope("read", reach="own", body="picture")
def similars() -> dict[str, Any]:
    """Find faces similar to each one of a picture."""
    told = inputs.fields()
    query = _similar(inputs.limit(told, _SIMILAR))
    probes = _probes(inputs.picture(told), query)
    scale = _scale()
    faces = [
        {**_place(probe), "similar_faces": [answers.similar(hit, scale) for hit in probe.hits]}
        for probe in probes
    ]
    return {"success": True, "facesCount": len(faces), "faces": faces}


@blueprint.post("/facebox/faceprint/check")
@scope("read", reach="own", body="embeddings")
def check_faceprints() -> dict[str, Any]:
    """Say whom faceprints stand for."""
    query, scale = SearchQuery(k=1, only=_NAMED), _scale()
    found = [
        answers.verdict(_by_vector(each.vector.tolist(), each.model, query).hits, scale)
        for each in inputs.all_faceprints(inputs.fields())
    ]
    return {"success": True, "faceprintsCount": len(found), "faceprints": found}


@blueprint.post("/facebox/faceprint/compare")
@scope("read", reach="own", body="embeddings")
def compare_faceprints() -> dict[str, Any]:
    """Say how similar faceprints are to one."""
    told, scale = inputs.fields(), _scale()
    target = faceprints.decoded(told.get("target"))
    found = inputs.all_faceprints(told)
    kinds = {(each.model, len(each.vector)) for each in (target, *found)}
    if len(kinds) > 1:
        raise InvalidEmbedding("the faceprints are of several models")
    distances = [float(np.square(each.vector - target.vector).sum()) for each in found]
    return {"success": True, "confidences": [scale.similarity(each) for each in distances]}


@blueprint.get("/facebox/state")
@scope("admin", reach="own")
def save() -> Response:
    """Send a backup of all that was taught."""
    collection = own_collection()
    model = services().collections.describe(collection).status.model
    lines = state.lines(services().taught.examples(collection), model)
    response = Response(lines, mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = 'attachment; filename="state.facebox"'
    return response


@blueprint.post("/facebox/state")
@scope("admin", reach="own", body="pictures")
def restore() -> dict[str, Any]:
    """Replace all that was taught by a backup."""
    examples, model = state.parsed(inputs.state_file(inputs.fields(), backend().settings))
    services().taught.restore(own_collection(), examples, model=model)
    return _DONE


def _probes(data: bytes, query: SearchQuery) -> Sequence[ProbeResult]:
    """Each face of a picture, largest first, and who is near it."""
    try:
        return services().searching.by_picture(own_collection(), data, query).probes
    except NoFace:
        return ()


def _by_vector(vector: list[float], model: str, query: SearchQuery) -> ProbeResult:
    found = services().searching.by_embedding(own_collection(), vector, query, model=model)
    return found.probes[0]


def _similar(limit: int) -> SearchQuery:
    return SearchQuery(k=limit, threshold=_EVERYWHERE, only=_NAMED)


def _similar_answer(probe: ProbeResult) -> dict[str, Any]:
    scale = _scale()
    found = [answers.similar(hit, scale) for hit in probe.hits]
    return {"success": True, "similarCount": len(found), "similar": found}


def _place(probe: ProbeResult) -> dict[str, Any]:
    return {"rect": answers.rect(probe.detection.box)} if probe.detection else {}


def _scale() -> Scale:
    """The similarities of the collection's model."""
    known = services().collections.describe(own_collection())
    threshold = known.threshold or services().analysis.threshold
    return Scale.fitted(threshold, known.similarity, at=THRESHOLD_AT)
