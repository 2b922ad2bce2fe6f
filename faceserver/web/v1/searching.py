"""Searching a collection: by picture, by embedding, by a stored face."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from faceserver.api.base import CollectionPath, Form, Id, Tags, Text
from faceserver.api.faces import (
    REMEMBER,
    Remembering,
    SearchAnswer,
    SearchEmbedding,
    SearchFace,
    SearchFilter,
    SearchRequest,
)
from faceserver.api.filters import AttributeFilter, conditions_of
from faceserver.api.frames import MAX_FRAMES, FramesAnswer, FramesRequest
from faceserver.api.pictures import ATTRIBUTES, AttributeNames, Which
from faceserver.services.searching import Searched, SearchQuery
from faceserver.types import Filter
from faceserver.web.context import services
from faceserver.web.forms import file_bytes
from faceserver.web.guard.auth import require_scope
from faceserver.web.guard.scopes import scope
from faceserver.web.v1 import shown
from faceserver.web.v1.answers import PICTURE, answers, reply
from faceserver.web.v1.bodies import form_body, is_form, json_body, takes
from faceserver.web.v1.files import File
from faceserver.web.v1.stateless import CHOICES, picture_bytes

blueprint = APIBlueprint(
    "v1_search",
    __name__,
    url_prefix="/v1/collections/<collection>",
    abp_security=[{"key": []}],
    abp_tags=[Tag(name="search", description="1:N identification.")],
)


class _OptionsForm(AttributeFilter, Form):
    k: int = Field(default=10, ge=1, le=10_000)
    threshold: float | None = Field(default=None, gt=0, le=4)
    margin: float | None = Field(default=None, ge=0, le=4)
    grouped: bool = Field(default=False, description="Return one match per person.")
    subject: Id | None = Field(default=None, description="Only faces of this person.")
    tags: Tags = Field(default=(), description="Only faces with all of these tags.")
    external_id: Text | None = Field(default=None, description="Only faces with this external id.")
    remember: bool = Field(default=False, description=REMEMBER)


class SearchForm(_OptionsForm):
    """A picture, and how to search by its faces."""

    file: File
    faces: Which = Field(default="all", description="All faces, or only the largest.")
    attributes: AttributeNames = Field(default=(), description=ATTRIBUTES)


class FramesForm(_OptionsForm):
    """Several pictures of one person, and how to search."""

    files: Annotated[tuple[File, ...], Field(min_length=1, max_length=MAX_FRAMES)]


@blueprint.post(
    "/search",
    operation_id="search",
    responses=answers(
        *PICTURE,
        "invalid_combination",
        "not_found",
        "no_face",
        "invalid_embedding",
        "unknown_attribute",
        "conflict",
        ok=SearchAnswer,
    ),
    openapi_extensions=takes(blueprint, SearchRequest, SearchForm),
)
@scope("read", body="picture")
def search(path: CollectionPath) -> Response:
    """Identify each face in a picture, an embedding or a stored face."""
    found = _by_form(path.collection) if is_form() else _by_json(path.collection)
    return reply(shown.searched(found, path.collection))


@blueprint.post(
    "/search/frames",
    operation_id="search_frames",
    responses=answers(
        *PICTURE, "invalid_combination", "not_found", "no_face", "conflict", ok=FramesAnswer
    ),
    openapi_extensions=takes(blueprint, FramesRequest, FramesForm),
)
@scope("read", body="frames")
def search_frames(path: CollectionPath) -> Response:
    """Identify one person by several pictures or frames of a video."""
    pictures: list[Callable[[], bytes]]
    if is_form():
        form = form_body(FramesForm, lists=("tags", "where", "files"))
        pictures = [partial(bytes, data) for data in map(file_bytes, form.files)]
        query = _query(form, _filter(form))
    else:
        body = json_body(FramesRequest)
        pictures = [partial(picture_bytes, picture) for picture in body.pictures]
        query = _query(body, _filter(body.filter))
    found = services().searching.by_frames(path.collection, pictures, query)
    return reply(shown.frames(found, path.collection))


def _by_form(collection: str) -> Searched:
    form = form_body(SearchForm)
    return services().searching.by_picture(
        collection,
        file_bytes(form.file),
        _query(form, _filter(form)),
        choice=CHOICES[form.faces],
        attributes=form.attributes,
    )


def _by_json(collection: str) -> Searched:
    body = json_body(SearchRequest).root
    searching = services().searching
    query = _query(body, _filter(body.filter))
    if isinstance(body, SearchEmbedding):
        return searching.by_embedding(collection, body.embedding, query, model=body.model)
    if isinstance(body, SearchFace):
        return searching.by_face(collection, body.face.hex, query)
    return searching.by_picture(
        collection,
        picture_bytes(body),
        query,
        choice=CHOICES[body.faces],
        attributes=body.attributes,
    )


def _query(options: _OptionsForm | SearchFace | Remembering, only: Filter) -> SearchQuery:
    remember = not isinstance(options, SearchFace) and options.remember
    if remember:
        require_scope("write")
    return SearchQuery(
        k=options.k,
        threshold=options.threshold,
        margin=options.margin,
        grouped=options.grouped,
        only=only,
        remember=remember,
    )


def _filter(only: SearchFilter | _OptionsForm) -> Filter:
    return Filter(
        subject=only.subject.hex if only.subject else None,
        tags=only.tags,
        external_id=only.external_id,
        where=conditions_of(only),
    )
