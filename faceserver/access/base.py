"""What decides who may come in keeps its state behind these: in a data folder, or shared."""

from typing import Protocol

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
