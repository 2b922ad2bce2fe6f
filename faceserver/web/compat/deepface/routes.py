"""DeepFace's calls, and two that its users ask for: a list and a deletion."""

from time import perf_counter
from typing import Any
from uuid import uuid4

from flask import Blueprint, request

from faceserver.errors import InvalidRequest, NoFace
from faceserver.services.outcomes import NewPicture
from faceserver.services.searching import Hit, ProbeResult, Searched, SearchQuery
from faceserver.types import Face, Filter, Floats
from faceserver.web.compat.deepface import metrics, shown
from faceserver.web.compat.deepface.credentials import credentials
from faceserver.web.compat.deepface.errors import MissingArgument, render
from faceserver.web.compat.deepface.inputs import ACTIONS, Arguments, arguments
from faceserver.web.compat.deepface.models import checked_model
from faceserver.web.context import backend, services
from faceserver.web.guard.auth import own_collection
from faceserver.web.guard.scopes import scope
from faceserver.web.protocol import Protocol, speaks

DEEPFACE = Protocol("deepface", render, credentials)

_FARTHEST = 4.0
_PAGE = 100

blueprint = Blueprint("deepface", __name__)
speaks(blueprint, DEEPFACE)


@blueprint.post("/represent")
@scope("read", reach="none", body="picture")
def represent() -> dict[str, Any]:
    """Embed the faces of a picture."""
    given = _checked(arguments())
    data = given.picture("img")
    found = services().analysis.embed(data)
    if not found.faces and not given.truth("enforce_detection", default=True):
        (vector,) = services().analysis.embed_whole([data])
        area = shown.whole(found.width, found.height)
        return {"results": [{**_vector(vector), "facial_area": area, "face_confidence": 0}]}
    _require_faces(found, "img")
    most = given.number("max_faces", len(found.faces))
    return {
        "results": [
            {
                **_vector(vector),
                "facial_area": shown.region(face),
                "face_confidence": shown.confidence(face),
            }
            for face, vector in list(zip(found.faces, found.vectors, strict=True))[:most]
        ]
    }


@blueprint.post("/verify")
@scope("read", reach="none", body="two pictures")
def verify() -> dict[str, Any]:
    """Compare the nearest two faces of two pictures."""
    begun = perf_counter()
    given, analysis = _checked(arguments()), services().analysis
    metric = _metric(given)
    compared = analysis.compare(given.picture("img1"), given.picture("img2"))
    nearest = compared.pairs[0]
    measure = metrics.METRICS[metric]
    curve = analysis.distances.similarity
    return {
        "verified": nearest.distance < analysis.threshold,
        "distance": round(measure(nearest.distance), 6),
        "threshold": round(measure(analysis.threshold), 6),
        "confidence": metrics.confidence(nearest.distance, analysis.threshold, curve),
        "model": analysis.model,
        "detector_backend": backend().settings.detector,
        "similarity_metric": metric,
        "facial_areas": {
            "img1": shown.region(compared.a.faces[nearest.a]),
            "img2": shown.region(compared.b.faces[nearest.b]),
        },
        "time": round(perf_counter() - begun, 2),
    }


@blueprint.post("/analyze")
@scope("read", reach="none", body="picture")
def analyze() -> dict[str, Any]:
    """Tell age and gender of the faces of a picture."""
    given, analysis = _checked(arguments()), services().analysis
    known = [name for name in ACTIONS if name in analysis.attributes]
    asked = given.actions()
    for name in asked or ():
        if name not in known:
            raise InvalidRequest(
                f"'actions': {name} is not supported; supported: {', '.join(known) or 'none'}"
            )
    data = given.picture("img")
    found = analysis.detect(data, attributes=known if asked is None else asked)
    if found.faces or given.truth("enforce_detection", default=True):
        _require_faces(found, "img")
    pairs = zip(found.faces, found.attributes, strict=True)
    return {"results": [shown.analyzed(face, told) for face, told in pairs]}


