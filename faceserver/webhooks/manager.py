"""Where webhooks are made, listed and deleted, and where events are handed in."""

import json
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from faceserver.errors import Busy, Conflict, NotFound, StoreError
from faceserver.services.telling import Event, EventKind
from faceserver.store.base import Page, Store
from faceserver.store.codec import time_text
from faceserver.webhooks.records import Delivery, Webhook
from faceserver.webhooks.sender import Post, Sender
from faceserver.webhooks.signing import new_secret
from faceserver.webhooks.table import WebhookTable

_log = logging.getLogger(__name__)


class Webhooks:
    """The webhooks of a gallery. Safe to call from several threads at once."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        post: Post,
        *,
        open_table: Callable[[Path], WebhookTable] = WebhookTable,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Open the webhooks; :meth:`start` begins to send.

        Args:
            folder: the data folder.
            store: knows the collections.
            post: sends a body.
            open_table: opens the table of webhooks.
            now: the time, in UTC.

        Raises:
            StoreError: the table cannot be used.
        """
        self._store = store
        self._now = now
        self._table = open_table(folder)
        self._hooks = self._table.all()  # every search asks for them
        self.sender = Sender(self._table, post, now=now)

    def start(self) -> None:
        """Begin to send; what an earlier process has left comes first."""
        self.sender.start()

    def stop(self) -> None:
        """Begin to send nothing more; does not wait."""
        self.sender.stop()

    def close(self) -> None:
        """Stop, and wait for what is under way; the rest is sent by the next process."""
        self.sender.close()
        self._table.close()

    def create(
        self, url: str, events: Sequence[EventKind], collection: str | None
    ) -> tuple[Webhook, str]:
        """Make a webhook; return it and its secret, which is told once.

        Raises:
            NotFound: there is no such collection.
            StoreFull: no space left on the device.
        """
        if collection is not None:
            self._store.collection(collection)
        kinds = tuple(dict.fromkeys(events))
        hook, secret = Webhook(uuid4().hex, url, kinds, collection, self._now()), new_secret()
        self._table.insert(hook, secret)
        self._hooks = self._table.all()
        return hook, secret

    def get(self, hook_id: str) -> Webhook:
        """One webhook.

        Raises:
            NotFound: there is none of that id.
        """
        return self._table.get(hook_id)

    def page(self, *, limit: int, cursor: str | None) -> Page[Webhook]:
        """Some of the webhooks, in the order they were made.

        Raises:
            InvalidCursor: the cursor is none.
        """
        return self._table.page(limit=limit, cursor=cursor)

    def deliveries(self, hook_id: str, *, limit: int, cursor: str | None = None) -> Page[Delivery]:
        """Some of what was sent to a webhook, the newest first.

        Raises:
            NotFound: there is no such webhook.
            InvalidCursor: the cursor is none.
        """
        return self._table.deliveries(hook_id, limit=limit, cursor=cursor)

    def delete(self, hook_id: str) -> None:
        """Delete a webhook, and what waits for it.

        Raises:
            NotFound: there is none of that id.
        """
        self._table.delete(hook_id)
        self._hooks = self._table.all()

    def ping(self, hook_id: str) -> Delivery:
        """Send a webhook an event that tells nothing, to try it.

        Raises:
            NotFound: there is none of that id.
            Busy: too many events wait for it.
        """
        made = self._queue(hook_id, Event("ping", "", {}))
        if made is None:
            raise Busy("too many events wait for this webhook")
        return made

    def tell(self, event: Event) -> None:
        """Send an event to all that want to hear of it; what goes wrong is logged."""
        try:
            hooks = self._table.all() if self._table.is_shared else self._hooks
        except StoreError as error:
            _log.warning("webhooks do not hear of an event: %s", error)
            return
        for hook in hooks:
            if event.kind in hook.events and hook.collection in (None, event.collection):
                self._tell(hook, event)

    def forget(self, collection: str) -> None:
        """Delete the webhooks of a collection, and all that waits to be told of it.

        Raises:
            StoreError: the file cannot be used.
        """
        self._table.forget(collection)
        self._hooks = self._table.all()

    def _tell(self, hook: Webhook, event: Event) -> None:
        try:
            if self._queue(hook.id, event) is None:
                _log.warning("too many events wait for the webhook %s", hook.id)
        except (NotFound, Conflict):  # it, or the collection, has just been deleted
            pass
        except StoreError as error:
            _log.warning("the webhook %s does not hear of an event: %s", hook.id, error)

    def _queue(self, hook_id: str, event: Event) -> Delivery | None:
        now = self._now()
        body = json.dumps(
            {
                "type": event.kind,
                "timestamp": time_text(now),
                "collection": event.collection or None,
                "data": dict(event.data),
            },
            ensure_ascii=False,
        )
        made = self._table.queue(
            hook_id, event.kind, event.collection, body, now, lifetime=event.lifetime
        )
        self.sender.wake()
        return made
