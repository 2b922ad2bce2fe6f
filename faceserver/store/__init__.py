"""Where faces are kept and found again."""

from faceserver.store.base import Collection, Store, StoreStatus
from faceserver.store.options import Options
from faceserver.store.sqlite.opening import open_store

__all__ = ["Collection", "Options", "Store", "StoreStatus", "open_store"]
