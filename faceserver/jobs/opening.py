"""Which table holds the jobs: a data folder's own, or one that servers share."""

from pathlib import Path

from faceserver.jobs.sources import ZipFolder
from faceserver.jobs.table import JobTable

_CONNECTIONS = 4
"""To a shared database, beside those of the gallery."""


def open_jobs(address: str, folder: Path, zips: ZipFolder) -> JobTable:
    """Open the table of jobs.

    Args:
        address: of the database of a shared gallery, or empty.
        folder: the data folder.
        zips: that were uploaded to this server, or to one that shares the folder.

    Raises:
        StoreError: it cannot be used.
    """
    if not address:
        return JobTable(folder)
    from faceserver.jobs.shared import SharedJobTable  # noqa: PLC0415 - its library may be missing
    from faceserver.runtime.postgres import Postgres  # noqa: PLC0415 - likewise

    return SharedJobTable(Postgres(address, connections=_CONNECTIONS), zips=zips.job_ids)
