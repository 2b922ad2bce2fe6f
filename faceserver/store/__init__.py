"""Where faces are kept and found again."""

from faceserver.store.base import Collection, Store, StoreStatus
from faceserver.store.durable import open_store
from faceserver.store.options import Options

__all__ = ["Collection", "Options", "Store", "StoreStatus", "open_store"]
