"""A purge of the jobs, while no server runs."""

import shutil
from contextlib import closing
from pathlib import Path

from faceserver.jobs.sources import ZipFolder
from faceserver.jobs.table import JobTable
from faceserver.layout import JOB_ZIPS, JOBS, with_sqlite_files
from faceserver.runtime.atomic_files import file_errors


def purge_jobs(data_dir: Path, collection: str | None = None) -> int:
    """Remove jobs with the names and zips of their pictures, so that nothing of them is left.

    Args:
        data_dir: the data folder; this process alone holds it.
        collection: whose jobs; None removes all.

    Returns:
        How many there were.

    Raises:
        StoreError: the system or SQLite refused.
    """
    _remove_damaged(data_dir)
    if not (data_dir / JOBS).is_file():
        return 0
    zips = data_dir / JOB_ZIPS
    with closing(JobTable(data_dir)) as table:
        jobs = table.all() if collection is None else table.of_collection(collection)
        with file_errors(zips):
            for job in jobs:
                ZipFolder(zips, max_bytes=0).remove(job.id)
                table.delete(job)
        table.scrub()
    if collection is None:
        _remove_all(data_dir, zips)
    return len(jobs)


def _remove_damaged(data_dir: Path) -> None:
    """Remove files that a check has set aside: nobody can tell whose jobs they hold."""
    with file_errors(data_dir):
        for path in data_dir.glob(f"{JOBS}*.damaged-*"):
            path.unlink()


def _remove_all(data_dir: Path, zips: Path) -> None:
    with file_errors(data_dir):
        for name in with_sqlite_files(JOBS):
            (data_dir / name).unlink(missing_ok=True)
        if zips.exists():
            shutil.rmtree(zips)
