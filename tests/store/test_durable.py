"""The durable store: what lasts, what is rebuilt, and when the index is saved."""

import json
import logging
import resource
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from faceserver.errors import StoreError, StoreFull, StoreLocked, StoreMismatch
from faceserver.store import Options, open_store
from faceserver.store.index import hnsw, upkeep
from faceserver.store.index.hnsw import HnswIndex
from faceserver.store.index.saved import SavedIndex
from faceserver.store.sqlite import facetable as store_facetable
from faceserver.store.sqlite.store import DurableStore
from faceserver.types import Face
from tests.store.samples import DIMS, MODEL, new_face, new_faces, people


def opened(folder: Path, *, exact_up_to: int = 0, dims: int = DIMS) -> DurableStore:
    return open_store(folder, model=MODEL, dims=dims, options=Options(exact_up_to=exact_up_to))


def settle(store: DurableStore) -> None:
    """Let the background do all that it has to do."""
    store._background.submit(lambda: None).result()


def filled(folder: Path, count: int = 60) -> list[Face]:
    """A data folder with faces and a saved graph."""
    with closing(opened(folder)) as store:
        return store.collection().add(new_faces(people(count)))


def assert_holds(store: DurableStore, faces: list[Face]) -> None:
    settle(store)
    assert (store.status().faces, store.status().indexed) == (len(faces), len(faces))
    assert_finds(store, faces)


def assert_finds(store: DurableStore, faces: list[Face]) -> None:
    for face in faces:
        (match,) = store.collection().search(face.embedding, k=1, max_distance=0.1)
        assert (match.face.id, match.distance) == (face.id, 0)
        assert match.face.created == face.created


def graph_files(folder: Path) -> list[Path]:
    return sorted((folder / "index").rglob("*.hnsw"))


def manifest_of(folder: Path) -> Path:
    (manifest,) = (folder / "index").rglob("manifest.json")
    return manifest


@pytest.mark.parametrize("exact_up_to", [0, 59, 60, 1000])
def test_reopening_finds_all(tmp_path: Path, exact_up_to: int) -> None:
    faces = []
    for seed in range(3):
        with closing(opened(tmp_path, exact_up_to=exact_up_to)) as store:
            faces += store.collection().add(new_faces(people(20, seed=seed)))
            assert_holds(store, faces)
    with closing(opened(tmp_path, exact_up_to=exact_up_to)) as store:
        assert_holds(store, faces)
    assert len(graph_files(tmp_path)) == (exact_up_to < 60)


def test_a_small_gallery_has_no_graph(tmp_path: Path) -> None:
    with closing(open_store(tmp_path, model=MODEL, dims=DIMS)) as store:
        faces = store.collection().add(new_faces(people(100)))
        assert_holds(store, faces)
    assert graph_files(tmp_path) == []


def test_the_switch_to_the_graph_is_invisible(tmp_path: Path) -> None:
    faces: list[Face] = []
    with closing(opened(tmp_path, exact_up_to=10)) as store:
        for vector in people(20):
            faces += store.collection().add([new_face(vector)])
            assert_holds(store, faces)


def test_the_graph_grows_past_its_first_capacity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hnsw, "_FIRST_CAPACITY", 4)
    with closing(opened(tmp_path)) as store:
        faces = store.collection().add(new_faces(people(3)))
        for seed in range(1, 6):
            faces += store.collection().add(new_faces(people(30, seed=seed)))
        assert_holds(store, faces)
    with closing(opened(tmp_path)) as store:
        faces += store.collection().add(new_faces(people(500, seed=9)))
        assert_holds(store, faces)


def test_more_faces_than_one_batch_are_read_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_facetable.FaceTable.vectors_after, "__kwdefaults__", {"limit": 7})
    with closing(opened(tmp_path, exact_up_to=1000)) as store:
        faces = store.collection().add(new_faces(people(21)))
    with closing(opened(tmp_path, exact_up_to=1000)) as store:
        assert_holds(store, faces)


def test_many_copies_of_one_picture_hide_hardly_anybody(tmp_path: Path) -> None:
    vectors = people(400, each=3, dims=64)
    with closing(opened(tmp_path, dims=64)) as store:
        store.collection().add([new_face(vectors[0])] * 300)
        others = store.collection().add(new_faces(vectors))[1:]
        found = sum(
            face.id
            in {
                match.face.id
                for match in store.collection().search(face.embedding, k=1, max_distance=1)
            }
            for face in others
        )
    # Without the noise that keeps equal vectors apart, a quarter of them is missed.
    assert found >= 0.98 * len(others)


