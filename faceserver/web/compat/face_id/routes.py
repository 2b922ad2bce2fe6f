"""Face id's two calls, and those that it lacks: list, delete, vectors instead of pictures, merge.

A person's name is the number. People with other names are not seen from here.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, request

from faceserver.errors import InvalidRequest, NoFace, NotFound
from faceserver.services.searching import Hit, ProbeResult, SearchQuery
from faceserver.types import Filter, Subject
from faceserver.web.compat.face_id import inputs
from faceserver.web.compat.face_id.credentials import credentials
from faceserver.web.compat.face_id.errors import render
from faceserver.web.context import backend, services
from faceserver.web.forms import within_limit
from faceserver.web.guard.auth import own_collection
from faceserver.web.guard.scopes import scope
from faceserver.web.protocol import Protocol, speaks

FACE_ID = Protocol(
    "face-id",
    render,
    credentials,
    challenge=None,
    prefixes=("/infer", "/generate", "/ids"),
)
EVERYWHERE = 4.1
"""Farther than any two unit vectors lie: whoever is nearest is named, however far away."""

_NUMBER = re.compile(r"-?[0-9]{1,19}")
_OK = {"Response": "OK"}
_NOTHING = {"Response": "No embedding generated"}
_PAGE = 1000
_ASKED = frozenset({"1", "true", "yes"})

blueprint = Blueprint("face_id", __name__)
speaks(blueprint, FACE_ID)


@blueprint.post("/infer")
@scope("read", reach="own", body="pictures in JSON")
def infer() -> dict[str, Any]:
    """Name whoever is nearest to each face of a picture."""
    sent = within_limit(inputs.body(inputs.Picture).image)
    limits = SearchQuery(
        k=backend().settings.max_matches,
        threshold=EVERYWHERE,
        grouped=True,
        only=Filter(named=True),
    )
    try:
        found = services().searching.by_picture(own_collection(), sent, limits)
    except NoFace:
        return _answer([])
    hits = [_nearest(probe) for probe in found.probes]
    if None in hits:  # nobody is registered: the original's lists are empty then, the boxes' too
        return _answer([])
    answer = _answer(list(zip(found.probes, filter(None, hits), strict=True)))
    if request.args.get("emb", "").lower() in _ASKED:
        answer["emb"] = services().analysis.embed(sent).vectors.tolist()
    return answer


@blueprint.post("/generate")
@scope("write", reach="own", body="pictures in JSON")
def generate() -> dict[str, str]:
    """Have the largest face of each picture stand for a person, in place of those that did."""
    sent = inputs.body(inputs.Generate)
    pictures = inputs.portraits(sent, backend().settings)
    if not pictures:
        return _NOTHING
    try:
        services().portraits.replace(own_collection(), str(sent.id), pictures)
    except NoFace:
        return _NOTHING
    return _OK


@blueprint.get("/ids")
@scope("read", reach="own")
def list_ids() -> dict[str, list[int]]:
    """Tell the numbers of all people."""
    return {"ids": [int(person.name) for person in _people()]}


@blueprint.delete("/ids")
@scope("write", reach="own")
def delete_all() -> dict[str, object]:
    """Delete all people whose names are numbers."""
    deleted = 0
    for person in list(_people()):
        deleted += _delete(person)
    return {**_OK, "deleted": deleted}


@blueprint.delete("/ids/<number>")
@scope("write", reach="own")
def delete(number: str) -> dict[str, str]:
    """Delete a person."""
    if not _delete(_person(number)):
        raise NotFound(f"there is no id {number}")
    return _OK


@blueprint.put("/ids/<number>/embeddings")
@scope("write", reach="own", body="embeddings")
def update(number: str) -> dict[str, str]:
    """Have vectors stand for a person, who is added if not there, in place of what did."""
    sent = inputs.body(inputs.Embeddings)
    services().portraits.replace_embeddings(
        own_collection(), str(_number(number)), sent.embeddings, source="face id"
    )
    return _OK


@blueprint.post("/ids/<number>/merge")
@scope("write", reach="own", body="small")
def merge(number: str) -> dict[str, str]:
    """Give all that stands for a person to another one."""
    into = inputs.body(inputs.Merge).into
    one, other = _person(number), _person(str(into))
    services().people.merge(own_collection(), one.id, into=other.id)
    return _OK


def _answer(named: list[tuple[ProbeResult, Hit]]) -> dict[str, Any]:
    ids = [int(hit.person.name) for _, hit in named if hit.person]
    distances = [hit.match.distance for _, hit in named]
    return {
        "cos_id": ids,
        "cos_conf": [1 - distance / 2 for distance in distances],
        "euc_id": ids,
        "euc_conf": [1 / (1 + math.sqrt(distance)) for distance in distances],
        "bb": [_box(probe) for probe, _ in named],
    }


def _nearest(probe: ProbeResult) -> Hit | None:
    """The nearest person whose name is a number."""
    return next((hit for hit in probe.hits if hit.person and _is_number(hit.person.name)), None)


def _box(probe: ProbeResult) -> list[int]:
    if probe.detection is None:
        return []
    box = probe.detection.box
    return [round(edge) for edge in (box.x1, box.y1, box.x2, box.y2)]


def _people() -> Iterator[Subject]:
    cursor: str | None = None
    while True:
        page = services().people.page(own_collection(), limit=_PAGE, cursor=cursor)
        yield from (person for person in page.items if _is_number(person.name))
        cursor = page.cursor
        if cursor is None:
            return


def _person(number: str) -> Subject:
    found = services().people.named(own_collection(), str(_number(number)))
    if found is None:
        raise NotFound(f"there is no id {number}")
    return found


def _delete(person: Subject) -> bool:
    """Whether somebody was deleted; another request may have been quicker."""
    try:
        services().people.delete(own_collection(), person.id)
    except NotFound:
        return False
    return True


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise InvalidRequest(f"{text!r} is not an id: an id is a whole number")
    return int(text)


def _is_number(name: str) -> bool:
    return _NUMBER.fullmatch(name) is not None and str(int(name)) == name
