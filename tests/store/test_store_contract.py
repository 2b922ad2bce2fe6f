"""What every store does: the same calls on each give the same answers."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from faceserver.errors import NotFound
from faceserver.store import Collection, Store
from faceserver.types import Face, Floats
from tests.store.samples import DETECTION, DIMS, new_face, new_faces, people


def found_ids(
    store: Collection, probe: Floats, *, k: int = 10, max_distance: float = 4.1
) -> list[str]:
    return [match.face.id for match in store.search(probe, k=k, max_distance=max_distance)]


def assert_same(one: Face, other: Face) -> None:
    assert one.embedding.dtype == other.embedding.dtype == np.float32
    assert np.array_equal(one.embedding, other.embedding)
    assert replace(one, embedding=other.embedding).__dict__ == other.__dict__


def test_an_empty_store_finds_nothing(store: Collection) -> None:
    assert store.dims == DIMS
    assert store.count() == 0
    assert (store.status().faces, store.status().indexed) == (0, 0)
    assert store.search(people(1)[0], k=10, max_distance=4) == []


def test_a_face_comes_back_as_it_went_in(store: Collection) -> None:
    vector = people(1)[0]
    given = replace(new_face(vector), source="été 😀 'quoted'.jpg", picture="f" * 64 + ".jpg")

    (stored,) = store.add([given])

    assert np.array_equal(stored.embedding, vector)
    assert (stored.detection, stored.picture, stored.source) == (
        DETECTION,
        given.picture,
        given.source,
    )
    assert len(stored.id) == 32
    assert int(stored.id, 16)
    assert stored.created.tzinfo is UTC
    assert abs(datetime.now(UTC) - stored.created) < timedelta(minutes=1)
    assert_same(store.get(stored.id), stored)
    (match,) = store.search(vector, k=1, max_distance=1)
    assert match.distance == 0
    assert_same(match.face, stored)


def test_faces_are_stored_in_the_order_given(store: Collection) -> None:
    vectors = people(5)
    stored = store.add(new_faces(vectors))
    assert [face.source for face in stored] == [f"{number}.jpg" for number in range(5)]
    assert len({face.id for face in stored}) == 5
    assert store.count() == 5
    assert (store.status().faces, store.status().indexed) == (5, 5)


def test_adding_nothing_stores_nothing(store: Collection) -> None:
    assert store.add([]) == []
    assert store.count() == 0


def test_the_store_keeps_its_own_copy(store: Collection) -> None:
    vector = people(1)[0].copy()
    given = vector.copy()
    (stored,) = store.add([new_face(given)])
    given[:] = 0
    assert np.array_equal(store.get(stored.id).embedding, vector)
    assert np.array_equal(stored.embedding, vector)
    with pytest.raises(ValueError, match="read-only"):
        store.get(stored.id).embedding[0] = 0


def test_every_search_agrees_with_plain_arithmetic(store: Collection) -> None:
    vectors = people(120, each=5)
    ids = [face.id for face in store.add(new_faces(vectors))]
    for probe in people(30, each=5, seed=0)[::5]:
        distances = ((vectors.astype(np.float64) - probe) ** 2).sum(axis=1)
        order = np.argsort(distances, kind="stable")
        expected = [ids[place] for place in order if distances[place] < 1.2][:100]

        matches = store.search(probe, k=100, max_distance=1.2)

        assert [match.face.id for match in matches] == expected
        assert [match.distance for match in matches] == pytest.approx(
            sorted(distances)[: len(expected)], abs=1e-5
        )


def test_only_faces_strictly_nearer_are_found(store: Collection) -> None:
    store.add(new_faces(people(3, each=3)))
    probe = people(1, each=4)[3]
    matches = store.search(probe, k=9, max_distance=4.1)
    limit = matches[4].distance
    assert [m.distance for m in store.search(probe, k=9, max_distance=limit)] == [
        match.distance for match in matches[:4]
    ]
    assert store.search(people(1)[0], k=9, max_distance=0) == []


@pytest.mark.parametrize(("k", "found"), [(-1, 0), (0, 0), (1, 1), (7, 7), (8, 7), (10_000, 7)])
def test_k_is_at_most_how_many_are_found(store: Collection, k: int, found: int) -> None:
    store.add(new_faces(people(7)))
    assert len(store.search(people(1)[0], k=k, max_distance=4.1)) == found


def test_equal_vectors_are_different_faces_in_the_order_they_came(store: Collection) -> None:
    vector, other = people(2)
    first = store.add([new_face(vector, "first"), new_face(other), new_face(vector, "second")])
    (third,) = store.add([new_face(vector, "third")])
    assert found_ids(store, vector, k=3) == [first[0].id, first[2].id, third.id]


def test_many_equal_vectors_do_not_hide_one_another(store: Collection) -> None:
    vector = people(1)[0]
    for _ in range(5):
        store.add([new_face(vector)] * 60)
    store.add(new_faces(people(40, seed=1)))
    assert len(set(found_ids(store, vector, k=300, max_distance=0.001))) == 300
    assert len(set(found_ids(store, vector, k=340))) == 340


@pytest.mark.parametrize(
    "vector",
    [
        people(1)[0].astype(np.float64),
        people(1, dims=DIMS + 1)[0],
        people(1),
        people(1)[0] * 1.01,
        np.zeros(DIMS, np.float32),
        np.full(DIMS, np.nan, np.float32),
    ],
    ids=["float64", "too long", "two axes", "not unit", "zero", "nan"],
)
def test_an_embedding_that_does_not_fit_is_refused(store: Collection, vector: Floats) -> None:
    with pytest.raises(ValueError, match="an embedding"):
        store.add([new_face(people(1)[0]), new_face(vector)])
    assert store.count() == 0
    with pytest.raises(ValueError, match="an embedding"):
        store.search(vector, k=1, max_distance=1)


@pytest.mark.parametrize("face_id", ["", "0" * 32, "' OR 1=1 --"])
def test_an_unknown_face_is_not_found(store: Collection, face_id: str) -> None:
    store.add(new_faces(people(1)))
    with pytest.raises(NotFound):
        store.get(face_id)


def test_threads_add_and_search_together(store: Collection) -> None:
    vectors = people(60, each=4)

    def work(share: Floats) -> list[Face]:
        added = []
        for vector in share:
            (face,) = store.add([new_face(vector)])
            assert found_ids(store, vector, k=1) == [face.id]
            assert store.get(face.id).id == face.id
            added.append(face)
        return added

    with ThreadPoolExecutor(8) as pool:
        added = [face for faces in pool.map(work, np.array_split(vectors, 8)) for face in faces]

    assert store.status().faces == store.status().indexed == len(vectors)
    assert len({face.id for face in added}) == len(vectors)
    for face in added:
        assert found_ids(store, face.embedding, k=1) == [face.id]


def test_closing_twice_does_nothing(any_store: Store) -> None:
    any_store.collection().add(new_faces(people(2)))
    any_store.close()
    any_store.close()
