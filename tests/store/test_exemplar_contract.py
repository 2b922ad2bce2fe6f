"""What every collection remembers beside its faces, and when that goes."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from faceserver.errors import AlreadyExists, Conflict, InvalidRequest, NotFound
from faceserver.store import Collection, Options, Store, open_store
from faceserver.store.exemplars import MAX_CONTENT, Exemplar
from faceserver.types import Filter
from tests.store.samples import DIMS, MODEL, new_face, new_faces, people

VECTORS = people(6, seed=3)
PAST = datetime.now(UTC) - timedelta(seconds=1)
LATER = datetime.now(UTC) + timedelta(days=1)


def refusal(subject: str | None = None, row: int = 0, **more: object) -> Exemplar:
    return Exemplar("refusal", VECTORS[row], subject=subject, **more)  # type: ignore[arg-type]


def ids(store: Collection, kind: str = "refusal", subject: str | None = None) -> list[str]:
    page = store.exemplars(kind, limit=100, subject=subject)  # type: ignore[arg-type]
    return [item.id for item in page.items]


def test_what_is_kept_comes_back_as_it_went_in(store: Collection) -> None:
    ann = store.add_subject("Ann")
    (face,) = store.add([new_face(VECTORS[0])])
    created = datetime(2020, 1, 2, 3, 4, 5, 6, UTC)
    content = {"seen": 3, "née": ["Ø", None]}
    given = refusal(ann.id, face=face.id, content=content, id="e" * 32, created=created)
    store.keep(given)
    for held in (store.exemplar("e" * 32), *store.exemplars("refusal", limit=1).items):
        assert (held.kind, held.subject, held.face) == ("refusal", ann.id, face.id)
        assert (held.content, held.id, held.created) == (content, "e" * 32, created)
        assert held.embedding.tobytes() == VECTORS[0].tobytes()
    assert ids(store, "stranger") == []


def test_an_id_and_a_time_are_made_where_there_are_none(store: Collection) -> None:
    before = datetime.now(UTC)
    kept = store.keep(refusal())
    assert len(kept.id) == 32
    assert before <= kept.created <= datetime.now(UTC)


def test_the_same_id_is_replaced_and_keeps_its_place(store: Collection) -> None:
    first, second = store.keep(refusal()), store.keep(refusal(row=1))
    store.keep(refusal(row=2, id=first.id, content={"n": 2}))
    assert ids(store) == [first.id, second.id]
    assert store.exemplar(first.id).content == {"n": 2}
    near = store.near_exemplars("refusal", VECTORS[2], max_distance=1e-3)
    assert [item.exemplar.id for item in near] == [first.id]
    with pytest.raises(AlreadyExists):
        store.keep(Exemplar("stranger", VECTORS[0], id=first.id))


def test_what_cannot_be_is_refused(store: Collection) -> None:
    for vector in (VECTORS[0] * 2, VECTORS[0][:3], VECTORS[0].astype(np.float64)):
        with pytest.raises(ValueError, match="embedding"):
            store.keep(Exemplar("refusal", vector))
    for content in ({"x": float("nan")}, {"x": "y" * MAX_CONTENT}, {"x": object()}):
        with pytest.raises(InvalidRequest):
            store.keep(refusal(content=content))
    for more in ({"subject": "0" * 32}, {"face": "0" * 32}):
        with pytest.raises(NotFound):
            store.keep(refusal(**more))  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        store.exemplar("0" * 32)
    assert ids(store) == []


def test_they_are_listed_by_pages_and_by_person(store: Collection) -> None:
    ann, ben = store.add_subject("Ann"), store.add_subject("Ben")
    kept = [store.keep(refusal((ann, ben)[row % 2].id, row)).id for row in range(5)]
    listed, cursor = [], None
    while page := store.exemplars("refusal", limit=2, cursor=cursor):
        listed += [item.id for item in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert listed == kept
    assert ids(store, subject=ben.id) == kept[1::2]
    with pytest.raises(InvalidRequest):
        store.exemplars("refusal", limit=2, cursor="nonsense")


def test_the_nearest_are_found_exactly(store: Collection) -> None:
    for row in range(6):
        store.keep(refusal(row=row, content={"row": row}))
    store.keep(Exemplar("stranger", VECTORS[0]))
    distances = ((VECTORS - VECTORS[1]) ** 2).sum(axis=1)
    order = np.argsort(distances)
    near = store.near_exemplars("refusal", VECTORS[1], max_distance=4.1)
    assert [item.exemplar.content["row"] for item in near] == order.tolist()
    assert [item.distance for item in near] == pytest.approx(distances[order], abs=1e-6)
    limit = float(distances[order[3]])
    assert len(store.near_exemplars("refusal", VECTORS[1], max_distance=limit - 1e-5)) == 3
    assert len(store.near_exemplars("refusal", VECTORS[1], max_distance=4.1, k=2)) == 2
    assert store.search(VECTORS[0], k=9, max_distance=4.1) == []
    with pytest.raises(ValueError, match="embedding"):
        store.near_exemplars("refusal", VECTORS[1][:3], max_distance=1)


def test_what_is_over_is_nowhere(store: Collection) -> None:
    kept = store.keep(refusal(until=LATER))
    store.keep(refusal(row=1, until=PAST, id="f" * 32))
    assert ids(store) == [kept.id]
    assert len(store.near_exemplars("refusal", VECTORS[1], max_distance=4.1)) == 1
    with pytest.raises(NotFound):
        store.exemplar("f" * 32)


def test_forgetting_counts_what_there_was(store: Collection) -> None:
    kept = [store.keep(refusal(row=row)).id for row in range(3)]
    assert store.forget([kept[1], "0" * 32]) == 1
    assert ids(store) == [kept[0], kept[2]]
    near = store.near_exemplars("refusal", VECTORS[1], max_distance=4.1)
    assert kept[1] not in [item.exemplar.id for item in near]


def test_they_go_with_their_face_and_their_person(store: Collection) -> None:
    ann = store.add_subject("Ann")
    one, two = store.add(new_faces(VECTORS[:2]))
    of_face = store.keep(refusal(face=one.id)).id
    of_ann = store.keep(refusal(ann.id)).id
    other = store.keep(refusal(face=two.id)).id
    store.delete([one.id])
    assert ids(store) == [of_ann, other]
    store.delete_subject(ann.id)
    assert ids(store) == [other]
    assert [
        item.exemplar.id for item in store.near_exemplars("refusal", VECTORS[0], max_distance=4.1)
    ] == [other]
    assert store.exemplar(other).face == two.id
    assert store.forget([of_face]) == 0
    store.delete_all()
    assert ids(store) == []


def test_they_follow_their_person_into_a_merge_and_back(store: Collection) -> None:
    ann, ben, cid = (store.add_subject(name) for name in ("Ann", "Ben", "Cid"))
    of_ann, of_ben = store.keep(refusal(ann.id)).id, store.keep(refusal(ben.id, 1)).id
    first = store.merge(ann.id, into=ben.id)
    assert ids(store, subject=ben.id) == [of_ann, of_ben]
    second = store.merge(ben.id, into=cid.id)
    assert ids(store, subject=cid.id) == [of_ann, of_ben]
    assert store.merge_records()[0].exemplars == (of_ann, of_ben)
    later = store.keep(refusal(cid.id, 2)).id
    store.undo(second.id)
    assert ids(store, subject=cid.id) == [later]
    store.undo(first.id)
    assert ids(store, subject=ann.id) == [of_ann]
    assert ids(store, subject=ben.id) == [of_ben]


def test_faces_of_some_people_can_be_left_out_of_a_search(store: Collection) -> None:
    ann, ben = store.add_subject("Ann"), store.add_subject("Ben")
    shown = (ann.id, ben.id, None)
    store.add(
        [new_face(VECTORS[row], str(row), subject=shown[row % 3], tags=("x",)) for row in range(6)]
    )

    def found(only: Filter) -> set[str | None]:
        look = store.look(VECTORS[0], only=only)
        people = look.people(k=9, max_distance=4.1)
        listed = {face.subject for face in store.faces(limit=9, only=only).items}
        faces = {match.face.subject for match in look.faces(k=9, max_distance=4.1)}
        assert {person.subject for person in people} == listed == faces
        return listed

    assert found(Filter(without=(ann.id,))) == {ben.id, None}
    assert found(Filter(without=(ann.id, ben.id), tags=("x",))) == {None}
    assert found(Filter(without=(ann.id,), named=True)) == {ben.id}
    assert found(Filter(without=(ann.id,), subject=ann.id)) == set()


def test_a_change_of_model_takes_along_those_of_stored_faces(any_store: Store) -> None:
    store = any_store.collection()
    (face,) = store.add(new_faces(VECTORS[:1]))
    of_face = store.keep(refusal(face=face.id)).id
    store.keep(refusal(row=1))
    change = any_store.change_model("default", model="other", dims=4)
    (vector,) = people(1, dims=4)
    change.put({face.id: vector})
    changed = change.finish()
    assert ids(changed) == [of_face]
    (near,) = changed.near_exemplars("refusal", vector, max_distance=1e-3)
    assert near.exemplar.id == of_face


def test_a_purge_forgets_them_and_lets_nobody_add(any_store: Store) -> None:
    store = any_store.collection()
    store.keep(refusal())
    any_store.purge("default")
    assert ids(any_store.collection()) == []
    with pytest.raises(Conflict):
        store.keep(refusal())


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[], Store]:
    return lambda: open_store(tmp_path / "data", model=MODEL, dims=DIMS, options=Options())


def test_they_survive_a_restart(opened: Callable[[], Store]) -> None:
    with closing(opened()) as store:
        ann = store.collection().add_subject("Ann")
        kept = store.collection().keep(refusal(ann.id, until=LATER)).id
    with closing(opened()) as store:
        assert ids(store.collection(), subject=ann.id) == [kept]
        (near,) = store.collection().near_exemplars("refusal", VECTORS[0], max_distance=1e-3)
        assert near.exemplar.until == LATER


def test_nothing_of_what_is_over_is_left_on_the_disk(
    opened: Callable[[], Store], tmp_path: Path
) -> None:
    path = tmp_path / "data" / "faces.sqlite"
    with closing(opened()) as store:
        store.collection().keep(refusal(until=PAST))
    assert VECTORS[0].tobytes() in path.read_bytes()
    with closing(opened()) as store:
        store.collection().keep(refusal(row=1, until=LATER))
    assert VECTORS[0].tobytes() not in path.read_bytes()
    assert VECTORS[1].tobytes() in path.read_bytes()


def test_a_sweep_deletes_what_is_over(tmp_path: Path) -> None:
    with closing(open_store(tmp_path, model=MODEL, dims=DIMS)) as store:
        store.collection().keep(refusal(until=PAST))
        store.sweeper.sweep()
    assert VECTORS[0].tobytes() not in (tmp_path / "faces.sqlite").read_bytes()
