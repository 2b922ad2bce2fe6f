"""The audit log in the database that several servers share: one for all of them.

While the database cannot be reached, a server writes to its own file, so that nothing is lost.
"""

import logging
from collections.abc import Iterator
from functools import partial
from itertools import count

from faceserver.access.audit import AuditLog, line_of
from faceserver.access.event import Event
from faceserver.access.repeats import Repeats
from faceserver.errors import StoreError
from faceserver.runtime.postgres import Postgres, Transaction

_log = logging.getLogger(__name__)

_TRIMMING = 5
"""Names the lock of who removes old events, among the advisory locks."""

_TRIM_EVERY = 10_000
"""Events of one server between two looks at how much there is, which reads all of it."""

_AT_ONCE = 1_000

_TRIM = """
    DELETE FROM audit WHERE id <= (
        SELECT max(id) FROM (
            SELECT id, sum(length(event::text) + 1) OVER (ORDER BY id DESC) AS size FROM audit
        ) sized WHERE size > %s
    )
"""


class SharedAuditLog:
    """See :class:`faceserver.access.base.Audit`."""

    def __init__(
        self, database: Postgres, file: AuditLog, *, max_bytes: int, also_to_file: bool
    ) -> None:
        """Take where it is written.

        Args:
            database: with the schema of this version; this object closes it.
            file: of this server, where events go that the database does not take.
            max_bytes: the oldest events go beyond it; 0 keeps all.
            also_to_file: every event goes there, too.
        """
        self._database = database
        self._file = file
        self._max_bytes = max_bytes
        self._also_to_file = also_to_file
        self._written = count()
        self._refusals = Repeats(self.write)

    def write(self, event: Event) -> None:
        """Write an event, to the file of this server if the database does not take it."""
        line = line_of(event)
        try:
            self._database.write(lambda transaction: _insert(transaction, line))
            if self._max_bytes and next(self._written) % _TRIM_EVERY == 0:
                self._database.write(self._trim)
        except StoreError as error:
            _log.warning("the event is in %s instead: %s", self._file.path, error)
            self._file.write(event)
        else:
            if self._also_to_file:
                self._file.write(event)

    def refused(self, event: Event) -> None:
        """Write that somebody was refused; of many that are alike only some, and their number."""
        self._refusals.write(event)

    def lines(self, last: int | None = None) -> Iterator[str]:
        """Yield what all servers have written, the oldest event first; or the latest so many."""
        after = 0 if last is None else self._database.read(lambda found: _before(found, last))
        while rows := self._database.read(partial(_page, after=after)):
            yield from (event for _, event in rows)
            after = rows[-1][0]

    def close(self) -> None:
        """Write what was counted and is not written yet, and let go of the database."""
        self._refusals.flush()
        self._database.close()

    def _trim(self, transaction: Transaction) -> None:
        ((leads,),) = transaction.read("SELECT pg_try_advisory_xact_lock(%s, 0)", _TRIMMING)
        if leads:
            transaction.run(_TRIM, self._max_bytes)


def _insert(transaction: Transaction, line: str) -> None:
    # Like the file it survives the end of this process at once, that of the machine a moment later.
    transaction.run("SET LOCAL synchronous_commit = off")
    # PostgreSQL takes no NUL out of JSON.
    transaction.run("INSERT INTO audit (event) VALUES (%s)", line.replace(r"\u0000", r"\ufffd"))


def _page(transaction: Transaction, after: int) -> list[tuple[int, str]]:
    return transaction.read(
        "SELECT id, event::text FROM audit WHERE id > %s ORDER BY id LIMIT %s", after, _AT_ONCE
    )


def _before(transaction: Transaction, last: int) -> int:
    """The id before the latest so many."""
    rows = transaction.read("SELECT id FROM audit ORDER BY id DESC OFFSET %s LIMIT 1", last)
    return int(rows[0][0]) if rows else 0
