"""Large pages for large blocks of memory, where the system has them (Linux).

A search of a large graph jumps about in gigabytes. With pages of 4 KB nearly each jump has to look
up where the page lies; and a copy of the process begins with copying the table of all pages, which
keeps the process waiting for 40 ms or more where it holds two gigabytes. With pages of 2 MB the
search is faster and the table is small.

See madvise(2), MADV_HUGEPAGE and MADV_COLLAPSE, the latter from Linux 6.1 on.
"""

import ctypes
from collections.abc import Iterator
from pathlib import Path

_HUGEPAGE = 14
_COLLAPSE = 25

_LEAST = 32 * 1024**2
"""Blocks of this size have a mapping of their own; glibc's malloc never puts them elsewhere."""

_PAGE_SIZE = Path("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")
_MAPPINGS = Path("/proc/self/maps")


def use_huge_pages(*, collapse: bool = False) -> None:
    """Ask for large pages in every large block of this process's memory.

    Where the system does not have them, or not enough memory in one piece, nothing changes.

    Args:
        collapse: also bring together the small pages that are in use already, which takes about a
            second a gigabyte, and keeps Python's other threads running; otherwise large ones
            come where memory is touched for the first time.
    """
    if not _PAGE_SIZE.exists():
        return
    page = int(_PAGE_SIZE.read_text(encoding="ascii"))
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for first, last in _blocks():
        start, end = -(-first // page) * page, last // page * page
        madvise(start, end - start, _HUGEPAGE)
        if collapse:
            madvise(start, end - start, _COLLAPSE)


def _blocks() -> Iterator[tuple[int, int]]:
    """First and last address of each large mapping that is no file's."""
    for line in _MAPPINGS.read_text(encoding="utf-8").splitlines():
        addresses, rights, _, _, inode, *name = line.split(maxsplit=5)
        first, last = (int(address, 16) for address in addresses.split("-"))
        if rights == "rw-p" and inode == "0" and not name and last - first >= _LEAST:
            yield first, last