def test_a_graph_that_leads_to_too_few_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(graph: HnswIndex, probe: object, **_: int) -> None:
        raise hnsw.IncompleteSearch(f"{len(graph)} {probe}")

    monkeypatch.setattr(HnswIndex, "nearest", torn)
    with closing(opened(tmp_path)) as store:
        faces = store.collection().add(new_faces(people(30)))
        assert_holds(store, faces)
        assert len(store.collection().search(faces[0].embedding, k=20, max_distance=4.1)) == 20


def test_what_a_crash_left_out_of_the_index_is_replayed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = filled(tmp_path)
    before = graph_files(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(
            SavedIndex, "save", lambda *_, **__: None
        )  # as if the process had died before
        with closing(opened(tmp_path)) as store:
            faces += store.collection().add(new_faces(people(25, seed=1)))
    assert graph_files(tmp_path) == before

    monkeypatch.setattr(HnswIndex, "empty", None)  # so that nothing can be built anew
    with closing(opened(tmp_path)) as store:
        assert_holds(store, faces)
    assert caplog.text == ""


def _truncated(graph: Path, _: Path) -> None:
    graph.write_bytes(graph.read_bytes()[:-100])


def _torn(graph: Path, _: Path) -> None:
    data = bytearray(graph.read_bytes())
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    graph.write_bytes(data)


def _manifest_with(**changes: Any) -> Callable[[Path, Path], None]:
    def damage(_: Path, manifest: Path) -> None:
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | changes))

    return damage


def _foreign(graph: Path, manifest: Path) -> None:
    """A sound index of as many faces of the same model, but of another folder."""
    other = graph.parent.parent.parent / "other"
    filled(other)
    for path in (other / "index" / "1").iterdir():
        path.rename(graph.parent / path.name)
    assert manifest.exists()


DAMAGES: dict[str, Callable[[Path, Path], object]] = {
    "empty file": lambda graph, _: graph.write_bytes(b""),
    "truncated file": _truncated,
    "torn file": _torn,
    "no file": lambda graph, _: graph.unlink(),
    "no manifest": lambda _, manifest: manifest.unlink(),
    "truncated manifest": lambda _, manifest: manifest.write_text(manifest.read_text()[:50]),
    "other model": _manifest_with(model="another"),
    "other dims": _manifest_with(dims=DIMS + 1),
    "other graph": _manifest_with(m=48),
    "later format": _manifest_with(format=3),
    "name outside": _manifest_with(file="../../etc/passwd"),
    "lacks the last": _manifest_with(last=61, witnesses={"61": "f" * 32}),
    "other gallery": _foreign,
}


@pytest.mark.parametrize("name", DAMAGES)
def test_an_index_that_cannot_be_used_is_rebuilt(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    faces = filled(tmp_path)
    (graph,) = graph_files(tmp_path)
    DAMAGES[name](graph, manifest_of(tmp_path))

    with caplog.at_level(logging.WARNING), closing(opened(tmp_path)) as store:
        assert_holds(store, faces)

    assert "the saved index cannot be used" in caplog.text
    assert "building it anew" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING), closing(opened(tmp_path)) as store:
        assert_holds(store, faces)
    assert caplog.text == ""


