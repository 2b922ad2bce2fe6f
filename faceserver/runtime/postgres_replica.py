"""A database with a replica that may answer what only reads, as long as it has followed far enough.

Far enough is: everything that was committed here, by this process. What other processes have
committed since may be missing. Whatever goes wrong at the replica, the primary answers instead.
"""

import logging
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import TypeVar

from faceserver.errors import FaceServerError, StoreMismatch, StoreUnavailable
from faceserver.runtime.postgres import Postgres, Transaction
from faceserver.runtime.postgres_transaction import Behind

_log = logging.getLogger(__name__)

Result = TypeVar("Result")

_PATIENCE = 0.5
"""So many seconds a question waits for a connection to the replica: the primary is there, too."""

_REST = 5.0
"""So many seconds nobody asks a replica that did not answer."""

_IDENTITY = "SELECT system_identifier, current_database() FROM pg_control_system()"
"""What a primary and its replicas have in common, and no other database has."""

_POSITION = "SELECT pg_current_wal_insert_lsn()::text"

_FOLLOWS = """
    SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                ELSE pg_current_wal_insert_lsn() END >= %s::pg_lsn
"""


class Replicated(Postgres):
    """A primary with a replica beside it. Safe to call from several threads at once."""

    def __init__(self, url: str, replica: str, *, connections: int) -> None:
        """Make the connections.

        Args:
            url: of the primary.
            replica: address of the replica, or of several of which libpq picks one.
            connections: at most so many, to each.

        Raises:
            InvalidSetting: one is no such address.
            StoreUnavailable: there is no connection to the primary to be had.
            StoreMismatch: the replica is one of another database.
        """
        super().__init__(url, connections=connections)
        self._replica = Postgres(
            replica, connections=connections, wait=False, patience=_PATIENCE, is_replica=True
        )
        self._lock = Lock()
        self._has_written = True  # what was there before is seen, too
        self._position = ""
        self._rests_until = 0.0
        try:
            self._check_identity()
        except FaceServerError:
            self.close()
            raise

    def write(self, work: Callable[[Transaction], Result]) -> Result:
        """See :meth:`Postgres.write`. What is read afterwards is not older."""
        try:
            return super().write(work)
        finally:  # where the connection broke, it may have been kept all the same
            self._has_written = True

    def read_near(self, work: Callable[[Transaction], Result]) -> Result:
        """Like :meth:`read`, perhaps at the replica."""
        if monotonic() >= self._rests_until:
            try:
                return self._replica.read(work, first=self._check_follows)
            except StoreUnavailable as error:
                self._rests_until = monotonic() + _REST
                _log.warning("the replica is not asked for a while: %s", error)
            except FaceServerError as error:
                # It may be what the primary says as well, or come of being behind.
                _log.debug("the primary is asked instead of the replica: %s", error)
        return self.read(work)

    def close(self) -> None:
        """Let go of the connections; closing twice does nothing."""
        super().close()
        self._replica.close()

    def _check_follows(self, ask: Transaction) -> None:
        ((follows,),) = ask.read(_FOLLOWS, self._needed())
        if not follows:
            raise Behind("it has not followed so far")

    def _needed(self) -> str:
        """How far the replica must have followed."""
        with self._lock:
            if self._has_written:
                self._has_written = False  # before the question: it is set after a commit
                try:
                    self._position = self.read(lambda ask: ask.read(_POSITION))[0][0]
                except FaceServerError:
                    self._has_written = True
                    raise
            return self._position

    def _check_identity(self) -> None:
        try:
            theirs = self._replica.read(lambda ask: ask.read(_IDENTITY))
        except StoreUnavailable as error:
            _log.warning("the replica cannot be reached yet: %s", error)
            return
        if theirs != self.read(lambda ask: ask.read(_IDENTITY)):
            raise StoreMismatch(
                "FACESERVER_READ_STORE is no replica of the database in FACESERVER_STORE"
            )
