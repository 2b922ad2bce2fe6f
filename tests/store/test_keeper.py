"""The index in the background: built, compacted, saved and measured, while searches stay right."""

import logging
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from faceserver.store import Options, open_store
from faceserver.store.index import recall, upkeep
from faceserver.store.index.hnsw import HnswIndex
from faceserver.store.index.recall import Cancelled, least_ef, make_probes, nearest_distances
from faceserver.store.sqlite.store import DurableStore
from faceserver.types import Face, Filter
from tests.store.samples import DIMS, MODEL, new_face, new_faces, people


def opened(folder: Path, *, exact_up_to: int = 0, dims: int = DIMS) -> DurableStore:
    return open_store(folder, model=MODEL, dims=dims, options=Options(exact_up_to=exact_up_to))


def settle(store: DurableStore) -> None:
    store._background.submit(lambda: None).result()


def filled(folder: Path, count: int = 60) -> list[Face]:
    with closing(opened(folder)) as store:
        return store.collection().add(new_faces(people(count)))


def assert_finds(store: DurableStore, faces: list[Face]) -> None:
    for face in faces:
        (match,) = store.collection().search(face.embedding, k=1, max_distance=1e-6)
        assert match.face.id == face.id


@contextmanager
def held_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """While the block runs, no graph is completed before the event is set."""
    go_on = Event()
    complete = upkeep.IndexKeeper._complete

    def wait(self: upkeep.IndexKeeper, graph: HnswIndex) -> None:
        assert go_on.wait(60)
        complete(self, graph)

    with monkeypatch.context() as patch:
        patch.setattr(upkeep.IndexKeeper, "_complete", wait)
        try:
            yield go_on
        finally:
            go_on.set()


def test_searches_are_exact_while_the_index_is_rebuilt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    faces = filled(tmp_path)
    for path in (tmp_path / "index").rglob("*.hnsw"):
        path.write_bytes(b"torn")
    with held_up(monkeypatch) as go_on, closing(opened(tmp_path)) as store:
        assert "the saved index cannot be used" in caplog.text
        status = store.collection().status()
        assert (status.index, status.indexed, status.progress) == ("building", 0, 0)
        assert_finds(store, faces)
        faces += store.collection().add(new_faces(people(10, seed=1)))
        store.collection().delete([faces.pop(0).id, faces.pop().id])
        assert_finds(store, faces)
        assert len(store.collection().search(faces[0].embedding, k=99, max_distance=4.1)) == 68
        assert len(store.collection().search_subjects(faces[0].embedding, k=3, max_distance=4)) == 3
        go_on.set()
        settle(store)
        status = store.collection().status()
        assert (status.index, status.indexed, status.progress) == ("graph", 68, 1)
        assert_finds(store, faces)


def test_progress_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path, 50)
    for path in (tmp_path / "index").rglob("*.hnsw"):
        path.unlink()
    graph = HnswIndex.empty(DIMS)
    graph.add(np.arange(1, 21), people(20))
    with held_up(monkeypatch) as go_on, closing(opened(tmp_path)) as store:
        store.collection().index._building = graph
        status = store.collection().status()
        assert (status.progress, status.indexed, status.index) == (0.4, 20, "building")
        go_on.set()


