"""The operations on webhooks; they need a key of the scope admin."""

from collections.abc import Sequence
from uuid import UUID

from faceserver.api.webhooks import (
    DeletedWebhook,
    Deliveries,
    Delivery,
    EventName,
    MadeWebhook,
    Webhook,
    Webhooks,
)
from faceserver.client.transport import Transport


class WebhookOperations(Transport):
    """Events that the server sends to other programs."""

    def create_webhook(
        self, url: str, events: Sequence[EventName], *, collection: str | None = None
    ) -> MadeWebhook:
        """Have events sent to a URL; the secret is returned once."""
        body = {"url": url, "events": list(events), "collection": collection}
        return self.call(MadeWebhook, "POST", "/webhooks", json=body)

    def list_webhooks(self, *, limit: int = 100, cursor: str | None = None) -> Webhooks:
        """List the webhooks, each with its last delivery."""
        return self.list_of(Webhooks, "/webhooks", limit, cursor)

    def get_webhook(self, webhook: UUID) -> Webhook:
        """Get a webhook, with its last delivery."""
        return self.call(Webhook, "GET", f"/webhooks/{webhook}")

    def list_deliveries(
        self, webhook: UUID, *, limit: int = 100, cursor: str | None = None
    ) -> Deliveries:
        """List what was sent to a webhook, the newest first."""
        return self.list_of(Deliveries, f"/webhooks/{webhook}/deliveries", limit, cursor)

    def ping_webhook(self, webhook: UUID) -> Delivery:
        """Send a webhook the event `ping`."""
        return self.call(Delivery, "POST", f"/webhooks/{webhook}/ping")

    def delete_webhook(self, webhook: UUID) -> DeletedWebhook:
        """Delete a webhook."""
        return self.call(DeletedWebhook, "DELETE", f"/webhooks/{webhook}")
