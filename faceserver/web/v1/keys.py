"""API keys: make, list, revoke."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from faceserver.access.keys import Key as StoredKey
from faceserver.api.base import Paging
from faceserver.api.keys import Key, KeyPath, Keys, MadeKey, NewKey
from faceserver.web.guard.auth import caller, gate
from faceserver.web.guard.scopes import scope
from faceserver.web.v1.answers import BODY, answers, reply
from faceserver.web.v1.bodies import json_body, takes
from faceserver.web.v1.cursors import page_of

blueprint = APIBlueprint(
    "v1_keys",
    __name__,
    url_prefix="/v1/keys",
    abp_security=[{"key": []}],
    abp_tags=[Tag(name="keys", description="API keys.")],
)


@blueprint.post(
    "",
    operation_id="create_key",
    responses=answers(*BODY, "already_exists", "store_full", created=MadeKey),
    openapi_extensions=takes(blueprint, NewKey),
)
@scope("admin", body="fields")
def create() -> Response:
    """Create a key; it is only returned once.

    The first key closes a server that was open: from then on each request needs one.
    """
    new = json_body(NewKey)
    key, token = gate().keys.create(new.name, new.scope, new.collection)
    return reply(MadeKey(key=_shown(key), token=token), 201)


@blueprint.get("", operation_id="list_keys", responses=answers("invalid_cursor", ok=Keys))
@scope("admin")
def listed(query: Paging) -> Response:
    """List all keys, including revoked ones, in order of creation."""
    page = page_of(gate().keys.all(), _made, limit=query.limit, cursor=query.cursor)
    return reply(Keys(items=tuple(_shown(key) for key in page.items), next=page.cursor))


@blueprint.delete("/<key>", operation_id="revoke_key", responses=answers("not_found", ok=Key))
@scope("admin")
def revoke(path: KeyPath) -> Response:
    """Revoke a key, effective from the next request."""
    return reply(_shown(gate().keys.revoke(path.key)))


def _shown(key: StoredKey) -> Key:
    return Key(
        id=key.id,
        name=key.name,
        scope=key.scope,
        collection=key.collection,
        created=key.created,
        last_used=key.last_used,
        revoked=key.revoked,
        own=key.id == caller().key_id,
    )


def _made(key: StoredKey) -> str:
    """Sorts keys by time."""
    return f"{key.created.isoformat(timespec='microseconds')} {key.id}"
