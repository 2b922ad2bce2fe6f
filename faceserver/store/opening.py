"""Which store keeps a gallery: a data folder's own, or one that an address names."""

from pathlib import Path

from faceserver.errors import InvalidSetting
from faceserver.models.registry import Registry
from faceserver.store.base import Gallery
from faceserver.store.options import Options
from faceserver.store.sqlite.store import open_store

shared_stores = Registry("store")
"""By the scheme of their addresses."""

shared_stores.add("postgresql", "faceserver.store.postgres.store:open_store")
shared_stores.add("postgres", "faceserver.store.postgres.store:open_store")


def open_gallery(
    address: str,
    folder: Path,
    *,
    model: str,
    dims: int,
    options: Options,
    connections: int,
) -> Gallery:
    """Open the gallery that an address names, or without one that of a data folder.

    Args:
        address: of a database, or empty.
        folder: the data folder.
        model: whose embeddings the default collection holds.
        dims: their length.
        options: how it behaves.
        connections: at most so many to the database.

    Raises:
        InvalidSetting: what is needed for such an address is not installed.
        UnknownName: there is no store for such an address.
        StoreError: the gallery cannot be used.
    """
    if not address:
        return open_store(folder, model=model, dims=dims, options=options)
    try:
        opener = shared_stores.load(address.partition("://")[0])
    except ModuleNotFoundError as error:
        raise InvalidSetting(
            f"FACESERVER_STORE needs {error.name}, which is not installed: "
            'pip install "faceserver[postgres]"'
        ) from error
    gallery: Gallery = opener(
        address, folder, model=model, dims=dims, options=options, connections=connections
    )
    return gallery
