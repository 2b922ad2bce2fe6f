"""Names for things that load on first use: engines, detectors, embedders, stores."""

from importlib import import_module
from typing import Any

from faceserver.errors import UnknownName


class Registry:
    """Maps a name to a dotted path, and imports it only when it is asked for."""

    def __init__(self, kind: str) -> None:
        """Start empty; ``kind`` is what error messages call an entry."""
        self._kind = kind
        self._targets: dict[str, str] = {}

    def add(self, name: str, target: str) -> None:
        """Register ``target`` ("package.module:attribute") under ``name``.

        Raises:
            ValueError: the name is taken.
        """
        if name in self._targets:
            raise ValueError(f"{self._kind} {name!r} is already registered")
        self._targets[name] = target

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._targets)

    def load(self, name: str) -> Any:
        """Import and return what stands under ``name``.

        Raises:
            UnknownName: nothing does; the message lists what there is.
        """
        if name not in self._targets:
            known = ", ".join(self.names())
            raise UnknownName(f"there is no {self._kind} {name!r}; there are: {known}")
        module, _, attribute = self._targets[name].partition(":")
        return getattr(import_module(module), attribute)
