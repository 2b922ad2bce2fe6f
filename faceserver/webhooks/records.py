"""A webhook, and what was sent to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from faceserver.services.telling import EventKind

State = Literal["waiting", "delivered", "failed"]


@dataclass(frozen=True)
class Webhook:
    """Somebody who wants to hear of events.

    Attributes:
        id: a uuid, as 32 hexadecimal digits.
        url: where events are sent to.
        events: of which kinds.
        collection: of which collection; None for all.
        created: in UTC.
    """

    id: str
    url: str
    events: tuple[EventKind, ...]
    collection: str | None
    created: datetime


@dataclass(frozen=True)
class Delivery:
    """An event on its way to a webhook, or there.

    Attributes:
        id: a uuid, as 32 hexadecimal digits; the same in each attempt.
        event: what has happened.
        state: ``waiting`` until it is delivered, or was tried often enough.
        attempts: so often it was sent.
        created: when it happened, in UTC.
        at: when it was sent last; None before.
        status: what the receiver answered then; None without an answer.
        error: why it is not delivered, in words; None where it is, or was not sent yet.
        next: when it is sent again; None where it is not.
    """

    id: str
    event: EventKind
    state: State
    attempts: int
    created: datetime
    at: datetime | None
    status: int | None
    error: str | None
    next: datetime | None


@dataclass(frozen=True)
class Due:
    """A delivery that is to be sent now: where to, with which secret, and what."""

    row: int
    id: str
    url: str
    secret: str
    body: str
    attempts: int
