"""What crashes leave goes, at the start and from time to time; what is under way stays."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from queue import Queue

import pytest

from faceserver.runtime import metrics
from faceserver.store import open_store
from faceserver.store.sqlite.store import DurableStore
from faceserver.store.sweeping import STALE_AFTER, SWEEP_EVERY, Sweeper, Swept
from tests.store.samples import DIMS, MODEL, new_face, people

KILLED = """
import os, signal
from pathlib import Path
from faceserver.store import open_store
from tests.store.samples import DIMS, MODEL

store = open_store(Path(os.environ["FOLDER"]), model=MODEL, dims=DIMS)
with store.pictures.batch() as save:
    print(save(b"a picture of somebody"), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DurableStore]:
    with closing(open_store(tmp_path, model=MODEL, dims=DIMS)) as opened:
        yield opened


def pictures(folder: Path) -> set[str]:
    return {path.name for path in (folder / "uploadImages").iterdir()}


def swept(kind: str) -> float:
    found = metrics.REGISTRY.get_sample_value("faceserver_swept_files_total", {"kind": kind})
    return found or 0.0


def test_a_picture_whose_face_was_not_committed_goes_at_the_next_start(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-c", KILLED],
        env={**os.environ, "FOLDER": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert process.returncode == -signal.SIGKILL
    assert pictures(tmp_path) == {process.stdout.strip()}
    before = swept("picture")
    ends: Queue[bool] = Queue()
    rounds: Queue[float] = Queue()

    def wait(seconds: float) -> bool:
        rounds.put(seconds)
        return ends.get()

    with closing(open_store(tmp_path, model=MODEL, dims=DIMS)) as store:
        store.sweeper.start(wait)
        assert rounds.get(timeout=30) == SWEEP_EVERY
        assert pictures(tmp_path) == set()
        assert swept("picture") == before + 1
        ends.put(True)


def test_it_sweeps_again_and_again_and_leaves_what_is_under_way(
    store: DurableStore, tmp_path: Path
) -> None:
    ends: Queue[bool] = Queue()
    rounds: Queue[float] = Queue()

    def wait(seconds: float) -> bool:
        rounds.put(seconds)
        return ends.get()

    store.sweeper.start(wait)
    rounds.get(timeout=30)
    with store.pictures.batch() as save:
        kept = save(b"of a face that is stored")
        store.collection().add([new_face(people(1)[0], picture=kept)])
    for number in range(3):
        store.pictures.save(f"left {number}".encode())
        with store.pictures.batch() as save:
            under_way = save(b"of a request under way")
            ends.put(False)
            rounds.get(timeout=30)
            assert pictures(tmp_path) == {kept, under_way}
    ends.put(True)


def test_it_ends_with_the_store(tmp_path: Path) -> None:
    store = open_store(tmp_path, model=MODEL, dims=DIMS)
    store.sweeper.start()
    store.close()
    assert store.sweeper._thread is not None
    assert not store.sweeper._thread.is_alive()


PLACES = (
    "uploadImages",
    "index/1",
    "damaged/1",
    "before-restore-1",
    "before-restore-1/uploadImages",
    "before-restore-1/index/1",
)


def test_what_was_being_written_goes_at_the_next_start(tmp_path: Path) -> None:
    for place in PLACES:
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / place / "0123.tmp").touch()
    (tmp_path / "faceserver-1.tmp").mkdir()  # a backup may be writing to it
    with closing(open_store(tmp_path, model=MODEL, dims=DIMS)):
        pass
    assert [path.name for path in tmp_path.rglob("*.tmp")] == ["faceserver-1.tmp"]


def test_later_only_what_nobody_has_written_to_for_a_day_goes(
    store: DurableStore, tmp_path: Path
) -> None:
    for place in (*PLACES, "."):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / place / "0123.tmp").touch()
    (tmp_path / "faceserver-1.tmp").mkdir()
    written = (tmp_path / "faceserver-1.tmp").stat().st_mtime

    def sweeper(after: float) -> Sweeper:
        closing_event = store._closing
        return Sweeper(tmp_path, store.pictures, closing=closing_event, now=lambda: written + after)

    assert sweeper(STALE_AFTER - 60).sweep() == Swept(pictures=0, temporaries=0)
    before = swept("temporary")
    count = len(PLACES) + 2
    assert sweeper(STALE_AFTER + 60).sweep() == Swept(pictures=0, temporaries=count)
    assert swept("temporary") == before + count
    assert not list(tmp_path.rglob("*.tmp"))
