"""Which store keeps a gallery: a data folder's own, or one that an address names."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faceserver.errors import InvalidSetting
from faceserver.models.registry import Registry
from faceserver.store.base import Gallery
from faceserver.store.options import Options
from faceserver.store.sqlite.opening import open_store

stores = Registry("store")
"""What opens a gallery, by the scheme of its address; see :func:`open_gallery`."""

gallery_ids = Registry("shared store")
"""What tells the id of the gallery at an address, for stores that several servers share."""

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):")

for _scheme in ("postgresql", "postgres"):
    stores.add(_scheme, "faceserver.store.postgres.store:open_store")
    gallery_ids.add(_scheme, "faceserver.store.postgres.schema:gallery_id")


def scheme_of(address: str) -> str:
    """What an address begins with; it may hold a password, and this part none."""
    found = _SCHEME.match(address)
    return found[1] if found else ""


def shared_id(address: str) -> Callable[[], str] | None:
    """What asks the store of an address for its gallery's id; None if the data folder keeps that.

    Servers that share a gallery share its pictures, so they name it alike.
    """
    if scheme_of(address) not in gallery_ids.names():
        return None

    def ask() -> str:
        found: str = _loaded(gallery_ids, address)(address)
        return found

    return ask


def open_gallery(
    address: str,
    folder: Path,
    *,
    model: str,
    dims: int,
    options: Options,
    connections: int,
    replica: str = "",
) -> Gallery:
    """Open the gallery that an address names, or without one that of a data folder.

    Args:
        address: whose scheme is a name in :data:`stores`, or empty.
        folder: the data folder.
        model: whose embeddings the default collection holds.
        dims: their length.
        options: how it behaves.
        connections: at most so many to the database.
        replica: address of one that may answer what only reads, or empty.

    Raises:
        InvalidSetting: what is needed for such an address is not installed; or there is a replica
            of nothing.
        UnknownName: there is no store for such an address.
        StoreError: the gallery cannot be used.
    """
    if not address and replica:
        raise InvalidSetting(
            "FACESERVER_READ_STORE needs FACESERVER_STORE, of which it is a replica"
        )
    if not address:
        return open_store(folder, model=model, dims=dims, options=options)
    opener = _loaded(stores, address)
    more = {"replica": replica} if replica else {}  # not every store can have one
    gallery: Gallery = opener(
        address, folder, model=model, dims=dims, options=options, connections=connections, **more
    )
    return gallery


def _loaded(registry: Registry, address: str) -> Any:
    try:
        return registry.load(scheme_of(address))
    except ModuleNotFoundError as error:
        raise InvalidSetting(
            f"FACESERVER_STORE needs {error.name}, which is not installed: "
            'pip install "faceserver[postgres]"'
        ) from error
