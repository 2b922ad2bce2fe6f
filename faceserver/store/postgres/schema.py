"""The schema of a shared gallery's database: looked at, made, brought up to date."""

from contextlib import closing

from faceserver.errors import StoreOutdated, StoreTooNew
from faceserver.runtime.postgres import Postgres, Transaction
from faceserver.store.postgres.migrations import MIGRATIONS

_UPGRADING = 4
"""Names the lock of who upgrades, among the advisory locks."""


def upgrade(url: str) -> int:
    """Bring the schema of a database up to date, or make it; return its number.

    Each step is a transaction of its own; servers may run meanwhile.

    Raises:
        StoreUnavailable: the database cannot be reached.
        StoreTooNew: it was written by a later version.
        StoreError: PostgreSQL refused.
    """
    with closing(Postgres(url, connections=2)) as database:
        _check_not_newer(database.read(_version))
        for number, step in enumerate(MIGRATIONS, start=1):
            database.write(lambda transaction, n=number, s=step: _migrate(transaction, n, s))  # type: ignore[misc]
        return database.read(_version)


def check_schema(database: Postgres) -> None:
    """Pass where the schema is that of this version.

    Raises:
        StoreTooNew: it is one of a later version.
        StoreOutdated: :func:`upgrade` has to be run first.
    """
    version = database.read(_version)
    _check_not_newer(version)
    if version < len(MIGRATIONS):
        raise StoreOutdated(
            f"the database has schema {version}, this version of faceserver needs "
            f"{len(MIGRATIONS)}: run `faceserver db upgrade` first"
        )


def gallery_id(url: str) -> str:
    """The id of the gallery in a database, by which a place for pictures knows it.

    Raises:
        StoreUnavailable: the database cannot be reached.
        StoreTooNew: it was written by a later version.
        StoreOutdated: it has not been upgraded.
    """
    with closing(Postgres(url, connections=2)) as database:
        check_schema(database)
        rows = database.read(lambda transaction: transaction.read("SELECT id FROM gallery"))
        return str(rows[0][0])


def _version(transaction: Transaction) -> int:
    # Not by to_regclass, which remembers what was not there before somebody else was faster.
    is_there = transaction.read(
        "SELECT 1 FROM pg_class WHERE relname = 'faceserver_schema' AND pg_table_is_visible(oid)"
    )
    rows = transaction.read("SELECT version FROM faceserver_schema") if is_there else []
    return int(rows[0][0]) if rows else 0


def _migrate(transaction: Transaction, number: int, step: str) -> None:
    transaction.run("SELECT pg_advisory_xact_lock(%s, 0)", _UPGRADING)
    if _version(transaction) >= number:
        return  # another process was faster
    transaction.run("CREATE TABLE IF NOT EXISTS faceserver_schema (version integer NOT NULL)")
    transaction.run(step)
    transaction.run("DELETE FROM faceserver_schema")
    transaction.run("INSERT INTO faceserver_schema VALUES (%s)", number)


def _check_not_newer(version: int) -> None:
    if version > len(MIGRATIONS):
        raise StoreTooNew(
            f"the database has schema {version}, this version of faceserver knows "
            f"{len(MIGRATIONS)}: use the version that upgraded it, or a later one"
        )
