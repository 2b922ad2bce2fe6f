"""People: create, list, get, change, delete, merge, undo."""

from dataclasses import replace

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from faceserver.api.base import CollectionPath, Paging
from faceserver.api.gallery import (
    DeletedSubject,
    Merge,
    MergePath,
    MergeRequest,
    Merges,
    NewSubject,
    Subject,
    SubjectChange,
    SubjectPath,
    SubjectQuery,
    Subjects,
)
from faceserver.services.people import Wanted
from faceserver.types import Merge as StoredMerge
from faceserver.web.context import services
from faceserver.web.guard.scopes import scope
from faceserver.web.v1 import shown
from faceserver.web.v1.answers import BODY, answers, reply
from faceserver.web.v1.bodies import json_body, takes
from faceserver.web.v1.cursors import page_of

blueprint = APIBlueprint(
    "v1_subjects",
    __name__,
    url_prefix="/v1/collections/<collection>",
    abp_security=[{"key": []}],
    abp_tags=[Tag(name="subjects", description="The people of a collection.")],
)


@blueprint.post(
    "/subjects",
    operation_id="create_subject",
    responses=answers(*BODY, "not_found", "already_exists", "conflict", created=Subject),
    openapi_extensions=takes(blueprint, NewSubject),
)
@scope("write", body="fields")
def create(path: CollectionPath) -> Response:
    """Add a person."""
    new = json_body(NewSubject)
    held = services().people.add(path.collection, new.name, tags=new.tags, metadata=new.metadata)
    return reply(shown.subject(held), 201)


@blueprint.get(
    "/subjects",
    operation_id="list_subjects",
    responses=answers("not_found", "invalid_cursor", ok=Subjects),
)
@scope("read")
def listed(path: CollectionPath, query: SubjectQuery) -> Response:
    """List people."""
    people = services().people
    if query.name is not None:
        found = people.named(path.collection, query.name)
        items = (shown.subject(found),) if found else ()
        hidden = sum(item.hidden for item in items)
        return reply(Subjects(items=items, next=None, total=len(items), hidden=hidden))
    only = Wanted(query.tag, query.called or "", None if query.hidden else False)
    if query.alike is not None:
        page = people.alike(path.collection, query.alike.hex, only, limit=query.limit)
    else:
        page = people.page(
            path.collection, only, limit=query.limit, cursor=query.cursor, order=query.sort
        )
    is_first = query.cursor is None
    concealed = replace(only, hidden=True)
    return reply(
        Subjects(
            items=tuple(shown.subject(item) for item in page.items),
            next=page.cursor,
            total=people.count(path.collection, only) if is_first else None,
            hidden=people.count(path.collection, concealed) if is_first else None,
        )
    )


@blueprint.get(
    "/subjects/<subject>",
    operation_id="get_subject",
    responses=answers("not_found", ok=Subject),
)
@scope("read")
def get(path: SubjectPath) -> Response:
    """Get a person."""
    return reply(shown.subject(services().people.get(path.collection, path.subject.hex)))


@blueprint.patch(
    "/subjects/<subject>",
    operation_id="change_subject",
    responses=answers(*BODY, "not_found", "already_exists", "conflict", ok=Subject),
    openapi_extensions=takes(blueprint, SubjectChange),
)
@scope("write", body="fields")
def change(path: SubjectPath) -> Response:
    """Change a person's name, tags, metadata, cover or visibility.

    Omitted fields stay unchanged.
    """
    new = json_body(SubjectChange)
    cover = (new.cover.hex if new.cover else "") if "cover" in new.model_fields_set else None
    held = services().people.change(
        path.collection,
        path.subject.hex,
        name=new.name,
        tags=new.tags,
        metadata=new.metadata,
        hidden=new.hidden,
        cover=cover,
    )
    return reply(shown.subject(held))


@blueprint.delete(
    "/subjects/<subject>",
    operation_id="delete_subject",
    responses=answers("not_found", "conflict", ok=DeletedSubject),
)
@scope("write")
def delete(path: SubjectPath) -> Response:
    """Delete a person with all faces."""
    faces = services().people.delete(path.collection, path.subject.hex)
    return reply(DeletedSubject(id=path.subject, faces=faces))


@blueprint.post(
    "/subjects/<subject>/merge",
    operation_id="merge_subject",
    responses=answers(*BODY, "not_found", "conflict", created=Merge),
    openapi_extensions=takes(blueprint, MergeRequest),
)
@scope("write", body="fields")
def merge(path: SubjectPath) -> Response:
    """Merge a person into another one; can be undone for seven days."""
    into = json_body(MergeRequest).into.hex
    made = services().people.merge(path.collection, path.subject.hex, into=into)
    return reply(shown.merge(made), 201)


@blueprint.get(
    "/merges",
    operation_id="list_merges",
    responses=answers("not_found", "invalid_cursor", ok=Merges),
)
@scope("read")
def merges(path: CollectionPath, query: Paging) -> Response:
    """List the merges that can be undone, in the order they were made."""
    made = services().people.merges(path.collection)
    page = page_of(made, _made, limit=query.limit, cursor=query.cursor)
    items = tuple(shown.merge(item) for item in page.items)
    return reply(Merges(items=items, next=page.cursor))


@blueprint.post(
    "/merges/<merge>/undo",
    operation_id="undo_merge",
    responses=answers("not_found", "cannot_undo", "conflict", ok=Subject),
)
@scope("write", body="small")
def undo(path: MergePath) -> Response:
    """Undo a merge: restores the person, with all faces not moved since."""
    return reply(shown.subject(services().people.undo(path.collection, path.merge.hex)))


def _made(merge: StoredMerge) -> str:
    """Sorts merges by time."""
    return f"{merge.at.isoformat(timespec='microseconds')} {merge.id}"
