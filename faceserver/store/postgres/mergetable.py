"""The rows of a collection's merges: what is needed to take them back.

Every function is part of one transaction.
"""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from faceserver.errors import AlreadyExists, CannotUndo, NotFound
from faceserver.runtime.postgres import Row, Transaction
from faceserver.store.codec import time_text
from faceserver.store.postgres import exemplartable, subjecttable
from faceserver.store.postgres.rows import in_utc
from faceserver.store.postgres.tables import Tables
from faceserver.store.subjects import checked_metadata
from faceserver.types import Merge, MergeRecord, Subject

_INSERTED = (
    "(uuid, stays, subject, name, tags, metadata, created, hidden, cover, at, until, faces,"
    " exemplars) VALUES (%s, %s, %s, %s, %s::text[], %s::json, %s, %s, %s, %s, %s, %s, %s)"
)


def merge(
    transaction: Transaction, tables: Tables, *, subject_id: str, into: str, undo_for: timedelta
) -> Merge:
    """Give all faces of one person to another.

    Raises:
        NotFound: one of them is not there.
    """
    now = datetime.now(UTC)
    # Who was merged away long ago is not to be read in the table any more.
    transaction.run(f"DELETE FROM {tables.merges} WHERE until <= %s", now)
    goes, stays = subjecttable.lock(transaction, tables, subject_id, into)
    gone = subjecttable.get(transaction, tables, subject_id)
    faces = subjecttable.showing(transaction, tables, goes)
    about = exemplartable.about(transaction, tables, goes)
    merge_id = uuid4().hex
    made = Merge(merge_id, into, gone.id, gone.name, len(faces), now, now + undo_for)
    _insert(transaction, tables, MergeRecord(made, gone, ()), faces, about)
    for table, numbers in ((tables.faces, faces), (tables.exemplars, about)):
        transaction.run(f"UPDATE {table} SET subject = %s WHERE id = ANY(%s)", stays, numbers)
    transaction.run(f"DELETE FROM {tables.subjects} WHERE id = %s", goes)
    return _merge(_row(transaction, tables, merge_id))


def records(transaction: Transaction, tables: Tables) -> list[MergeRecord]:
    """Those that can be undone with all that undoing them needs, the latest first."""
    rows = transaction.read(
        f"{_select(tables)} WHERE until > %s ORDER BY at DESC, id DESC", datetime.now(UTC)
    )
    return [MergeRecord(_merge(row), _gone(row), tuple(row[-2]), tuple(row[-1])) for row in rows]


def insert(transaction: Transaction, tables: Tables, record: MergeRecord) -> bool:
    """Take in a merge of an export, with those of its faces that are here.

    Returns:
        False where there is nothing to undo: it is in already, who went is here, or its time is
        over.
    """
    told, gone = record.merge, record.gone
    known = transaction.read("SELECT 1 FROM merges WHERE uuid = %s", told.id)
    taken = known or subjecttable.is_id_taken(transaction, gone.id)
    if taken or told.until <= datetime.now(UTC):
        return False
    faces, about = (
        [row[0] for row in transaction.read(f"SELECT id FROM {table} WHERE uuid = ANY(%s)", ids)]
        for table, ids in (
            (tables.faces, list(record.faces)),
            (tables.exemplars, list(record.exemplars)),
        )
    )
    _insert(transaction, tables, record, faces, about)
    return True


def undo(transaction: Transaction, tables: Tables, merge_id: str) -> str:
    """Take a merge back; return the id of the person who is there again.

    Raises:
        NotFound: there is no such merge.
        CannotUndo: its time is over, who got the faces is gone, or the name or the id is taken now.
    """
    row = _row(transaction, tables, merge_id)
    number, told, gone = row[0], _merge(row), _gone(row)
    stays = _check_can_be_undone(transaction, tables, told)
    try:
        subjecttable.insert(transaction, tables, gone)
    except AlreadyExists as error:
        raise CannotUndo(f"it cannot be undone now: {error}") from error
    (again,) = subjecttable.lock(transaction, tables, gone.id)
    for table, column in ((tables.faces, "faces"), (tables.exemplars, "exemplars")):
        transaction.run(
            f"UPDATE {table} SET subject = %s WHERE subject = %s AND id = ANY("
            f"(SELECT {column} FROM {tables.merges} WHERE id = %s)::bigint[])",
            again,
            stays,
            number,
        )
    transaction.run(f"DELETE FROM {tables.merges} WHERE id = %s", number)
    return gone.id


def _check_can_be_undone(transaction: Transaction, tables: Tables, told: Merge) -> int:
    """The id in the database of who got the faces."""
    if told.until <= datetime.now(UTC):
        raise CannotUndo(f"it could only be undone until {time_text(told.until)}")
    try:
        (stays,) = subjecttable.lock(transaction, tables, told.into)
        subjecttable.check_is_free(transaction, tables, told.name)
    except (NotFound, AlreadyExists) as error:
        raise CannotUndo(f"it cannot be undone now: {error}") from error
    if subjecttable.is_id_taken(transaction, told.subject):
        raise CannotUndo(f"it cannot be undone now: the subject {told.subject!r} already exists")
    return stays


def _insert(
    transaction: Transaction,
    tables: Tables,
    record: MergeRecord,
    faces: list[int],
    exemplars: list[int],
) -> None:
    told, gone = record.merge, record.gone
    transaction.run(
        f"INSERT INTO {tables.merges} {_INSERTED}",
        told.id,
        told.into,
        gone.id,
        gone.name,
        list(gone.tags),
        json.dumps(checked_metadata(gone.metadata)),
        gone.created,
        gone.hidden,
        gone.cover if gone.cover_chosen else None,
        told.at,
        told.until,
        faces,
        exemplars,
    )


def _select(tables: Tables) -> str:
    return (
        "SELECT m.id, m.uuid, m.stays, m.subject, m.name, m.tags, m.metadata, m.created, m.hidden,"
        " m.cover, m.at, m.until,"
        f" ARRAY(SELECT f.uuid FROM {tables.faces} f WHERE f.id = ANY(m.faces) ORDER BY f.place),"
        f" ARRAY(SELECT e.uuid FROM {tables.exemplars} e"
        " WHERE e.id = ANY(m.exemplars) AND (e.until IS NULL OR e.until > now()) ORDER BY e.id)"
        f" FROM {tables.merges} m"
    )


def _row(transaction: Transaction, tables: Tables, merge_id: str) -> Row:
    rows = transaction.read(f"{_select(tables)} WHERE uuid = %s FOR UPDATE OF m", merge_id)
    if not rows:
        raise NotFound(f"there is no merge {merge_id!r}")
    return rows[0]


def _merge(row: Row) -> Merge:
    return Merge(
        id=row[1],
        into=row[2],
        subject=row[3],
        name=row[4],
        faces=len(row[-2]),
        at=in_utc(row[10]),
        until=in_utc(row[11]),
    )


def _gone(row: Row) -> Subject:
    subject, name, tags, metadata, created, hidden, cover = row[3:10]
    return Subject(
        id=subject,
        name=name,
        tags=tuple(tags),
        metadata=metadata,
        created=in_utc(created),
        faces=0,
        cover=cover,
        cover_chosen=cover is not None,
        hidden=hidden,
    )
