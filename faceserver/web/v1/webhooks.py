"""Webhooks: make, list, try, delete; what was sent to them."""

from typing import cast
from uuid import UUID

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from faceserver.api import webhooks as api
from faceserver.api.base import Paging
from faceserver.web.context import services
from faceserver.web.guard.scopes import scope
from faceserver.web.v1.answers import BODY, answers, reply
from faceserver.web.v1.bodies import json_body, takes
from faceserver.webhooks.records import Delivery, Webhook

blueprint = APIBlueprint(
    "v1_webhooks",
    __name__,
    url_prefix="/v1/webhooks",
    abp_security=[{"key": []}],
    abp_tags=[Tag(name="webhooks", description="Events sent to other programs.")],
)


@blueprint.post(
    "",
    operation_id="create_webhook",
    responses=answers(*BODY, "not_found", "store_full", created=api.MadeWebhook),
    openapi_extensions=takes(blueprint, api.NewWebhook),
)
@scope("admin", body="fields")
def create() -> Response:
    """Have events sent to a URL; the secret that signs them is only returned once."""
    new = json_body(api.NewWebhook)
    made, secret = services().webhooks.create(new.url, new.events, new.collection)
    return reply(api.MadeWebhook(webhook=_webhook(made), secret=secret), 201)


@blueprint.get(
    "", operation_id="list_webhooks", responses=answers("invalid_cursor", ok=api.Webhooks)
)
@scope("admin")
def listed(query: Paging) -> Response:
    """List the webhooks, each with its last delivery, in the order they were made."""
    page = services().webhooks.page(limit=query.limit, cursor=query.cursor)
    return reply(api.Webhooks(items=tuple(map(_webhook, page.items)), next=page.cursor))


@blueprint.get(
    "/<webhook>", operation_id="get_webhook", responses=answers("not_found", ok=api.Webhook)
)
@scope("admin")
def get(path: api.WebhookPath) -> Response:
    """Get a webhook, with its last delivery."""
    return reply(_webhook(services().webhooks.get(path.webhook.hex)))


@blueprint.get(
    "/<webhook>/deliveries",
    operation_id="list_deliveries",
    responses=answers("not_found", "invalid_cursor", ok=api.Deliveries),
)
@scope("admin")
def deliveries(path: api.WebhookPath, query: Paging) -> Response:
    """List what was sent to a webhook with the last answers, the newest first."""
    page = services().webhooks.deliveries(path.webhook.hex, limit=query.limit, cursor=query.cursor)
    return reply(api.Deliveries(items=tuple(map(_delivery, page.items)), next=page.cursor))


@blueprint.post(
    "/<webhook>/ping",
    operation_id="ping_webhook",
    responses=answers("not_found", "busy", "store_full", accepted=api.Delivery),
)
@scope("admin", body="small")
def ping(path: api.WebhookPath) -> Response:
    """Send a webhook the event `ping`, to try it."""
    return reply(_delivery(services().webhooks.ping(path.webhook.hex)), 202)


@blueprint.delete(
    "/<webhook>",
    operation_id="delete_webhook",
    responses=answers("not_found", ok=api.DeletedWebhook),
)
@scope("admin")
def delete(path: api.WebhookPath) -> Response:
    """Delete a webhook; what waits for it is not sent."""
    services().webhooks.delete(path.webhook.hex)
    return reply(api.DeletedWebhook(id=path.webhook))


def _webhook(hook: Webhook) -> api.Webhook:
    last = services().webhooks.deliveries(hook.id, limit=1).items
    return api.Webhook(
        id=UUID(hook.id),
        url=hook.url,
        events=cast("tuple[api.EventName, ...]", hook.events),
        collection=hook.collection,
        created=hook.created,
        last=_delivery(last[0]) if last else None,
    )


def _delivery(made: Delivery) -> api.Delivery:
    return api.Delivery(
        id=UUID(made.id),
        event=made.event,
        state=made.state,
        attempts=made.attempts,
        created=made.created,
        at=made.at,
        status=made.status,
        error=made.error,
        next=made.next,
    )
