"""Verifies the jobs of a data folder, and mends what can be mended."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from faceserver.errors import StoreCorrupt
from faceserver.jobs.records import Job
from faceserver.jobs.sources import ZipFolder
from faceserver.jobs.table import JobTable
from faceserver.layout import JOB_ZIPS, JOBS, with_sqlite_files
from faceserver.runtime.atomic_files import file_errors
from faceserver.runtime.findings import Finder, Finding
from faceserver.runtime.folder_lock import folder_lock

_NO_ZIP = "its zip is missing"


def check_jobs(data_dir: Path, *, repair: bool = False) -> list[Finding]:
    """Check SQLite's file of the jobs, and that jobs and zips belong together.

    A file that is damaged is set aside; the server makes a new one. A job without its zip is ended,
    a zip without a job that is open removed.

    Args:
        data_dir: the data folder; no server runs on it.
        repair: mend what is found.

    Raises:
        StoreLocked: a server runs on it.
        StoreTooNew: the file was written by a later version.
        StoreError: the system or SQLite refused.
    """
    if not data_dir.is_dir():
        return []
    with folder_lock(data_dir):
        return list(_check(data_dir, Finder(repair=repair)))


def _check(data_dir: Path, finder: Finder) -> Iterator[Finding]:
    zips = data_dir / JOB_ZIPS
    there = {path.stem for path in zips.glob("*.zip")}
    wanted: set[str] = set()
    if fault := _fault(data_dir):
        yield finder.found(f"{JOBS}: {fault}", partial(_set_aside, data_dir))
    elif (data_dir / JOBS).is_file():
        with closing(JobTable(data_dir)) as table:
            jobs = [job for job in table.all() if job.is_open and job.kind == "zip"]
            wanted = {job.id for job in jobs}
            for job in jobs:
                if job.id not in there:
                    yield finder.found(f"job {job.id}: {_NO_ZIP}", partial(_end, table, job))
    for job_id in sorted(there - wanted):
        what = f"zip of job {job_id}: no such job is open"
        yield finder.found(what, partial(_remove, zips, job_id))


def _fault(data_dir: Path) -> str | None:
    if not (data_dir / JOBS).is_file():
        return None
    try:
        with closing(JobTable(data_dir)) as table:
            return next(iter(table.faults()), None)
    except StoreCorrupt as error:
        return str(error)


def _end(table: JobTable, job: Job) -> str:
    table.finish(job, "failed", _NO_ZIP)
    return "the job is ended as failed"


def _remove(zips: Path, job_id: str) -> str:
    ZipFolder(zips, max_bytes=0).remove(job_id)
    return "removed"


def _set_aside(data_dir: Path) -> str:
    ending = f".damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    with file_errors(data_dir):
        for name in with_sqlite_files(JOBS):
            if (data_dir / name).exists():
                (data_dir / name).replace(data_dir / f"{name}{ending}")
    return f"moved to {JOBS}{ending}; hand in again what jobs had not done"
