"""Hears at once that another server has done something in a shared database.

What it was is asked of the tables. Nothing is heard while the connection is broken, so whoever
listens asks them now and then all the same.
"""

import logging
from collections.abc import Callable
from threading import Event, Thread

import psycopg

from faceserver.runtime.postgres_transaction import one_line

_log = logging.getLogger(__name__)

_CHANNEL = "faceserver"
"""What the triggers of the schema notify, with the name of a table."""

_AGAIN_SECONDS = 2.0
_LOOK_UP_SECONDS = 0.25
"""So often the thread looks whether it is to end."""


class Listener:
    """A thread with a connection of its own."""

    def __init__(self, url: str, table: str, wake: Callable[[], None]) -> None:
        """Begin to listen.

        Args:
            url: of the database.
            table: whose rows are of interest.
            wake: called when there may be something new.
        """
        self._url = url
        self._table = table
        self._wake = wake
        self._closing = Event()
        self._thread = Thread(target=self._run, name=f"hears of {table}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; closing twice does nothing."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True) as connection:
                    connection.execute(f"LISTEN {_CHANNEL}".encode())
                    self._wake()  # for what happened before
                    while not self._closing.is_set():
                        self._hear(connection)
            except psycopg.Error as error:
                _log.debug("nothing is heard of %s: %s", self._table, one_line(error))
                self._closing.wait(_AGAIN_SECONDS)

    def _hear(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        for heard in connection.notifies(timeout=_LOOK_UP_SECONDS):
            if heard.payload == self._table:
                self._wake()