@blueprint.post("/register")
@scope("write", reach="own", body="picture")
def register() -> dict[str, Any]:
    """Store every face of a picture under a name."""
    given = _checked(arguments())
    data = given.picture("img")
    name = given.text("img_name", "") or str(uuid4())
    picture = NewPicture(name, lambda: data, external_id=name)
    return {"inserted": len(services().registering.add(own_collection(), picture).faces)}


@blueprint.post("/search")
@scope("read", reach="own", body="picture")
def search() -> dict[str, Any]:
    """Search for each face of a picture."""
    given = _checked(arguments())
    metric = _metric(given)
    method = given.text("search_method", "exact", among=("exact", "ann"))
    nearest = given.truth("similarity_search", default=False)
    query = SearchQuery(k=given.number("k", 5), threshold=_FARTHEST if nearest else None)
    found = services().searching.by_picture(own_collection(), given.picture("img"), query)
    return {"results": [_hits(probe, found, metric, method) for probe in found.probes]}


@blueprint.post("/build/index")
@scope("write", reach="own", body="small")
def build_index() -> dict[str, str]:
    """Do nothing: the index always holds every face."""
    _checked(arguments())
    return {"message": "Index built successfully"}


@blueprint.get("/list")
@scope("read", reach="own")
def listed() -> dict[str, Any]:
    """List the stored faces, a page at a time."""
    given = Arguments(request.args, request.files)
    name = given.text("img_name", "") or None
    page = services().faces.page(
        own_collection(),
        Filter(external_id=name),
        limit=min(given.number("limit", _PAGE), 1_000),
        cursor=given.text("cursor", "") or None,
    )
    return {"results": [_stored(face) for face in page.items], "next": page.cursor}


@blueprint.post("/delete")
@scope("write", reach="own", body="fields")
def delete() -> dict[str, int]:
    """Delete a face by its id, or all of a name."""
    given = arguments()
    face, name = given.text("id", ""), given.text("img_name", "")
    if not face and not name:
        raise MissingArgument("'id' or 'img_name' not found in either json or form data request")
    collection, faces = own_collection(), services().faces
    if face:
        faces.delete(collection, face.replace("-", "").lower())
        return {"deleted": 1}
    deleted, only = 0, Filter(external_id=name)
    while items := faces.page(collection, only, limit=_PAGE, cursor=None).items:
        for item in items:
            faces.delete(collection, item.id)
        deleted += len(items)
    return {"deleted": deleted}


def _checked(given: Arguments) -> Arguments:
    """Arguments that ask for nothing that is not here."""
    checked_model(given, services().analysis)
    if given.truth("anti_spoofing", default=False):
        raise InvalidRequest("'anti_spoofing': liveness detection is not supported")
    return given


def _metric(given: Arguments) -> str:
    return given.text("distance_metric", "cosine", among=tuple(metrics.METRICS))


def _require_faces(found: Any, name: str) -> None:
    if not found.faces:
        raise NoFace(
            f"Face could not be detected in {name}. Send another picture, or set "
            "enforce_detection to false."
        )


def _vector(vector: Floats) -> dict[str, Any]:
    return {"embedding": [float(number) for number in vector]}


def _hits(probe: ProbeResult, found: Searched, metric: str, method: str) -> list[dict[str, Any]]:
    return [_hit(hit, probe, found, metric) | {"search_method": method} for hit in probe.hits]


def _hit(hit: Hit, probe: ProbeResult, found: Searched, metric: str) -> dict[str, Any]:
    measure = metrics.METRICS[metric]
    threshold = services().analysis.threshold
    squared = hit.match.distance
    return {
        **_stored(hit.match.face),
        **shown.target(probe.detection),
        "model_name": found.model,
        "detector_backend": backend().settings.detector,
        "aligned": True,
        "l2_normalized": True,
        "threshold": round(measure(threshold), 6),
        "distance_metric": metric,
        "distance": round(measure(squared), 6),
        "confidence": metrics.confidence(squared, threshold, found.similarity),
    }


def _stored(face: Face) -> dict[str, Any]:
    return {"id": face.id, "img_name": face.external_id or face.source}
