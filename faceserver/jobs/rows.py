"""Rows of ``jobs.sqlite`` as values."""

import json
from datetime import datetime

from faceserver.api.pictures import Credentials
from faceserver.jobs.records import Job, JobItem, NewItem, Result
from faceserver.runtime.database import Row

JOB = (
    "SELECT id, uuid, collection, kind, largest, state, reason, created, finished, total, stored,"
    " present, refused, faces, renew, left_out FROM jobs"
)
"""What :func:`job_from_row` reads."""
ITEM = (
    "SELECT number, source, person, tags, external_id, state, faces, code, reason,"
    " username, password, scheme FROM items LEFT JOIN credentials USING (job, number)"
    " WHERE job = ?"
)
"""What :func:`item_from_row` reads, of one job."""


def job_from_row(row: Row) -> Job:
    """The job of a row."""
    (row_id, uuid, collection, kind, largest, state, reason, created, finished, *others) = row
    total, stored, present, refused, faces, update, left_out = others
    return Job(
        row_id,
        uuid,
        collection,
        kind,
        bool(largest),
        state,
        reason,
        datetime.fromisoformat(created),
        datetime.fromisoformat(finished) if finished else None,
        total,
        stored,
        present,
        refused,
        faces,
        update=bool(update),
        left_out=left_out,
    )


def item_from_row(row: Row) -> JobItem:
    """The picture of a row, and what became of it."""
    number, source, person, tags, external_id, state, faces, code, reason, *known = row
    credentials = None
    if known[0] is not None:
        username, password, scheme = known
        credentials = Credentials(username=username, password=password, scheme=scheme)
    return JobItem(
        NewItem(source, person, tuple(json.loads(tags)), external_id, credentials),
        Result(number, state, tuple(json.loads(faces)), code, reason),
    )


def time_text(time: datetime) -> str:
    """A time as it is stored; the order of texts is that of times."""
    return time.isoformat(timespec="microseconds")
