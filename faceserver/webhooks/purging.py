"""A purge of what webhooks were told, while no server runs."""

from contextlib import closing
from pathlib import Path

from faceserver.layout import WEBHOOKS
from faceserver.webhooks.opening import open_webhooks


def purge_webhooks(data_dir: Path, collection: str | None = None, *, address: str = "") -> None:
    """Remove what was told, or waits to be told, of a collection, and the collection's webhooks.

    Args:
        data_dir: the data folder; this process alone holds it, unless there is an address.
        collection: which; None removes what was told of all. Webhooks of no single collection stay.
        address: of the database of a shared gallery, or empty.

    Raises:
        StoreError: the system or SQLite refused.
    """
    if address or (data_dir / WEBHOOKS).is_file():
        with closing(open_webhooks(address, data_dir)) as table:
            table.forget(collection)
