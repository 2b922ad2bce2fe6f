"""Collections: create, list, describe, delete."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from faceserver.api.base import CollectionPath, Paging
from faceserver.api.gallery import Collection, Collections, DeletedCollection, NewCollection
from faceserver.web.context import services
from faceserver.web.guard.scopes import scope
from faceserver.web.v1 import shown
from faceserver.web.v1.answers import BODY, answers, reply
from faceserver.web.v1.bodies import json_body, takes
from faceserver.web.v1.cursors import page_of

blueprint = APIBlueprint(
    "v1_collections",
    __name__,
    url_prefix="/v1/collections",
    abp_security=[{"key": []}],
    abp_tags=[
        Tag(name="collections", description="Named collections, each with one embedding model.")
    ],
)


@blueprint.post(
    "",
    operation_id="create_collection",
    responses=answers(*BODY, "already_exists", "not_found", created=Collection),
    openapi_extensions=takes(blueprint, NewCollection),
)
@scope("admin", body="fields")
def create() -> Response:
    """Create a collection; its embedding model is the server's unless given."""
    new = json_body(NewCollection)
    return reply(shown.collection(services().collections.create(new.name, new.model)), 201)


@blueprint.get(
    "",
    operation_id="list_collections",
    responses=answers("invalid_cursor", ok=Collections),
)
@scope("read")
def listed(query: Paging) -> Response:
    """List the collections by name."""
    collections = services().collections
    page = page_of(collections.names(), str, limit=query.limit, cursor=query.cursor)
    items = [shown.collection(item) for item in collections.describe_some(page.items)]
    return reply(Collections(items=tuple(items), next=page.cursor))


@blueprint.get(
    "/<collection>",
    operation_id="get_collection",
    responses=answers("not_found", ok=Collection),
)
@scope("read")
def described(path: CollectionPath) -> Response:
    """Get a collection: model, counts, threshold, measured recall."""
    return reply(shown.collection(services().collections.describe(path.collection)))


@blueprint.delete(
    "/<collection>",
    operation_id="delete_collection",
    responses=answers("not_found", ok=DeletedCollection),
)
@scope("admin")
def delete(path: CollectionPath) -> Response:
    """Delete a collection permanently, leaving nothing on the disk.

    Its faces, people, pictures, jobs, webhooks and index go. `default` is emptied and stays.
    """
    return reply(shown.receipt(path.collection, services().delete_collection(path.collection)))
