"""Large pages."""

from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap
from pathlib import Path

import pytest

from faceserver.store.index import hugepages
from faceserver.store.index.hugepages import use_huge_pages

SWITCH = Path("/sys/kernel/mm/transparent_hugepage/enabled")
SIZE = 64 * 1024**2


def kilobytes_in_huge_pages() -> int:
    (line,) = (
        line
        for line in Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
        if line.startswith("AnonHugePages:")
    )
    return int(line.split()[1])


@pytest.mark.skipif(
    not SWITCH.exists() or "[madvise]" not in SWITCH.read_text(encoding="ascii"),
    reason="this system gives large pages to nobody, or to everybody",
)
def test_memory_that_is_touched_later_is_in_large_pages() -> None:
    # As malloc gets it; numpy would ask for large pages itself.
    with mmap(-1, SIZE, flags=MAP_PRIVATE | MAP_ANONYMOUS) as block:
        use_huge_pages()
        before = kilobytes_in_huge_pages()
        block[:] = b"x" * SIZE
        assert kilobytes_in_huge_pages() > before


def test_a_system_without_them_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hugepages, "_PAGE_SIZE", tmp_path / "missing")
    monkeypatch.setattr(hugepages, "_MAPPINGS", tmp_path / "missing")
    use_huge_pages()
