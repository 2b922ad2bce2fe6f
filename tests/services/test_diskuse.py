"""How much room a data folder takes."""

from pathlib import Path

import pytest

from faceserver.services import diskuse
from faceserver.services.diskuse import disk_use


@pytest.fixture(autouse=True)
def forgotten() -> None:
    diskuse._measured.cache_clear()


def write(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)


def test_each_kind_is_counted(tmp_path: Path) -> None:
    write(tmp_path / "faces.sqlite", 100)
    write(tmp_path / "faces.sqlite-wal", 20)
    write(tmp_path / "index" / "1" / "a.hnsw", 3000)
    write(tmp_path / "uploadImages" / "a.jpg", 40_000)
    write(tmp_path / "uploadImages" / "b.jpg", 1)
    write(tmp_path / "jobs.sqlite", 7)
    write(tmp_path / "damaged" / "faces.sqlite", 5)
    found = disk_use(tmp_path)
    assert (found.faces, found.index, found.pictures, found.other) == (120, 3000, 40_001, 12)
    assert found.free > 0


def test_links_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "outside" / "large", 10_000)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "uploadImages").symlink_to(tmp_path / "outside")
    assert disk_use(tmp_path / "data").pictures < 1000


def test_what_was_found_a_moment_ago_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diskuse, "monotonic", lambda: 1000.0)
    assert disk_use(tmp_path).faces == 0
    write(tmp_path / "faces.sqlite", 100)
    assert disk_use(tmp_path).faces == 0
    monkeypatch.setattr(diskuse, "monotonic", lambda: 1040.0)
    assert disk_use(tmp_path).faces == 100


def test_what_goes_meanwhile_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "index" / "gone", 100)
    real = diskuse._entries

    class Gone:
        name = "uploadImages"
        path = str(tmp_path / "nowhere")

        def is_dir(self, **_: object) -> bool:
            return True

    class Lost(Gone):
        name = "faces.sqlite"

        def is_dir(self, **_: object) -> bool:
            raise FileNotFoundError

    def entries(folder: str | Path) -> object:
        yield from real(folder)
        if folder == tmp_path:
            yield Gone()
            yield Lost()

    monkeypatch.setattr(diskuse, "_entries", entries)
    assert disk_use(tmp_path).index == 100
