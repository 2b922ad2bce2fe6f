"""DeepStack's calls about faces, its pings, and all other calls handed on."""

from contextlib import suppress
from typing import Any

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from faceserver import __version__
from faceserver.errors import NoFace, NotFound, UpstreamFailed
from faceserver.services.context import LARGEST
from faceserver.services.searching import ProbeResult, SearchQuery
from faceserver.types import Filter
from faceserver.web.compat.deepstack import answers, inputs
from faceserver.web.compat.deepstack.credentials import credentials
from faceserver.web.compat.deepstack.errors import render
from faceserver.web.compat.similarity import Scale
from faceserver.web.context import backend, services
from faceserver.web.guard.auth import own_collection
from faceserver.web.guard.scopes import scope
from faceserver.web.protocol import Protocol, speaks

DEEPSTACK = Protocol(
    "deepstack",
    render,
    credentials,
    key_in_body=True,
    key_place="api_key=KEY",
    challenge=None,
    prefixes=("/v1/vision/", "/v1/server/"),
)
UPSTREAM = "deepstack_upstream"
UNKNOWN = "unknown"

_PAGE = 1000
_NEAREST = 1e-6
"""A search asks for what is nearer than this at least, so that one for the very same face finds."""

_DECIMALS = 6

blueprint = Blueprint("deepstack", __name__)
blueprint.before_request(answers.begin)
speaks(blueprint, DEEPSTACK)


@blueprint.post("/v1/vision/face")
@blueprint.post("/v1/vision/face/")
@scope("read", reach="none", body="picture")
def detect() -> dict[str, Any]:
    """Find the faces of a picture."""
    least = inputs.min_confidence(inputs.DETECTED)
    found = services().analysis.detect(inputs.picture())
    predictions = [
        {"confidence": round(face.score, _DECIMALS), **answers.place(face.box)}
        for face in found.faces
        if face.score >= least
    ]
    return answers.done("detect", _counted(len(predictions)), predictions=predictions)


@blueprint.post("/v1/vision/face/recognize")
@scope("read", reach="own", body="picture")
def recognise() -> dict[str, Any]:
    """Say who the people in a picture are; in one without faces there is nobody."""
    collection = own_collection()
    scale = _scale(collection)
    reach = max(scale.distance(inputs.min_confidence(inputs.RECOGNISED)), _NEAREST)
    query = SearchQuery(k=1, threshold=reach, only=Filter(named=True))
    data = inputs.picture()
    try:
        found = services().searching.by_picture(collection, data, query)
    except NoFace:
        return answers.done("recognize", "No face found in image", predictions=[])
    predictions = [_recognised(probe, scale) for probe in found.probes]
    return answers.done("recognize", _counted(len(predictions)), predictions=predictions)


@blueprint.post("/v1/vision/face/register")
@scope("write", reach="own", body="pictures")
def register() -> dict[str, Any]:
    """Have the faces of pictures stand for a person, in place of those that did."""
    user = inputs.user_id()
    pictures = inputs.portraits(backend().settings)
    replaced = services().portraits.replace(own_collection(), user, pictures)
    return answers.done("register", "face updated" if replaced.was_known else "face added")


@blueprint.post("/v1/vision/face/list")
@scope("read", reach="own", body="fields")
def list_faces() -> dict[str, Any]:
    """Tell the names of all people."""
    names, cursor = list[str](), None
    while True:
        page = services().people.page(own_collection(), limit=_PAGE, cursor=cursor)
        names += [subject.name for subject in page.items]
        cursor = page.cursor
        if cursor is None:
            return answers.done("list", faces=names)


@blueprint.post("/v1/vision/face/delete")
@scope("write", reach="own", body="fields")
def delete() -> dict[str, Any]:
    """Delete a person; that there is none of that name is as good."""
    collection, people = own_collection(), services().people
    known = people.named(collection, inputs.user_id())
    if known is not None:
        with suppress(NotFound):  # somebody else was quicker
            people.delete(collection, known.id)
    return answers.done("delete")


@blueprint.post("/v1/vision/face/match")
@scope("read", reach="none", body="two pictures")
def match() -> dict[str, Any]:
    """Say how similar the largest faces of two pictures are."""
    analysis = services().analysis
    try:
        found = analysis.compare(*inputs.two_pictures(), choices=(LARGEST, LARGEST))
    except NoFace:
        return answers.failed("match", "No face found in one or both images")
    curve = analysis.distances.similarity
    scale = Scale.fitted(analysis.threshold, curve, at=inputs.RECOGNISED)
    similarity = scale.similarity(found.pairs[0].distance)
    return answers.done("match", similarity=round(similarity, _DECIMALS))


@blueprint.get("/v1/status/ping")
@blueprint.get("/v1/server/status/ping")
@scope("public")
def ping() -> dict[str, Any]:
    """Say that the server is there."""
    return answers.done("ping", version=__version__)


@blueprint.post("/v1/vision/<path:call>")
@scope("read", reach="none", body="picture")
def hand_on(call: str) -> ResponseReturnValue:
    """Have another server do what is not about faces."""
    path = inputs.plain_path(call)
    fields, files = inputs.to_hand_on()
    answer = services().relaying.post_form(UPSTREAM, f"/v1/vision/{path}", fields, files)
    if not answer.content_type.lower().startswith("application/json"):
        raise UpstreamFailed("the upstream server did not answer with JSON")
    return Response(answer.body, answer.status, mimetype="application/json")


def _scale(collection: str) -> Scale:
    """The similarities of a collection's model; its threshold lies where DeepStack's does."""
    known = services().collections.describe(collection)
    threshold = known.threshold or services().analysis.threshold
    return Scale.fitted(threshold, known.similarity, at=inputs.RECOGNISED)


def _recognised(probe: ProbeResult, scale: Scale) -> dict[str, Any]:
    place = answers.place(probe.detection.box) if probe.detection else {}
    best = probe.hits[0] if probe.hits else None
    if best is None or best.person is None:
        return {"userid": UNKNOWN, "confidence": 0, **place}
    similarity = scale.similarity(best.match.distance)
    return {"userid": best.person.name, "confidence": round(similarity, _DECIMALS), **place}


def _counted(faces: int) -> str:
    return f"Found {faces} {'face' if faces == 1 else 'faces'}"
