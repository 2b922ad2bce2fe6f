"""How every collection lists people, hides them, and shows them by a face."""

from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from faceserver.errors import InvalidCursor, NotFound
from faceserver.store import Collection
from faceserver.store.listing import Order
from faceserver.types import Box, Filter
from tests.store.samples import DETECTION, new_face, people
from tests.store.test_collection_contract import NOBODY, with_faces


def test_the_cover_is_the_best_face_until_one_is_chosen(store: Collection) -> None:
    ann, bob = store.add_subject("Ann"), store.add_subject("Bob")
    vectors = people(6)
    large = replace(DETECTION, box=Box(0, 0, 300, 200))
    faces = [
        new_face(vectors[0], subject=ann.id),
        new_face(vectors[1], subject=ann.id, detection=large),
        new_face(vectors[2], subject=ann.id, attributes={"quality": 0.5}),
        new_face(vectors[3], subject=ann.id, attributes={"quality": 0.75}),
        new_face(vectors[4], subject=bob.id, attributes={"quality": 0.9}),
        new_face(vectors[5], subject=ann.id, picture=None, attributes={"quality": 1.0}),
    ]
    small, size, mediocre, best, other, unseen = store.add(faces)
    assert (store.subject(ann.id).cover, store.subject(ann.id).cover_chosen) == (best.id, False)
    chosen = store.change_subject(ann.id, cover=small.id)
    assert (chosen.cover, chosen.cover_chosen) == (small.id, True)
    assert store.subjects(limit=1).items == (chosen,)
    for wrong in (other.id, unseen.id, NOBODY):
        with pytest.raises(NotFound):
            store.change_subject(ann.id, cover=wrong)
    store.move([small.id], bob.id)
    left = store.subject(ann.id)
    assert (left.cover_chosen, left.cover != small.id) == (False, True)
    store.move([small.id], ann.id)
    assert store.subject(ann.id).cover == small.id
    automatic = store.change_subject(ann.id, cover="")
    assert not automatic.cover_chosen
    store.delete([best.id, mediocre.id])
    assert store.subject(ann.id).cover == size.id


def test_who_is_hidden_is_listed_when_asked_for(store: Collection) -> None:
    ann, bob = store.add_subject("Ann", tags=["t"]), store.add_subject("Bob", hidden=True)
    assert (ann.hidden, bob.hidden) == (False, True)
    lists = {
        hidden: [person.name for person in store.subjects(limit=9, hidden=hidden).items]
        for hidden in (None, False, True)
    }
    assert lists == {None: ["Ann", "Bob"], False: ["Ann"], True: ["Bob"]}
    assert [store.count_subjects(hidden=hidden) for hidden in (None, False, True)] == [2, 1, 1]
    assert store.change_subject(ann.id, hidden=True).hidden
    assert store.count_subjects(hidden=True, tags=["t"], called="an") == 1
    assert not store.change_subject(bob.id, hidden=False).hidden
    store.add([new_face(people(1)[0], subject=ann.id)])
    (found,) = store.search_subjects(people(1)[0], k=1, max_distance=1)
    assert found.subject == ann.id


def test_a_merge_and_its_undoing_keep_what_was_chosen(store: Collection) -> None:
    ann, bob = with_faces(store, "Ann", 2, seed=1), with_faces(store, "Bob", 1, seed=2)
    second = store.faces(limit=9, only=Filter(subject=ann.id)).items[1].id
    before = store.change_subject(ann.id, hidden=True, cover=second)
    merge = store.merge(ann.id, into=bob.id)
    (record,) = store.merge_records()
    assert (record.gone.hidden, record.gone.cover) == (True, second)
    stays = store.subject(bob.id)
    assert (stays.faces, stays.hidden, stays.cover_chosen) == (3, False, False)
    assert store.undo(merge.id) == before


NAMES = ("émile", "Zoë", "Anna", "ann", "Éa", "x" * 100 + "b", "x" * 100 + "a", "王")


@pytest.mark.parametrize("limit", [1, 3, 20])
@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("stored", [0, 1, 2, 3, 4, 5, 6, 7]),
        ("name", [3, 2, 4, 0, 5, 6, 1, 7]),
        ("newest", [0, 1, 7, 6, 5, 4, 3, 2]),
        ("faces", [2, 1, 7, 6, 5, 4, 3, 0]),
    ],
)
def test_people_are_sorted(
    store: Collection, order: Order, expected: list[int], limit: int
) -> None:
    time = datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    ids = []
    for number, name in enumerate(NAMES):
        age = timedelta(microseconds=-number if number < 2 else number - 100)
        ids.append(store.add_subject(name, created=time + age).id)
    shown = [ids[2], ids[2], ids[1]]
    store.add([new_face(v, subject=i) for v, i in zip(people(3), shown, strict=True)])
    found: list[str] = []
    cursor = None
    while True:
        page = store.subjects(limit=limit, cursor=cursor, order=order)
        found += [person.name for person in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert found == [NAMES[number] for number in expected]


@pytest.mark.parametrize("order", ["name", "newest", "faces"])
def test_sorted_pages_are_stable_while_people_come_and_go(store: Collection, order: Order) -> None:
    people = [store.add_subject(name) for name in ("B", "D", "F", "H")]
    first = store.subjects(limit=2, order=order)
    seen = [person.id for person in first.items]
    store.delete_subject(seen[1])
    store.add_subject("A" if order == "name" else "Z")
    rest = store.subjects(limit=9, order=order, cursor=first.cursor)
    found = [person.id for person in rest.items if person.id in {each.id for each in people}]
    assert sorted([*seen, *found]) == sorted(person.id for person in people)


@pytest.mark.parametrize(
    "text",
    [
        '["name","a",0]',
        '["name",1,1]',
        '["name","\\ud800",1]',
        '["name","\\u0000",1]',
        '["newest","soon",1]',
        '["faces","1",1]',
        '["faces",-1,1]',
        '["faces",1e9,1]',
        '["faces",true,1]',
        '["faces",1,99999999999999999999]',
        "[" * 5000,
        "7",
        "after:1",
    ],
)
def test_a_cursor_of_another_order_is_refused(store: Collection, text: str) -> None:
    store.add_subject("Ann")
    cursor = urlsafe_b64encode(text.encode()).decode().rstrip("=")
    for order in ("name", "newest", "faces"):
        with pytest.raises(InvalidCursor):
            store.subjects(limit=1, cursor=cursor, order=order)


def test_names_are_found_without_their_accents(store: Collection) -> None:
    store.add_subject("Émile Nuñez")
    for called in ("emile", "NUNEZ", "é", "e nu"):
        assert store.subjects(limit=9, called=called).items, called
    assert store.subjects(limit=9, called="emily").items == ()
    renamed = store.change_subject(store.subjects(limit=1).items[0].id, name="Zoë")
    assert store.subjects(limit=9, called="zoe").items == (renamed,)