def test_a_file_that_hnswlib_refuses_is_rebuilt(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = filled(tmp_path)
    (graph,) = graph_files(tmp_path)
    graph.write_bytes(b"no graph at all")
    monkeypatch.setattr(
        "faceserver.store.index.saved._sha256",
        lambda _: json.loads(manifest_of(tmp_path).read_text())["sha256"],
    )
    with closing(opened(tmp_path)) as store:
        assert_holds(store, faces)
    assert "hnswlib does not read it" in caplog.text


def test_faces_that_the_saved_index_has_too_many_are_never_found(tmp_path: Path) -> None:
    faces = filled(tmp_path)
    with closing(sqlite3.connect(tmp_path / "faces.sqlite")) as database, database:
        database.execute("DELETE FROM faces WHERE id IN (3, 30)")
    gone = [faces[2], faces[29]]
    del faces[29], faces[2]
    for _ in range(2):
        with closing(opened(tmp_path)) as store:
            assert_holds(store, faces)
            for face in gone:
                assert store.collection().search(face.embedding, k=1, max_distance=1e-6) == []


def test_the_index_is_saved_in_the_background(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = Event()
    save = SavedIndex.save

    def save_and_tell(self: SavedIndex, graph: HnswIndex, **more: Any) -> None:
        save(self, graph, **more)
        saved.set()

    monkeypatch.setattr(SavedIndex, "save", save_and_tell)
    monkeypatch.setattr(upkeep, "_LEAST_TO_SAVE", 20)
    with closing(opened(tmp_path)) as store:
        store.collection().add(new_faces(people(19)))
        assert graph_files(tmp_path) == []
        store.collection().add(new_faces(people(1, seed=1)))
        assert saved.wait(60)
        manifest = json.loads(manifest_of(tmp_path).read_text())
        assert manifest["faces"] == manifest["last"] == 20
        store.collection().add(new_faces(people(30, seed=2)))
    assert len(graph_files(tmp_path)) == 1
    assert json.loads(manifest_of(tmp_path).read_text())["faces"] == 50


def test_an_index_without_news_is_not_saved_again(tmp_path: Path) -> None:
    filled(tmp_path)
    before = graph_files(tmp_path)
    opened(tmp_path).close()
    assert graph_files(tmp_path) == before


def test_no_room_for_the_index_loses_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = filled(tmp_path)
    before = graph_files(tmp_path)
    save = HnswIndex.save

    def cramped(graph: HnswIndex, path: Path) -> tuple[int, int]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        try:
            return save(graph, path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    with monkeypatch.context() as patch, closing(opened(tmp_path)) as store:
        faces += store.collection().add(new_faces(people(5, seed=1)))
        patch.setattr(HnswIndex, "save", cramped)
        store.close()

    assert "the index could not be saved" in caplog.text
    assert "No space left" in caplog.text
    assert graph_files(tmp_path) == before
    with closing(opened(tmp_path)) as store:
        assert_holds(store, faces)


def test_a_full_disk_refuses_the_faces_and_the_next_call_works(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        faces = store.collection().add(new_faces(people(10)))
        writer = store._database._writer
        (pages,) = writer.execute("PRAGMA page_count").fetchone()
        writer.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreFull):
            store.collection().add(new_faces(people(500, seed=1)))
        assert_holds(store, faces)
        writer.execute("PRAGMA max_page_count = 1000000")
        faces += store.collection().add(new_faces(people(10, seed=2)))
        assert_holds(store, faces)
    with closing(opened(tmp_path)) as store:
        assert_holds(store, faces)


def test_an_index_that_failed_once_catches_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    with closing(opened(tmp_path)) as store:
        store.collection().add(new_faces(people(3)))
        monkeypatch.setattr(HnswIndex, "add", fail)
        with pytest.raises(MemoryError):
            store.collection().add(new_faces(people(3, seed=1)))
        monkeypatch.undo()
        store.collection().add(new_faces(people(3, seed=2)))
        assert (store.status().faces, store.status().indexed) == (9, 9)


@pytest.mark.parametrize(("model", "dims"), [("another", DIMS), (MODEL, DIMS + 1)])
def test_another_model_is_refused(tmp_path: Path, model: str, dims: int) -> None:
    faces = filled(tmp_path)
    with pytest.raises(StoreMismatch, match=rf"{MODEL} \({DIMS} numbers\), not of {model}"):
        open_store(tmp_path, model=model, dims=dims)
    with closing(opened(tmp_path)) as store:
        assert_holds(store, faces)


def test_a_folder_is_held_until_it_is_closed(tmp_path: Path) -> None:
    with closing(opened(tmp_path)), pytest.raises(StoreLocked):
        opened(tmp_path)
    opened(tmp_path).close()


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = opened(tmp_path)
    (face,) = store.collection().add(new_faces(people(1)))
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.collection().add(new_faces(people(1)))
    with pytest.raises(StoreError, match="closed"):
        store.collection().get(face.id)
    with pytest.raises(StoreError, match="closed"):
        store.collection().search(face.embedding, k=1, max_distance=1)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="file/data cannot be written"):
        opened(tmp_path / "file" / "data")


def test_a_search_that_the_graph_cannot_fill_is_incomplete() -> None:
    graph = HnswIndex.empty(DIMS)
    graph.add(np.arange(1, 11), people(10))
    assert len(graph.nearest(people(1)[0], k=10)[0]) == 10
    graph._graph.mark_deleted(3)
    with pytest.raises(hnsw.IncompleteSearch, match="10 vectors"):
        graph.nearest(people(1)[0], k=10)


def test_recall_of_the_graph(tmp_path: Path) -> None:
    vectors = people(500, each=4, dims=64)
    with closing(opened(tmp_path, dims=64)) as store:
        ids = [face.id for face in store.collection().add(new_faces(vectors))]
        hits = 0
        probes = people(500, each=5, dims=64)[::50]
        for probe in probes:
            order = np.argsort(((vectors - probe) ** 2).sum(axis=1))[:10]
            matches = store.collection().search(probe, k=10, max_distance=4.1)
            hits += len({ids[place] for place in order} & {match.face.id for match in matches})
    assert hits >= 0.99 * 10 * len(probes)
