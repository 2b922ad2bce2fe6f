"""A change of model on the disk: kills, restarts, its graph, a full disk."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from faceserver.errors import StoreFull, StoreMismatch
from faceserver.store import open_store
from faceserver.store.sqlite.changetable import ChangeTable
from faceserver.store.sqlite.store import DurableStore
from faceserver.types import Floats
from tests.store.changer import BATCH, FACES, NEW, OLD, OPTIONS
from tests.store.samples import DIMS, MODEL, new_faces


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DurableStore]:
    with closing(opened(tmp_path)) as made:
        made.collection().add(new_faces(OLD))
        yield made


def opened(folder: Path) -> DurableStore:
    return open_store(folder, model=MODEL, dims=DIMS, options=OPTIONS)


def change(store: DurableStore) -> None:
    begun = store.change_model("default", model="new", dims=DIMS)
    faces = begun.pending(limit=FACES).items
    begun.put({face.id: NEW[int(face.source[:-4])] for face in faces})
    begun.finish()


def settle(store: DurableStore) -> None:
    store._background.submit(lambda: None).result()


def assert_whole(store: DurableStore, vectors: Floats) -> None:
    collection = store.collection()
    assert collection.count() == FACES
    for number, vector in enumerate(vectors):
        (match,) = collection.search(vector, k=1, max_distance=1e-6)
        assert (match.face.source, match.distance) == (f"{number}.jpg", 0)


def killed(folder: Path, batches: int) -> None:
    """Kill a change in the midst of what comes after so many batches."""
    command = [sys.executable, "-m", "tests.store.changer", str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin
        assert process.stdout
        for _ in range(batches):
            process.stdin.write("go\n")
            assert process.stdout.readline() == "put\n"
        process.stdin.write("go\n")
        process.kill()


def test_killed_at_any_moment_it_goes_on_where_it_was(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        store.collection().add(new_faces(OLD))
    done = 0
    for batches in (1, 3, 4):
        killed(tmp_path, batches)
        with closing(opened(tmp_path)) as store:
            status = store.status().collections[0]
            assert (status.model, status.changing_to) == (MODEL, "new")
            assert done + BATCH * batches <= status.changed <= done + BATCH * (batches + 1)
            done = status.changed
            assert_whole(store, OLD)
    killed(tmp_path, (FACES - done) // BATCH)  # in the midst of the switch
    with closing(opened(tmp_path)) as store:
        if store.collection().model == MODEL:
            assert store.status().collections[0].changed == FACES
            assert_whole(store, OLD)
            change(store)
        settle(store)
        assert_whole(store, NEW)


def test_the_graph_is_there_at_the_switch_and_after_a_restart(
    store: DurableStore, tmp_path: Path
) -> None:
    change(store)
    status = store.collection().status()
    assert (status.index, status.indexed, status.model) == ("graph", FACES, "new")
    settle(store)
    assert_whole(store, NEW)
    store.close()
    manifest = (tmp_path / "index" / "1" / "manifest.json").read_text()
    assert '"new"' in manifest
    with closing(opened(tmp_path)) as again:
        assert again.collection().status().index == "graph"
        assert_whole(again, NEW)


def test_a_full_disk_at_the_switch_leaves_the_old_model(
    store: DurableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    begun = store.change_model("default", model="new", dims=DIMS)
    faces = begun.pending(limit=FACES).items
    begun.put({face.id: NEW[int(face.source[:-4])] for face in faces})
    with monkeypatch.context() as patched:
        patched.setattr(ChangeTable, "_clear", full)
        with pytest.raises(StoreFull):
            begun.finish()
    assert_whole(store, OLD)
    begun.finish()
    assert_whole(store, NEW)


def test_nothing_of_the_old_model_is_left_beside_the_new(store: DurableStore) -> None:
    change(store)
    read = store._database.read
    assert read("SELECT count(*) FROM new_vectors") == [(0,)]
    assert read("SELECT count(*) FROM changes") == [(0,)]
    (face,) = store.collection().faces(limit=1).items
    assert np.array_equal(face.embedding, NEW[0])


def test_new_vectors_go_with_a_purged_collection(store: DurableStore) -> None:
    other = store.create("other", model=MODEL, dims=DIMS)
    other.add(new_faces(OLD[:3]))
    begun = store.change_model("other", model="new", dims=DIMS)
    begun.put({face.id: NEW[0] for face in begun.pending(limit=9).items})
    store.purge("other")
    for table in ("changes", "new_vectors"):
        assert store._database.read(f"SELECT count(*) FROM {table}") == [(0,)]


def test_another_model_is_refused_with_both_ways_to_it(store: DurableStore, tmp_path: Path) -> None:
    store.close()
    with pytest.raises(StoreMismatch, match=r"change-model.*FACESERVER_CHANGE_MODEL=true"):
        open_store(tmp_path, model="new", dims=DIMS)
