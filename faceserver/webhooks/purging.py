"""A purge of what webhooks were told, while no server runs."""

from contextlib import closing
from pathlib import Path

from faceserver.layout import WEBHOOKS
from faceserver.webhooks.table import WebhookTable


def purge_webhooks(data_dir: Path, collection: str | None = None) -> None:
    """Remove what was told, or waits to be told, of a collection, and the collection's webhooks.

    Args:
        data_dir: the data folder; this process alone holds it.
        collection: which; None removes what was told of all. Webhooks of no single collection stay.

    Raises:
        StoreError: the system or SQLite refused.
    """
    if (data_dir / WEBHOOKS).is_file():
        with closing(WebhookTable(data_dir)) as table:
            table.forget(collection)
