"""The sessions of browsers: who has signed in with a key, and for how long.

They live in memory: a restart signs everybody out. A session holds the id of its key, not the
key; whether that is still good is asked at each request.
"""

import secrets
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from time import monotonic

MAX_SESSIONS = 10_000
"""Beyond it the oldest goes, so that somebody with a key cannot fill the memory."""

MAX_SESSIONS_OF_KEY = 200
"""Likewise for each key, so that who signs in over and over signs nobody else out."""


@dataclass(frozen=True)
class Session:
    """A browser that has signed in.

    Attributes:
        key_id: of the key that it signed in with.
        csrf_token: what its pages send along to show that they are ours.
        ends: on the clock of :func:`time.monotonic`.
    """

    key_id: str
    csrf_token: str
    ends: float


class Sessions:
    """The sessions of one server. Safe to use from several threads at once."""

    def __init__(self, seconds: float) -> None:
        """Set how long a session lasts."""
        self.seconds = seconds
        self._lock = Lock()
        # By the hash of what the browser holds: whoever reads this memory cannot use it.
        self._sessions: dict[bytes, Session] = {}

    def begin(self, key_id: str) -> tuple[str, Session]:
        """Begin a session; return what the browser is to hold, and the session."""
        secret = secrets.token_urlsafe(32)
        session = Session(key_id, secrets.token_urlsafe(32), monotonic() + self.seconds)
        with self._lock:
            self._drop_ended()
            own = [held for held, one in self._sessions.items() if one.key_id == key_id]
            if len(own) >= MAX_SESSIONS_OF_KEY:
                del self._sessions[own[0]]
            while len(self._sessions) >= MAX_SESSIONS:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[_digest(secret)] = session
        return secret, session

    def find(self, secret: str) -> Session | None:
        """The session of a browser, None if there is none or it is over."""
        with self._lock:
            session = self._sessions.get(_digest(secret))
        return session if session and session.ends > monotonic() else None

    def end(self, secret: str) -> None:
        """End a session; one that is not there is no error."""
        with self._lock:
            self._sessions.pop(_digest(secret), None)

    def _drop_ended(self) -> None:
        now = monotonic()
        self._sessions = {key: one for key, one in self._sessions.items() if one.ends > now}


def _digest(secret: str) -> bytes:
    return sha256(secret.encode(errors="surrogatepass")).digest()
