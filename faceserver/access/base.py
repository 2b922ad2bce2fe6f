"""What decides who may come in keeps its state behind these: in a data folder, or shared."""

from collections.abc import Iterator
from typing import Protocol

from faceserver.access.event import Event
from faceserver.access.keys import Key, KeyKind, KeyScope
from faceserver.access.sessions import Session


class Keys(Protocol):
    """API keys. Safe to use from several threads and processes at once."""

    def create(
        self,
        name: str,
        scope: KeyScope,
        collection: str | None = None,
        *,
        kind: KeyKind = "own",
    ) -> tuple[Key, str]:
        """Make a key; see :meth:`faceserver.access.keys.KeyStore.create`."""
        ...

    def all(self) -> list[Key]:
        """All keys, the revoked ones too, in the order they were made."""
        ...

    def any(self) -> bool:
        """Whether a key was ever made; revoking the last one does not open the server again."""
        ...

    def revoke(self, name: str) -> Key:
        """Take a key back, by its name or its id; who holds it is refused from now on.

        Raises:
            NotFound: no key in use has that name or id.
        """
        ...

    def find(self, token: str) -> Key | None:
        """The key that a caller holds, None if it is none or revoked; notes that it was used."""
        ...

    def pair(self, access_id: str) -> tuple[Key, str] | None:
        """The key with an access key id and its secret, None if there is none or it is revoked.

        Who shows the id has shown nothing yet: the caller checks what was signed with the secret.
        """
        ...

    def get(self, key_id: str) -> Key | None:
        """A key by its id, None if it is revoked."""
        ...


class SessionStore(Protocol):
    """Sessions of browsers. Safe to use from several threads at once.

    Attributes:
        seconds: how long a session lasts.
    """

    seconds: float

    def begin(self, key_id: str) -> tuple[str, Session]:
        """Begin a session; return what the browser is to hold, and the session."""
        ...

    def find(self, secret: str) -> Session | None:
        """The session of a browser, None if there is none or it is over."""
        ...

    def end(self, secret: str) -> None:
        """End a session; one that is not there is no error."""
        ...


class Counts(Protocol):
    """How often something was done in windows of time."""

    def add(self, key: str, seconds: float, amount: int) -> int:
        """Count more; a window of so many seconds begins where none is open. Returns the sum."""
        ...

    def window(self, key: str) -> tuple[int, float] | None:
        """The count of the open window and in how many seconds it ends; None without one."""
        ...

    def forget(self, key: str | None) -> None:
        """Forget a key, or with None all."""
        ...


class Audit(Protocol):
    """Who did what, when, and how it ended. Safe to use from several threads at once."""

    def write(self, event: Event) -> None:
        """Write an event. If that fails the log says so, and the server goes on."""
        ...

    def refused(self, event: Event) -> None:
        """Write that somebody was refused; of many that are alike only some, and their number."""
        ...

    def lines(self, last: int | None = None) -> Iterator[str]:
        """Yield what was written, the oldest event first: each a JSON object on one line.

        Args:
            last: the latest so many; None for all that are kept.

        Raises:
            StoreError: it cannot be read.
        """
        ...

    def close(self) -> None:
        """Write what was counted and is not written yet, and let go of what is held."""
        ...
