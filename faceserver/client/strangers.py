"""The operations on strangers: people whom nobody has named."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from faceserver.api.stranger import Stranger
from faceserver.api.strangers import ForgottenStranger, Promoted, Strangers
from faceserver.client.transport import Transport, given, path_of


class StrangerOperations(Transport):
    """Strangers are remembered by searches with ``remember=True``."""

    def list_strangers(
        self, collection: str, *, limit: int = 100, cursor: str | None = None
    ) -> Strangers:
        """List the strangers in the order they were first seen."""
        return self.list_of(Strangers, f"{path_of(collection)}/strangers", limit, cursor)

    def get_stranger(self, collection: str, stranger: UUID) -> Stranger:
        """Get a stranger."""
        return self.call(Stranger, "GET", f"{path_of(collection)}/strangers/{stranger}")

    def promote_stranger(
        self,
        collection: str,
        stranger: UUID,
        *,
        name: str | None = None,
        subject: UUID | None = None,
        tags: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> Promoted:
        """Make a stranger a new person by name, or say which person it is."""
        body = given(name=name, subject=subject)
        body |= {"tags": list(tags), "metadata": dict(metadata or {})}
        path = f"{path_of(collection)}/strangers/{stranger}/promote"
        return self.call(Promoted, "POST", path, json=body)

    def forget_stranger(self, collection: str, stranger: UUID) -> ForgottenStranger:
        """Forget a stranger."""
        path = f"{path_of(collection)}/strangers/{stranger}"
        return self.call(ForgottenStranger, "DELETE", path)
