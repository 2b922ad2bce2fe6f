"""Where faces are kept and found again."""

from faceserver.store.base import Store, StoreStatus
from faceserver.store.durable import open_store

__all__ = ["Store", "StoreStatus", "open_store"]