def test_much_that_the_saved_index_lacks_is_added_in_the_background(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = filled(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(upkeep.IndexKeeper, "_save", lambda *_: None)
        with closing(opened(tmp_path)) as store:
            faces += store.collection().add(new_faces(people(40, seed=1)))
    monkeypatch.setattr(upkeep, "_FOLLOWED_AT_ONCE", 30)
    with held_up(monkeypatch) as go_on, closing(opened(tmp_path)) as store:
        status = store.collection().status()
        assert (status.index, status.progress) == ("building", 0.6)
        assert_finds(store, faces)
        go_on.set()
        settle(store)
        assert store.collection().status().index == "graph"
        assert_finds(store, faces)


def test_a_graph_is_built_anew_when_much_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_LEAST_TO_COMPACT", 20)
    with held_up(monkeypatch) as go_on, closing(opened(tmp_path)) as store:
        collection = store.collection()
        faces = collection.add(new_faces(people(100)))
        collection.delete([face.id for face in faces[:19]])
        graph = collection.index._index and collection.index._index.graph
        assert graph
        assert (graph.removed, collection.index._building) == (19, None)
        collection.delete([faces[19].id])
        assert collection.status().index == "graph", "the old graph serves meanwhile"
        faces = faces[20:] + collection.add(new_faces(people(5, seed=1)))
        collection.delete([faces.pop(0).id])
        assert_finds(store, faces)
        go_on.set()
        settle(store)
        graph = collection.index._index and collection.index._index.graph
        assert graph
        assert (graph.removed, len(graph)) == (0, 84)
        assert_finds(store, faces)
    with closing(opened(tmp_path)) as store:
        assert_finds(store, faces)


@pytest.mark.parametrize("purge", [True, False])
def test_emptying_stops_what_is_being_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, purge: bool
) -> None:
    filled(tmp_path)
    for path in (tmp_path / "index").rglob("*.hnsw"):
        path.unlink()
    with held_up(monkeypatch) as go_on, closing(opened(tmp_path)) as store:
        (store.purge if purge else store.collection().delete_all)()
        faces = store.collection().add(new_faces(people(7, seed=3)))
        go_on.set()
        settle(store)
        assert store.status().indexed == 7
        assert_finds(store, faces)


def test_closing_does_not_wait_for_a_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faces = filled(tmp_path)
    for path in (tmp_path / "index").rglob("*.hnsw"):
        path.unlink()
    with held_up(monkeypatch) as go_on:
        store = opened(tmp_path)
        store._closing.set()
        go_on.set()
        store.close()
    assert not list((tmp_path / "index").rglob("*.hnsw"))
    with closing(opened(tmp_path)) as store:
        settle(store)
        assert_finds(store, faces)


def test_what_fails_in_the_background_is_logged_and_searches_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    faces = filled(tmp_path)
    for path in (tmp_path / "index").rglob("*.hnsw"):
        path.unlink()
    monkeypatch.setattr(HnswIndex, "add", fail)
    with closing(opened(tmp_path)) as store:
        settle(store)
        assert "could not be kept up" in caplog.text
        assert store.collection().status().index == "building"
        assert_finds(store, faces)


def test_a_save_lets_go_of_what_its_copy_holds(tmp_path: Path) -> None:
    """The copy of the process must not keep pipes, sockets and locks of the origin alive."""
    reading, writing = os.pipe()
    graph = HnswIndex.empty(DIMS)
    graph.add(np.arange(1, 101), people(100))
    assert graph.save(tmp_path / "x.hnsw") == (100, 100)
    os.close(writing)
    assert os.read(reading, 1) == b""
    os.close(reading)
    loaded = HnswIndex.load(tmp_path / "x.hnsw", dims=DIMS, last=100)
    assert loaded.labels().tolist() == list(range(1, 101))


def test_a_save_and_a_purge_leave_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started, go_on = Event(), Event()
    save = HnswIndex.save

    def slow(graph: HnswIndex, path: Path) -> tuple[int, int]:
        started.set()
        assert go_on.wait(60)
        return save(graph, path)

    monkeypatch.setattr(HnswIndex, "save", slow)
    monkeypatch.setattr(upkeep, "_LEAST_TO_SAVE", 20)
    with closing(opened(tmp_path)) as store:
        store.collection().add(new_faces(people(30)))
        assert started.wait(60)
        purging = store._background.__class__(1).submit(store.purge)
        go_on.set()
        assert purging.result().faces == 30
        assert not list((tmp_path / "index").rglob("*.hnsw"))


class TestRecall:
    def test_ef_is_chosen_and_published(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(upkeep, "_LEAST_TO_SAVE", 100)
        with caplog.at_level(logging.INFO), closing(opened(tmp_path, dims=64)) as store:
            store.collection().add(new_faces(people(400, each=3, dims=64)))
            settle(store)
            measured = store.collection().status()
            assert measured.recall is not None
            assert measured.recall >= recall.WANTED
            assert measured.ef in recall.EFS
            assert "default: recall" in caplog.text
        with closing(opened(tmp_path, dims=64)) as store:
            again = store.collection().status()
            assert (again.ef, again.recall) == (measured.ef, measured.recall)

    def test_more_candidates_are_looked_at_where_fewer_miss(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        vectors = people(600, each=2, dims=128)
        graph = HnswIndex.empty(128)
        graph.add(np.arange(1, 1201), vectors)
        probes = make_probes(vectors[::6], vectors[::2] - vectors[1::2])
        assert np.allclose(np.linalg.norm(probes, axis=1), 1, atol=1e-6)
        nearest = nearest_distances(probes, [(np.arange(1), vectors)], stop=lambda: False)
        plain = ((vectors[None] - probes[:, None]) ** 2).sum(axis=2).min(axis=1)
        assert nearest == pytest.approx(plain, abs=1e-5)

        monkeypatch.setattr(recall, "EFS", (1, 4, 400))
        found = least_ef(graph, probes, nearest, stop=lambda: False)
        assert found.ef > 1
        assert found.recall >= recall.WANTED
        monkeypatch.setattr(recall, "EFS", (1,))
        assert least_ef(graph, probes, nearest, stop=lambda: False).recall < recall.WANTED

    def test_a_gallery_of_copies_is_measured_too(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(upkeep, "_LEAST_TO_SAVE", 100)
        with closing(opened(tmp_path)) as store:
            store.collection().add(new_faces(np.repeat(people(1), 300, axis=0)))
            settle(store)
            assert store.collection().status().recall == 1

    def test_faces_that_the_graph_does_not_hold_yet_are_no_misses(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        vectors = people(300, each=2)
        with closing(opened(tmp_path)) as store:
            store.collection().add(new_faces(vectors))
            faces = store.collection().index._faces
            graph = HnswIndex.empty(DIMS)
            graph.add(*faces.vectors_after(0, limit=300))
            monkeypatch.setattr(recall, "EFS", (300,))
            assert recall.measure(faces, graph, stop=lambda: False).recall == 1

    def test_it_can_be_cancelled(self) -> None:
        vectors = people(10)
        graph = HnswIndex.empty(DIMS)
        graph.add(np.arange(1, 11), vectors)
        with pytest.raises(Cancelled):
            nearest_distances(vectors, [(np.arange(10), vectors)], stop=lambda: True)
        with pytest.raises(Cancelled):
            least_ef(graph, vectors, np.zeros(10, np.float32), stop=lambda: True)


def test_wide_filters_keep_recall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceserver.store.sqlite.searcher.NARROW", 20)
    vectors = people(200, each=3, dims=64)
    with closing(opened(tmp_path, dims=64)) as store:
        faces = store.collection().add(
            [new_face(vector, tags=(f"mod {n % 7}",)) for n, vector in enumerate(vectors)]
        )
        for probe in people(20, each=4, dims=64)[3::4]:
            fitting = [n for n in range(len(vectors)) if n % 7 == 3]
            order = np.argsort(((vectors[fitting] - probe) ** 2).sum(axis=1))[:10]
            found = store.collection().search(
                probe, k=10, max_distance=4.1, only=Filter(tags=("mod 3",))
            )
            assert [match.face.id for match in found] == [faces[fitting[n]].id for n in order]


def test_more_than_the_graph_is_asked_for_comes_from_all_vectors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceserver.store.sqlite.searcher._MOST_FROM_GRAPH", 8)
    with closing(opened(tmp_path)) as store:
        vectors = people(50)
        store.collection().add(new_faces(vectors))
        found = store.collection().search(vectors[0], k=30, max_distance=4.1)
        order = np.argsort(((vectors - vectors[0]) ** 2).sum(axis=1), kind="stable")[:30]
        assert [match.face.source for match in found] == [f"{n}.jpg" for n in order]
