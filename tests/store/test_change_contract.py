"""What every store does when a collection changes to another model."""

import numpy as np
import pytest

from faceserver.errors import ChangeIncomplete, Conflict, ModelChanged, NotFound
from faceserver.store import Collection, Store
from faceserver.store.base import ModelChange
from faceserver.types import Floats
from tests.store.samples import DIMS, new_face, new_faces, people

NEW_DIMS = 24
OLD, NEW = people(40), people(40, dims=NEW_DIMS, seed=1)


def begin(store: Store, model: str = "new", dims: int = NEW_DIMS) -> ModelChange:
    return store.change_model("default", model=model, dims=dims)


def fill(change: ModelChange, *, limit: int = 7) -> int:
    """Give each pending face the new vector of its number; return how many there were."""
    put, cursor = 0, None
    while True:
        page = change.pending(limit=limit, cursor=cursor)
        put += change.put({face.id: NEW[int(face.source[:-4])] for face in page.items})
        if page.cursor is None:
            return put
        cursor = page.cursor


def sources(collection: Collection, probe: Floats, *, k: int = 3) -> list[str]:
    return [match.face.source for match in collection.search(probe, k=k, max_distance=4.1)]


def test_the_old_model_serves_until_the_switch_and_the_new_one_after_it(any_store: Store) -> None:
    old = any_store.collection()
    subject = old.add_subject("Ann")
    stored = old.add(new_faces(OLD))
    old.move([stored[3].id], subject.id)
    change = begin(any_store)
    assert (change.model, change.dims) == ("new", NEW_DIMS)
    assert fill(change) == len(OLD)
    assert sources(old, OLD[5], k=1) == ["5.jpg"]
    assert any_store.collection().dims == DIMS

    new = change.finish()
    assert any_store.collection() is new
    assert (new.name, new.model, new.dims, new.count()) == ("default", "new", NEW_DIMS, len(OLD))
    for number, vector in enumerate(NEW):
        (match,) = new.search(vector, k=1, max_distance=1e-6)
        assert (match.face.id, match.distance) == (stored[number].id, 0)
    face = new.get(stored[3].id)
    assert np.array_equal(face.embedding, NEW[3])
    assert (face.created, face.subject) == (stored[3].created, subject.id)
    assert [face.id for face in new.faces(limit=99).items] == [face.id for face in stored]
    new.delete([stored[0].id])
    (again,) = new.add([new_face(NEW[0], "again")])
    assert sources(new, NEW[0], k=1) == ["again"]
    assert new.get(again.id).source == "again"


def test_nobody_reaches_the_new_vectors_through_the_old_collection(any_store: Store) -> None:
    old = any_store.collection()
    (face, *_) = old.add(new_faces(OLD))
    change = begin(any_store)
    fill(change)
    change.finish()
    for call in (
        lambda: old.search(OLD[0], k=1, max_distance=4),
        lambda: old.search_subjects(OLD[0], k=1, max_distance=4),
        lambda: old.add(new_faces(OLD)),
        lambda: old.get(face.id),
        lambda: old.faces(limit=1),
        lambda: old.delete([face.id]),
        lambda: old.tag(face.id, ["a"]),
        lambda: old.identify(face.id, "e"),
        lambda: change.put({face.id: NEW[0]}),
        lambda: change.pending(limit=1),
        change.finish,
    ):
        with pytest.raises(ModelChanged):
            call()
    assert any_store.collection().count() == len(OLD)


def test_faces_come_and_go_during_the_change(any_store: Store) -> None:
    collection = any_store.collection()
    stored = collection.add(new_faces(OLD[:10]))
    change = begin(any_store)
    fill(change)
    collection.add([new_face(OLD[10], "10.jpg"), new_face(OLD[11], "11.jpg")])
    collection.delete([stored[4].id])
    with pytest.raises(ChangeIncomplete, match="2"):
        change.finish()
    assert sources(collection, OLD[10], k=1) == ["10.jpg"]
    assert [face.source for face in change.pending(limit=9).items] == ["10.jpg", "11.jpg"]
    fill(change)
    collection.delete([stored[5].id])
    new = change.finish()
    kept = [number for number in range(12) if number not in (4, 5)]
    assert sorted(sources(new, NEW[0], k=40)) == sorted(f"{number}.jpg" for number in kept)


def test_a_change_that_is_begun_again_goes_on(any_store: Store) -> None:
    any_store.collection().add(new_faces(OLD))
    change = begin(any_store)
    page = change.pending(limit=5)
    change.put({face.id: NEW[int(face.source[:-4])] for face in page.items})
    status = any_store.status().collections[0]
    assert (status.changing_to, status.changed) == ("new", 5)
    assert fill(begin(any_store)) == len(OLD) - 5
    begin(any_store).finish()
    status = any_store.status().collections[0]
    assert (status.model, status.changing_to, status.changed) == ("new", None, 0)
    assert status.indexed == status.faces == len(OLD)


def test_another_model_takes_the_place_of_the_first(any_store: Store) -> None:
    any_store.collection().add(new_faces(OLD[:3]))
    first = begin(any_store)
    fill(first)
    second = begin(any_store, "other", NEW_DIMS)
    for call in (first.finish, lambda: first.put({"f" * 32: NEW[0]})):
        with pytest.raises(ModelChanged):
            call()
    assert len(second.pending(limit=9).items) == 3
    fill(second)
    assert second.finish().model == "other"


def test_an_abandoned_change_leaves_the_old_model(any_store: Store) -> None:
    any_store.collection().add(new_faces(OLD[:3]))
    change = begin(any_store)
    fill(change)
    any_store.abandon_change("default")
    any_store.abandon_change("default")
    with pytest.raises(ModelChanged):
        change.finish()
    assert any_store.status().collections[0].changing_to is None
    assert sources(any_store.collection(), OLD[1], k=1) == ["1.jpg"]


def test_there_and_back_again(any_store: Store) -> None:
    any_store.collection().add(new_faces(OLD))
    change = begin(any_store)
    fill(change)
    new = change.finish()
    back = begin(any_store, "test-model", DIMS)
    back.put({face.id: OLD[int(face.source[:-4])] for face in new.faces(limit=99).items})
    assert sources(back.finish(), OLD[7], k=1) == ["7.jpg"]


def test_what_fits_no_model_is_refused(any_store: Store) -> None:
    held = any_store.collection()
    (face,) = held.add(new_faces(OLD[:1]))
    with pytest.raises(Conflict, match="already"):
        begin(any_store, held.model, held.dims)
    for call in (
        lambda: any_store.change_model("nobody", model="new", dims=3),
        lambda: any_store.abandon_change("nobody"),
    ):
        with pytest.raises(NotFound):
            call()
    change = begin(any_store)
    with pytest.raises(ValueError, match="shape"):
        change.put({face.id: OLD[0]})
    assert change.put({"f" * 32: NEW[0]}) == 0
    assert change.put({face.id: NEW[0]}) == 1
    assert change.put({face.id: NEW[1]}) == 0, "a face that has one keeps it"


def test_an_empty_collection_and_others_beside_it(any_store: Store) -> None:
    other = any_store.create("other", model="m", dims=DIMS)
    other.add(new_faces(OLD[:2]))
    assert begin(any_store).finish().count() == 0
    assert sources(other, OLD[1], k=1) == ["1.jpg"]
