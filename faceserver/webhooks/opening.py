"""Which table holds the webhooks: a data folder's own, or one that servers share."""

from pathlib import Path

from faceserver.webhooks.table import WebhookTable

_CONNECTIONS = 3
"""To a shared database, beside those of the gallery."""


def open_webhooks(address: str, folder: Path) -> WebhookTable:
    """Open the table of webhooks.

    Args:
        address: of the database of a shared gallery, or empty.
        folder: the data folder.

    Raises:
        StoreError: it cannot be used.
    """
    if not address:
        return WebhookTable(folder)
    from faceserver.runtime.postgres import Postgres  # noqa: PLC0415 - its library may be missing
    from faceserver.webhooks.shared import SharedWebhookTable  # noqa: PLC0415 - likewise

    return SharedWebhookTable(Postgres(address, connections=_CONNECTIONS))
