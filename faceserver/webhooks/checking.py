"""Verifies the webhooks of a data folder, and mends what can be mended."""

from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from faceserver.errors import StoreCorrupt
from faceserver.layout import WEBHOOKS, with_sqlite_files
from faceserver.runtime.atomic_files import file_errors
from faceserver.runtime.findings import Finder, Finding
from faceserver.runtime.folder_lock import folder_lock
from faceserver.webhooks.table import WebhookTable


def check_webhooks(data_dir: Path, *, repair: bool = False) -> list[Finding]:
    """Check SQLite's file of the webhooks; one that is damaged is set aside.

    Args:
        data_dir: the data folder; no server runs on it.
        repair: mend what is found.

    Raises:
        StoreLocked: a server runs on it.
        StoreTooNew: the file was written by a later version.
        StoreError: the system or SQLite refused.
    """
    if not (data_dir / WEBHOOKS).is_file():
        return []
    with folder_lock(data_dir):
        fault = _fault(data_dir)
        finder = Finder(repair=repair)
        return (
            [finder.found(f"{WEBHOOKS}: {fault}", partial(_set_aside, data_dir))] if fault else []
        )


def _fault(data_dir: Path) -> str | None:
    try:
        with closing(WebhookTable(data_dir)) as table:
            return next(iter(table.faults()), None)
    except StoreCorrupt as error:
        return str(error)


def _set_aside(data_dir: Path) -> str:
    ending = f".damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    with file_errors(data_dir):
        for name in with_sqlite_files(WEBHOOKS):
            if (data_dir / name).exists():
                (data_dir / name).replace(data_dir / f"{name}{ending}")
    return f"moved to {WEBHOOKS}{ending}; make the webhooks anew"
