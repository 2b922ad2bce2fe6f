"""Webhooks, and what was sent to them."""

from typing import Annotated, Literal

from pydantic import Field

from faceserver.api.base import Answer, CollectionName, Id, PageOf, Path, Request, Time, Url

EventName = Literal["match", "stranger", "job"]
"""What can be heard of."""


class NewWebhook(Request):
    """Who wants to hear of what."""

    url: Url = Field(description="Where events are sent to, by POST.")
    events: Annotated[tuple[EventName, ...], Field(min_length=1, max_length=3)]
    collection: CollectionName | None = Field(
        default=None, description="The only collection whose events are sent; null means all."
    )


class Delivery(Answer):
    """An event that was sent, or is about to be."""

    id: Id = Field(description="The header `webhook-id`; the same in each attempt.")
    event: Literal["match", "stranger", "job", "ping"]
    state: Literal["waiting", "delivered", "failed"] = Field(
        description="`failed` when it has been sent in vain for the last time."
    )
    attempts: int
    created: Time = Field(description="When it happened.")
    at: Time | None = Field(description="When it was last sent.")
    status: int | None = Field(description="The receiver's last answer; null without one.")
    error: str | None = Field(description="Why it is not delivered; may change.")
    next: Time | None = Field(description="When it is sent again.")


class Deliveries(PageOf[Delivery]):
    """Some of what was sent to a webhook, the newest first."""


class Webhook(Answer):
    """Who hears of what, without the secret."""

    id: Id
    url: str
    events: tuple[EventName, ...]
    collection: str | None = Field(description="Null means all.")
    created: Time
    last: Delivery | None = Field(description="What was last sent, or is about to be.")


class MadeWebhook(Answer):
    """A new webhook."""

    webhook: Webhook
    secret: str = Field(description="Signs what is sent. It is only returned once.")


class Webhooks(PageOf[Webhook]):
    """Some of the webhooks, in the order they were made."""


class WebhookPath(Path):
    """A webhook by id."""

    webhook: Id


class DeletedWebhook(Answer):
    """The webhook that was deleted."""

    id: Id
