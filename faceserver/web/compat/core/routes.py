"""The core service's calls: faces found, described and embedded, of pictures alone."""

from collections.abc import Mapping, Sequence
from functools import wraps
from typing import Any

from flask import Blueprint, request
from flask.blueprints import BlueprintSetupState

from faceserver import __version__
from faceserver.errors import NoFace
from faceserver.runtime import metrics
from faceserver.services.analysis import Embedded
from faceserver.web.compat.compreface import plugins, shown
from faceserver.web.compat.compreface.scale import Coefficients
from faceserver.web.compat.core import inputs
from faceserver.web.compat.core.credentials import credentials
from faceserver.web.compat.core.errors import render
from faceserver.web.context import services
from faceserver.web.guard.scopes import scope
from faceserver.web.pages.errors import is_for_a_person
from faceserver.web.protocol import Protocol, speaks

blueprint = Blueprint("core", __name__)
speaks(blueprint, Protocol("core", render, credentials, challenge=None))

_STATUS = "/status"
_STATUS_PAGE = "gallery.status"
_CALCULATOR = (plugins.CALCULATOR,)

Answer = dict[str, object]


@blueprint.get("/healthcheck")
@scope("public", reach="none")
def health() -> Answer:
    """Say that somebody is there."""
    return {"status": "OK"}


@scope("read", reach="none")
def status() -> Answer:
    """What the back end asks for at its start: versions, plugins, how distances are read."""
    analysis = services().analysis
    scale = Coefficients.of(analysis.threshold, analysis.distances.similarity)
    slugs = plugins.known(plugins.ATTRIBUTES, analysis.attributes)
    return {
        "status": "OK",
        "build_version": __version__,
        "calculator_version": _calculator(),
        "similarity_coefficients": [scale.middle, scale.steepness],
        "available_plugins": shown.versions(slugs),
    }


@blueprint.record
def _place_status(state: BlueprintSetupState) -> None:
    """Serve the status. At the root there is a page of that name, which browsers still get."""
    if state.url_prefix or _STATUS_PAGE not in state.app.view_functions:
        state.add_url_rule(_STATUS, "status", status)
        return
    page = state.app.view_functions[_STATUS_PAGE]

    @wraps(page)
    def for_whom(**variables: Any) -> Any:
        is_program = "Accept" in request.headers and not is_for_a_person()
        return status() if is_program else page(**variables)

    state.app.view_functions[_STATUS_PAGE] = for_whom


@blueprint.post("/find_faces")
@scope("read", reach="none", body="picture")
def find_faces() -> Answer:
    """Find the faces of an uploaded picture, and run plugins on them."""
    return _found(*inputs.form_picture(request))


@blueprint.post("/find_faces_base64")
@scope("read", reach="none", body="picture")
def find_faces_base64() -> Answer:
    """Find the faces of a picture in JSON, and run plugins on them."""
    return _found(*inputs.json_picture(request))


@blueprint.post("/scan_faces")
@scope("read", reach="none", body="picture")
def scan_faces() -> Answer:
    """Find and embed the faces of an uploaded picture."""
    data, given = inputs.form_picture(request)
    return {"calculator_version": _calculator(), "result": _faces(data, given, _CALCULATOR)}


def _found(data: bytes, given: Mapping[str, str]) -> Answer:
    wanted = given.get("face_plugins", "").split(",")
    slugs = plugins.known(wanted, services().analysis.attributes)
    calculator = plugins.CALCULATOR in [slug.strip() for slug in wanted]
    ran = (*slugs, *_CALCULATOR) if calculator else slugs
    return {
        "plugins_versions": shown.versions(slugs, calculator=calculator),
        "result": _faces(data, given, ran),
    }


def _faces(data: bytes, given: Mapping[str, str], ran: Sequence[str]) -> list[Answer]:
    """The faces of a picture with what the plugins say.

    Raises:
        NoFace: there is none.
        Refusal: a parameter is none.
    """
    slugs = [slug for slug in ran if slug != plugins.CALCULATOR]
    ask = {
        "attributes": [plugins.ATTRIBUTES[slug] for slug in slugs],
        "choice": inputs.choice(given),
    }
    analysis: Any = services().analysis
    look_at = analysis.embed if plugins.CALCULATOR in ran else analysis.detect
    with metrics.listening() as times:
        found = look_at(data, **ask)
    if not found.faces:
        raise NoFace("no face was found")
    inputs.check_limit(given)
    size, count = (found.width, found.height), len(found.faces)
    timed = (plugins.DETECTOR, *ran)
    answers: list[Answer] = [
        {
            "box": shown.box(face.box, face.score, size),
            "execution_time": {slug: shown.milliseconds(slug, times, count) for slug in timed},
            **plugins.fields(slugs, told),
        }
        for face, told in zip(found.faces, found.attributes, strict=True)
    ]
    if isinstance(found, Embedded):
        for answer, vector in zip(answers, found.vectors, strict=True):
            answer["embedding"] = vector.tolist()
    return answers


def _calculator() -> str:
    return plugins.version(plugins.CALCULATOR, services().analysis.model)
