"""Verifies the keys of a data folder, and mends what can be mended."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from faceserver.access.keyfile import KeyFile
from faceserver.layout import KEYS
from faceserver.runtime.findings import Finder, Finding


def check_keys(data_dir: Path, *, repair: bool = False) -> Iterator[Finding]:
    """Check SQLite's file of the keys, and its rows.

    A file that is damaged is set aside, and a key whose row makes no sense is removed; neither
    opens the server to anybody.

    Raises:
        StoreTooNew: it was written by a later version.
        StoreError: it cannot be used.
    """
    found, file = Finder(repair=repair).found, KeyFile(data_dir)
    if fault := file.fault():
        can_mend = file.has_content()  # an empty one tells nothing
        yield found(f"{KEYS}: {fault}", partial(_set_aside, file) if can_mend else None)
        return
    for key in file.bad_rows():
        yield found(f"{KEYS}: the key {key} cannot be read", partial(_remove, file, key))


def _set_aside(file: KeyFile) -> str:
    return f"moved to {file.set_aside()}; `faceserver keys create` makes a new key"


def _remove(file: KeyFile, key: str) -> str:
    file.remove(key)
    return "removed"
