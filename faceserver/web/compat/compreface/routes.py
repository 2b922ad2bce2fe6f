"""CompreFace's calls on pictures alone: recognize, detect, verify; the others stand beside them."""

from flask import request

from faceserver.errors import NoFace, SeveralFaces
from faceserver.runtime import metrics
from faceserver.services.context import Choice
from faceserver.web.compat.compreface import examples, inputs, shown, subjects, vectors
from faceserver.web.compat.compreface.base import Answer, blueprint, route
from faceserver.web.compat.compreface.scale import Coefficients
from faceserver.web.context import backend, services
from faceserver.web.guard.auth import own_collection
from faceserver.web.guard.scopes import scope

__all__ = ["blueprint", "examples", "subjects", "vectors"]


@route("POST", "/recognition/recognize")
@scope("read", reach="own", body="picture")
def recognize() -> Answer:
    """Say whom each face of a picture may show."""
    options = inputs.options(request)
    look, collection = shown.look_of(options), own_collection()
    data = inputs.picture(request).data
    with metrics.listening() as times:
        found = services().searching.by_picture(
            collection,
            data,
            vectors.query(options.predictions),
            attributes=look.attributes,
            choice=options.choice,
        )
    scale = Coefficients.of(*services().verifying.calibration(collection))
    known = [
        shown.Shown(probe.detection, probe.attributes, probe.embedding)
        for probe in found.probes
        if probe.detection is not None
    ]
    result = shown.faces(known, look, found.size, times)
    for answer, probe in zip(result, found.probes, strict=True):
        answer["subjects"] = [shown.prediction(hit, scale) for hit in probe.hits]
    return {"result": result, **look.versions()}


@route("POST", "/detection/detect")
@scope("read", reach="none", body="picture")
def detect() -> Answer:
    """Find the faces of a picture."""
    options = inputs.options(request)
    look = shown.look_of(options)
    data = inputs.picture(request).data
    analysis = services().analysis
    with metrics.listening() as times:
        found = analysis.embed(data, attributes=look.attributes, choice=options.choice)
    if not found.faces:
        raise NoFace("no face was found")
    return {"result": shown.embedded(found, look, times), **look.versions()}


@route("POST", "/verification/verify")
@scope("read", reach="none", body="two pictures")
def verify() -> Answer:
    """Compare the one face of a picture with each face of another."""
    options = inputs.options(request)
    look = shown.look_of(options)
    source, target = (inputs.picture(request, part) for part in ("source_image", "target_image"))
    sure = Choice(min_score=options.choice.min_score)
    analysis = services().analysis
    with metrics.listening() as times:
        found = analysis.compare(
            source.data,
            target.data,
            attributes=look.attributes,
            choices=(sure, options.choice),
        )
    if len(found.a.faces) > 1:
        raise SeveralFaces("the source image contains several faces")
    scale = Coefficients.of(analysis.threshold, analysis.distances.similarity)
    (source_face,) = shown.embedded(found.a, look, times)
    matches = shown.embedded(found.b, look, times)
    for pair in found.pairs:
        matches[pair.b]["similarity"] = scale.similarity(pair.distance)
    result = {"source_image_face": source_face, "face_matches": matches, **look.versions()}
    return {"result": [result]}


@route("GET", "/config")
@scope("public", reach="none")
def config() -> Answer:
    """How large pictures and requests may be, in bytes."""
    settings = backend().settings
    return {
        "clientMaxFileSize": settings.max_file_bytes,
        "clientMaxBodySize": settings.max_request_bytes,
    }
