"""What every collection does with people, tags, pages, moves and deletions."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from faceserver.conditions import parse_condition
from faceserver.errors import AlreadyExists, CannotUndo, InvalidRequest, NotFound
from faceserver.store import Collection, Store
from faceserver.types import AttributeValue, Filter, Merge, MergeRecord, Subject
from tests.store.samples import new_face, new_faces, people

NOBODY = "0" * 32


def with_faces(store: Collection, name: str, count: int, *, seed: int) -> Subject:
    subject = store.add_subject(name)
    store.add([new_face(vector, name, subject=subject.id) for vector in people(count, seed=seed)])
    return store.subject(subject.id)


def listed(store: Collection, only: Filter) -> list[str]:
    return [face.source for face in store.faces(limit=1000, only=only).items]


def owners(store: Collection) -> list[str | None]:
    return [face.subject for face in store.faces(limit=1000).items]


def test_people_are_counted(store: Collection) -> None:
    ann, ben = store.add_subject("Ann"), store.add_subject("Ben")
    assert store.count_subjects() == 2
    store.merge(ann.id, into=ben.id)
    assert store.count_subjects() == 1
    store.delete_subject(ben.id)
    assert store.count_subjects() == 0


def test_a_face_keeps_all_that_is_known_of_it(store: Collection) -> None:
    subject = store.add_subject("Ann")
    created = datetime(2020, 1, 2, 3, 4, 5, 6, UTC)
    (stored,) = store.add(
        [
            new_face(
                people(1)[0],
                picture=None,
                crop="c" * 64 + ".jpg",
                subject=subject.id,
                tags=("b", "a", "b"),
                external_id="x-1",
                attributes={"quality": 0.25},
                id="f" * 32,
                created=created,
            )
        ]
    )
    for face in (stored, store.get("f" * 32)):
        assert (face.picture, face.crop, face.subject) == (None, "c" * 64 + ".jpg", subject.id)
        assert (face.tags, face.external_id, face.quality) == (("a", "b"), "x-1", 0.25)
        assert (face.id, face.created) == ("f" * 32, created)


def test_an_id_that_is_taken_stores_nothing(store: Collection) -> None:
    store.add([new_face(people(1)[0], id="f" * 32)])
    for ids in (["a" * 32, "f" * 32], ["b" * 32, "b" * 32]):
        with pytest.raises(AlreadyExists):
            store.add([new_face(people(1)[0], id=face_id) for face_id in ids])
    assert store.count() == 1


def test_a_face_of_an_unknown_subject_is_refused(store: Collection) -> None:
    with pytest.raises(NotFound):
        store.add([new_face(people(1)[0]), new_face(people(1)[0], subject=NOBODY)])
    assert store.count() == 0


def test_a_subject_comes_back_as_it_went_in(store: Collection) -> None:
    created = datetime(2020, 1, 2, tzinfo=UTC)
    metadata = {"née": ["Ø", 1.5, None], "deep": {"er": True}}
    subject = store.add_subject(
        "  Zoë 😀 ", tags=["b", "a", "b"], metadata=metadata, subject_id="a" * 32, created=created
    )
    assert subject == Subject("a" * 32, "Zoë 😀", ("a", "b"), metadata, created, 0)
    assert store.subject("a" * 32) == store.subject_named("zoë 😀") == subject
    assert store.subject_named("Zoe") is None


def test_names_are_unique_without_regard_to_case(store: Collection) -> None:
    ann = store.add_subject("Straße")
    for name in ("STRASSE", "straße ", "Straße"):
        with pytest.raises(AlreadyExists):
            store.add_subject(name)
    other = store.add_subject("Bob")
    with pytest.raises(AlreadyExists):
        store.change_subject(other.id, name="STRASSE")
    assert store.change_subject(ann.id, name="STRASSE").name == "STRASSE"


@pytest.mark.parametrize("name", ["", " \t"])
def test_a_subject_has_a_name(store: Collection, name: str) -> None:
    with pytest.raises(InvalidRequest):
        store.add_subject(name)
    ann = store.add_subject("Ann")
    with pytest.raises(InvalidRequest):
        store.change_subject(ann.id, name=name)


def test_metadata_is_json(store: Collection) -> None:
    for value in ({1, 2}, float("nan"), object()):
        with pytest.raises(InvalidRequest):
            store.add_subject("Ann", metadata={"x": value})


def test_an_id_of_a_subject_is_taken_once(store: Collection) -> None:
    store.add_subject("Ann", subject_id="a" * 32)
    with pytest.raises(AlreadyExists):
        store.add_subject("Bob", subject_id="a" * 32)


def test_a_subject_changes_in_what_is_given(store: Collection) -> None:
    ann = store.add_subject("Ann", tags=["x"], metadata={"a": 1})
    assert store.change_subject(ann.id, tags=["y", "y"]).tags == ("y",)
    assert store.change_subject(ann.id, metadata={"b": 2}).metadata == {"b": 2}
    changed = store.change_subject(ann.id, name="Anna")
    assert (changed.name, changed.tags, changed.metadata) == ("Anna", ("y",), {"b": 2})
    assert store.subject_named("Ann") is None


def test_who_is_not_there_is_not_found(store: Collection) -> None:
    ann = store.add_subject("Ann")
    for call in (
        lambda: store.subject(NOBODY),
        lambda: store.change_subject(NOBODY, name="x"),
        lambda: store.delete_subject(NOBODY),
        lambda: store.merge(NOBODY, into=ann.id),
        lambda: store.merge(ann.id, into=NOBODY),
        lambda: store.undo(NOBODY),
        lambda: store.move([], NOBODY),
        lambda: store.tag(NOBODY, ["x"]),
        lambda: store.identify(NOBODY, "x"),
    ):
        with pytest.raises(NotFound):
            call()
    assert store.subject(ann.id) == ann


def test_people_are_listed_by_a_part_of_their_name(store: Collection) -> None:
    for name in ("Straße", "Ann 100%", "ann_b"):
        store.add_subject(name, tags=[name[0]])

    def called(text: str, *tags: str) -> list[str]:
        return [it.name for it in store.subjects(limit=9, called=text, tags=tags).items]

    assert called("STRASS") == ["Straße"]
    assert called(" ann ") == ["Ann 100%", "ann_b"]
    assert called("ann", "a") == ["ann_b"]
    assert called("%") == ["Ann 100%"]
    assert called("_") == ["ann_b"]
    assert called("") == called(" ") == ["Straße", "Ann 100%", "ann_b"]
    first = store.subjects(limit=1, called="ann")
    assert first.cursor
    assert store.subjects(limit=1, called="ann", cursor=first.cursor).items[0].name == "ann_b"


def test_faces_are_found_by_whether_they_have_a_name(store: Collection) -> None:
    ann = with_faces(store, "Ann", 3, seed=1)
    nobody = store.add(new_faces(people(4, seed=9)))
    tagged = store.tag(nobody[0].id, ["t"])

    def ids(only: Filter) -> list[str]:
        return [face.id for face in store.faces(limit=9, only=only).items]

    assert ids(Filter(named=False)) == [face.id for face in nobody]
    assert ids(Filter(named=True)) == ids(Filter(subject=ann.id))
    assert ids(Filter(named=False, tags=("t",))) == [tagged.id]
    assert ids(Filter(named=True, tags=("t",))) == []
    near = store.search(tagged.embedding, k=9, max_distance=5, only=Filter(named=True))
    assert len(near) == 3
    assert {match.face.subject for match in near} == {ann.id}


def test_the_cover_is_the_first_face_that_is_left(store: Collection) -> None:
    ann = with_faces(store, "Ann", 2, seed=1)
    first, second = store.faces(limit=2).items
    assert ann.cover == first.id
    store.move([first.id], None)
    assert store.subject(ann.id).cover == second.id
    store.delete([second.id])
    assert store.subject(ann.id).cover is None
    hidden = replace(new_face(people(1)[0]), picture=None, subject=ann.id)
    cropped = replace(hidden, crop="c" * 64 + ".jpg")
    assert store.subject(ann.id).cover is None
    (_, last) = store.add([hidden, cropped])
    assert store.subject(ann.id).cover == last.id


def test_pages_are_stable_while_faces_come_and_go(store: Collection) -> None:
    stored = store.add(new_faces(people(10)))
    first = store.faces(limit=4)
    assert [face.id for face in first.items] == [face.id for face in stored[:4]]
    store.delete([stored[0].id, stored[3].id, stored[5].id])
    (added,) = store.add([new_face(people(1, seed=9)[0])])
    second = store.faces(limit=4, cursor=first.cursor)
    assert [face.id for face in second.items] == [stored[n].id for n in (4, 6, 7, 8)]
    third = store.faces(limit=4, cursor=second.cursor)
    assert [face.id for face in third.items] == [stored[9].id, added.id]
    assert third.cursor is None


def test_a_page_that_is_just_full_is_the_last(store: Collection) -> None:
    store.add(new_faces(people(4)))
    assert store.faces(limit=4).cursor is None
    assert store.faces(limit=3).cursor is not None


def test_subjects_are_paged_and_filtered_by_tag(store: Collection) -> None:
    for number in range(7):
        store.add_subject(f"{number}", tags=["even" if number % 2 == 0 else "odd", "all"])
    names, cursor = [], None
    while True:
        page = store.subjects(limit=2, cursor=cursor, tags=["all", "even"])
        names += [subject.name for subject in page.items]
        if not (cursor := page.cursor):
            break
    assert names == ["0", "2", "4", "6"]
    assert len(store.subjects(limit=100).items) == 7


def test_pages_are_stable_while_people_come_and_go(store: Collection) -> None:
    people_there = [store.add_subject(f"{number}") for number in range(10)]
    first = store.subjects(limit=4)
    assert [one.name for one in first.items] == ["0", "1", "2", "3"]
    for number in (0, 3, 5):
        store.delete_subject(people_there[number].id)
    store.merge(people_there[1].id, into=people_there[9].id)
    store.change_subject(people_there[6].id, name="renamed")
    store.add_subject("new")
    second = store.subjects(limit=4, cursor=first.cursor)
    assert [one.name for one in second.items] == ["4", "renamed", "7", "8"]
    third = store.subjects(limit=4, cursor=second.cursor)
    assert [one.name for one in third.items] == ["9", "new"]
    assert third.cursor is None


@pytest.mark.parametrize("cursor", ["", "x", "été", "YWZ0ZXI6LTE", "YWZ0ZXI6MA", "AAAA", "eDo1"])
def test_a_cursor_that_is_none_is_refused(store: Collection, cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        store.faces(limit=1, cursor=cursor)
    with pytest.raises(InvalidRequest):
        store.subjects(limit=1, cursor=cursor)


def test_filters(store: Collection) -> None:
    ann, bob = store.add_subject("Ann", tags=["team", "x"]), store.add_subject("Bob")
    vectors = people(4)
    store.add(
        [
            new_face(vectors[0], "0", subject=ann.id, tags=("x",), external_id="e"),
            new_face(vectors[1], "1", subject=bob.id, tags=("x", "y")),
            new_face(vectors[2], "2", tags=("team",), external_id="e"),
            new_face(vectors[3], "3", picture="p.jpg"),
        ]
    )
    cases = {
        Filter(): ["0", "1", "2", "3"],
        Filter(subject=ann.id): ["0"],
        Filter(subject=NOBODY): [],
        Filter(tags=("team",)): ["0", "2"],
        Filter(tags=("x",)): ["0", "1"],
        Filter(tags=("x", "y")): ["1"],
        Filter(tags=("team", "x")): ["0"],
        Filter(tags=("team",), external_id="e"): ["0", "2"],
        Filter(subject=bob.id, tags=("y",)): ["1"],
        Filter(subject=bob.id, tags=("team",)): [],
        Filter(external_id="e"): ["0", "2"],
        Filter(picture="p.jpg"): ["3"],
        Filter(tags=("' OR 1",)): [],
    }
    for only, expected in cases.items():
        assert listed(store, only) == expected, only
        found = store.search(vectors[0], k=10, max_distance=4.1, only=only)
        assert sorted(match.face.source for match in found) == expected, only
        groups = store.search_subjects(vectors[0], k=10, max_distance=4.1, only=only)
        assert sum(group.faces for group in groups) == len(expected), only


def test_faces_are_chosen_by_what_is_told_of_them(store: Collection) -> None:
    told: list[dict[str, AttributeValue]] = [
        {"age": 30, "gender": "female", "quality": 0.7, "pose_yaw": -12.5},
        {"age": 40.5, "gender": "male", "quality": 0.2, "glasses": True},
        {"age": "thirty", "gender": "f", "glasses": False, "row": "7"},
        {},
        {"age": [30], "gender": {"value": "female"}, "glasses": None, "row": 7},
        {"gender": "O'Brien", "pose_yaw": 30, "quality": 10**400},
        {"gender": "\x00female"},
    ]
    vectors = people(len(told))
    store.add([new_face(vectors[n], f"{n}", attributes=each) for n, each in enumerate(told)])
    cases = {
        "age:20-40": "0",
        "age:40-20": "0",
        "age:30": "0",
        "age:30-40.5": "01",
        "age:31-": "1",
        "age:..30": "0",
        "age:thirty": "2",
        "age:": None,
        "gender:female": "0",
        "gender:Female": "",
        "gender:O'Brien": "5",
        "gender:' OR 1": "",
        "quality:0.5-": "05",
        "quality:0.2": "1",
        "pose_yaw:-30..10": "0",
        "pose_yaw:-12.5": "0",
        "pose_yaw:..30": "05",
        "glasses:true": "1",
        "glasses:false": "2",
        "glasses:0-1": "",
        "age:integer": "",
        "row:7": "24",
        "nothing:1": "",
    }
    for text, expected in cases.items():
        if expected is None:
            with pytest.raises(ValueError, match="no condition"):
                parse_condition(text)
            continue
        only = Filter(where=(parse_condition(text),))
        assert "".join(listed(store, only)) == expected, text
        assert store.count(only) == len(expected), text
        found = store.search(vectors[0], k=10, max_distance=4.1, only=only)
        assert "".join(sorted(match.face.source for match in found)) == expected, text
    grown = tuple(map(parse_condition, ("age:20-50", "gender:male")))
    assert listed(store, Filter(where=grown)) == ["1"]
    first, second = store.faces(limit=2).items
    store.tag(second.id, ["t"])
    assert listed(store, Filter(where=grown[:1], tags=("t",))) == ["1"]
    assert [
        match.face.id
        for match in store.look(
            first.embedding, only=Filter(where=grown[:1]), apart_from=first.id
        ).faces(k=9, max_distance=4.1)
    ] == [second.id]


def test_tags_of_a_face_are_replaced(store: Collection) -> None:
    (face,) = store.add([new_face(people(1)[0], "0", tags=("a", "b"))])
    assert store.tag(face.id, ["c", "b", "c"]).tags == ("b", "c")
    assert store.identify(face.id, "e-9").external_id == "e-9"
    assert store.identify(face.id, None).external_id is None
    assert listed(store, Filter(tags=("a",))) == []
    assert listed(store, Filter(tags=("b", "c"))) == ["0"]


def test_deleted_faces_are_gone(store: Collection) -> None:
    vectors = people(20)
    stored = store.add(new_faces(vectors))
    assert store.delete([stored[3].id, stored[7].id, NOBODY, stored[3].id]) == 2
    assert store.delete([stored[3].id]) == 0
    assert store.count() == 18
    with pytest.raises(NotFound):
        store.get(stored[3].id)
    found = store.search(vectors[3], k=100, max_distance=4.1)
    assert len(found) == 18
    assert not {stored[3].id, stored[7].id} & {match.face.id for match in found}
    again = store.add([new_face(vectors[3])])
    assert [match.face.id for match in store.search(vectors[3], k=1, max_distance=1e-6)] == [
        again[0].id
    ]


def test_deleting_everything_leaves_a_store_that_works(store: Collection) -> None:
    with_faces(store, "Ann", 5, seed=1)
    with_faces(store, "Bob", 5, seed=2)
    assert store.delete_all() == 10
    assert (store.count(), store.faces(limit=9).items, store.subjects(limit=9).items) == (0, (), ())
    assert store.search(people(1)[0], k=9, max_distance=4.1) == []
    with_faces(store, "Ann", 5, seed=1)
    assert store.count() == 5


def test_a_subject_goes_with_all_faces(store: Collection) -> None:
    ann, bob = with_faces(store, "Ann", 5, seed=1), with_faces(store, "Bob", 3, seed=2)
    assert store.delete_subject(ann.id) == 5
    assert owners(store) == [bob.id] * 3
    assert len(store.search(people(1, seed=1)[0], k=9, max_distance=4.1)) == 3
    assert store.subjects(limit=9).items == (bob,)


def test_a_subject_can_go_without_the_faces(store: Collection) -> None:
    ann, bob = with_faces(store, "Ann", 5, seed=1), with_faces(store, "Bob", 3, seed=2)
    assert store.delete_subject(ann.id, keep_faces=True) == 5
    assert owners(store) == [None] * 5 + [bob.id] * 3
    probe = people(1, seed=1)[0]
    found = store.search_subjects(probe, k=9, max_distance=4.1)
    assert [match.subject for match in found].count(None) == 5
    assert len(store.search(probe, k=9, max_distance=4.1)) == 8
    assert store.subjects(limit=9).items == (bob,)
    assert store.add_subject("Ann").faces == 0


def test_a_collection_knows_when_it_was_made(store: Collection) -> None:
    assert store.created.tzinfo is UTC
    assert store.created <= datetime.now(UTC)


def test_all_people_go_and_faces_of_nobody_stay(store: Collection) -> None:
    ann, bob = with_faces(store, "Ann", 5, seed=1), with_faces(store, "Bob", 3, seed=2)
    store.add(new_faces(people(2, seed=3)))
    store.merge(bob.id, into=ann.id)
    assert store.delete_subjects() == (1, 8)
    assert (owners(store), store.merges()) == ([None] * 2, [])
    assert len(store.search(people(1, seed=1)[0], k=9, max_distance=4.1)) == 2
    assert store.delete_subjects() == (0, 0)


def test_faces_are_counted_and_passed_over(store: Collection) -> None:
    ann = with_faces(store, "Ann", 5, seed=1)
    store.add(new_faces(people(2, seed=3)))
    named = Filter(named=True)
    assert [store.count(), store.count(named), store.count(Filter(subject=ann.id))] == [7, 5, 5]
    assert store.count(Filter(subject=NOBODY)) == 0
    whole = store.faces(limit=9, only=named).items
    page = store.faces(limit=2, only=named, skip=2)
    assert [face.id for face in page.items] == [face.id for face in whole[2:4]]
    rest = store.faces(limit=2, only=named, skip=4)
    assert ([face.id for face in rest.items], rest.cursor) == ([whole[4].id], None)
    assert store.faces(limit=2, only=named, skip=5).items == ()


def test_faces_are_moved(store: Collection) -> None:
    ann, bob = with_faces(store, "Ann", 3, seed=1), store.add_subject("Bob")
    ids = [face.id for face in store.faces(limit=9).items]
    assert store.move([ids[0], ids[2], NOBODY], bob.id) == 2
    assert store.move([ids[1]], None) == 1
    assert owners(store) == [bob.id, None, bob.id]
    assert (store.subject(ann.id).faces, store.subject(bob.id).faces) == (0, 2)
    with pytest.raises(NotFound):
        store.move(ids, NOBODY)
    assert owners(store) == [bob.id, None, bob.id]


def test_people_are_found_once_each(store: Collection) -> None:
    ann, bob = store.add_subject("Ann"), store.add_subject("Bob")
    vectors = people(3, each=4)
    subjects = [ann.id] * 4 + [bob.id] * 4 + [None] * 4
    stored = store.add(
        [new_face(vector, subject=who) for vector, who in zip(vectors, subjects, strict=True)]
    )
    groups = store.search_subjects(vectors[0], k=10, max_distance=4.1)
    assert len(groups) == 6
    assert (groups[0].subject, groups[0].best.face.id, groups[0].faces) == (
        ann.id,
        stored[0].id,
        4,
    )
    assert sorted((group.subject or "", group.faces) for group in groups) == sorted(
        [(ann.id, 4), (bob.id, 4), *[("", 1)] * 4]
    )
    distances = [group.best.distance for group in groups]
    assert distances == sorted(distances)
    # Counted under the threshold only.
    under = [m.distance for m in store.search(vectors[0], k=12, max_distance=4.1) if m.face.subject]
    (first,) = store.search_subjects(vectors[0], k=1, max_distance=under[2])
    assert (first.subject, first.faces) == (ann.id, 2)
    assert store.search_subjects(vectors[0], k=0, max_distance=4.1) == []


def test_few_of_many_people_have_all_their_faces_counted(store: Collection) -> None:
    vectors = people(20, each=30)
    subjects = [store.add_subject(f"{number}").id for number in range(20)]
    faces = [new_face(vectors[n], subject=subjects[n // 30]) for n in range(600)]
    store.add(faces)
    (first,) = store.search_subjects(vectors[0], k=1, max_distance=4.1)
    assert (first.subject, first.faces) == (subjects[0], 30)


class TestMerge:
    def test_all_faces_go_to_whom_stays(self, store: Collection) -> None:
        ann, bob = with_faces(store, "Ann", 3, seed=1), with_faces(store, "Bob", 2, seed=2)
        merge = store.merge(ann.id, into=bob.id)
        assert (merge.into, merge.subject, merge.name, merge.faces) == (bob.id, ann.id, "Ann", 3)
        assert owners(store) == [bob.id] * 5
        assert store.subject(bob.id).faces == 5
        with pytest.raises(NotFound):
            store.subject(ann.id)
        assert store.merges() == [merge]

    def test_undone_it_is_as_before(self, store: Collection) -> None:
        ann, bob = with_faces(store, "Ann", 3, seed=1), with_faces(store, "Bob", 2, seed=2)
        store.change_subject(ann.id, tags=["t"], metadata={"a": [1]})
        before = store.subject(ann.id)
        merge = store.merge(ann.id, into=bob.id)
        assert store.undo(merge.id) == before
        assert owners(store) == [ann.id] * 3 + [bob.id] * 2
        assert listed(store, Filter(tags=("t",))) == ["Ann"] * 3
        assert store.merges() == []
        with pytest.raises(NotFound):
            store.undo(merge.id)

    def test_what_was_moved_or_deleted_since_stays_so(self, store: Collection) -> None:
        ann, bob = with_faces(store, "Ann", 4, seed=1), with_faces(store, "Bob", 1, seed=2)
        ids = [face.id for face in store.faces(limit=9).items]
        merge = store.merge(ann.id, into=bob.id)
        store.delete([ids[0]])
        store.move([ids[1]], None)
        added = store.add([new_face(people(1)[0], subject=bob.id)])
        store.undo(merge.id)
        assert owners(store) == [None, ann.id, ann.id, bob.id, bob.id]
        assert store.get(added[0].id).subject == bob.id

    def test_merges_upon_merges_are_undone_in_turn(self, store: Collection) -> None:
        one, two, three = (with_faces(store, name, 2, seed=len(name)) for name in ("A", "BB", "C"))
        first = store.merge(one.id, into=two.id)
        second = store.merge(two.id, into=three.id)
        assert store.merges() == [second, first]
        with pytest.raises(CannotUndo):
            store.undo(first.id)
        store.undo(second.id)
        store.undo(first.id)
        assert owners(store) == [one.id] * 2 + [two.id] * 2 + [three.id] * 2

    def test_a_name_that_is_taken_by_now_is_in_the_way(self, store: Collection) -> None:
        ann, bob = with_faces(store, "Ann", 1, seed=1), store.add_subject("Bob")
        merge = store.merge(ann.id, into=bob.id)
        new = store.add_subject("ANN")
        with pytest.raises(CannotUndo, match="Ann"):
            store.undo(merge.id)
        store.change_subject(new.id, name="Another")
        assert store.undo(merge.id).name == "Ann"

    def test_deleting_who_stayed_ends_it(self, store: Collection) -> None:
        ann, bob = with_faces(store, "Ann", 1, seed=1), store.add_subject("Bob")
        merge = store.merge(ann.id, into=bob.id)
        store.delete_subject(bob.id)
        assert store.merges() == []
        with pytest.raises(NotFound):
            store.undo(merge.id)

    def test_an_id_that_is_taken_by_now_is_in_the_way(self, store: Collection) -> None:
        ann, bob = with_faces(store, "Ann", 1, seed=1), store.add_subject("Bob")
        merge = store.merge(ann.id, into=bob.id)
        store.add_subject("Another", subject_id=ann.id)
        with pytest.raises(CannotUndo, match=ann.id):
            store.undo(merge.id)
        assert store.merges() == [merge]

    def test_how_many_faces_come_back_is_told(self, store: Collection) -> None:
        ann, bob = with_faces(store, "Ann", 3, seed=1), store.add_subject("Bob")
        store.merge(ann.id, into=bob.id)
        (gone, *kept) = [face.id for face in store.faces(limit=9).items]
        store.delete([gone])
        (record,) = store.merge_records()
        assert (record.merge.faces, record.faces) == (2, tuple(kept))
        assert [merge.faces for merge in store.merges()] == [2]

    def test_a_record_has_all_that_undoing_needs(self, any_store: Store) -> None:
        store = any_store.collection()
        ann, bob = with_faces(store, "Ann", 2, seed=1), with_faces(store, "Bob", 1, seed=2)
        before = store.change_subject(ann.id, tags=["t"], metadata={"a": [1, None]})
        merge = store.merge(ann.id, into=bob.id)
        (record,) = store.merge_records()
        assert (record.merge, record.gone) == (merge, replace(before, faces=0, cover=None))
        assert not store.add_merge(record)  # it is in already
        # As in a gallery that gets people and faces from an export first.
        other = any_store.create("other", model=store.model, dims=store.dims)
        moved = replace(record, merge=replace(merge, id="1" * 32, into="2" * 32))
        other.add_subject("Bob", subject_id="2" * 32)
        ids = [f"{number}" * 32 for number in (3, 4, 5)]
        faces = [new_face(vector, subject="2" * 32) for vector in people(3)]
        other.add([replace(face, id=name) for face, name in zip(faces, ids, strict=True)])
        moved = replace(
            moved, gone=replace(record.gone, id="6" * 32), faces=(ids[1], NOBODY, ids[2])
        )
        moved = replace(moved, merge=replace(moved.merge, subject="6" * 32))
        assert other.add_merge(moved)
        assert [held.faces for held in other.merge_records()] == [(ids[1], ids[2])]
        assert owners(other) == ["2" * 32] * 3
        undone = other.undo("1" * 32)
        assert replace(undone, cover=None) == replace(before, id="6" * 32, cover=None)
        assert owners(other) == ["2" * 32, "6" * 32, "6" * 32]
        assert not other.add_merge(moved)  # who went is here

    def test_merges_that_come_in_stand_by_their_time(self, store: Collection) -> None:
        names = ("Ann", "Bob", "Cid")
        ann, bob, cid = (with_faces(store, name, 1, seed=len(name)) for name in names)
        here = store.merge(ann.id, into=bob.id)
        gone = Subject("a" * 32, "Dan", (), {}, here.at, 0)
        earlier = Merge("b" * 32, cid.id, gone.id, "Dan", 0, here.at - timedelta(1), here.until)
        assert store.add_merge(MergeRecord(earlier, gone, ()))
        assert store.merges() == [here, earlier]
        over = replace(earlier, id="c" * 32, subject="d" * 32, until=datetime.now(UTC))
        assert not store.add_merge(MergeRecord(over, replace(gone, id="d" * 32), ()))
        assert store.merges() == [here, earlier]

    def test_nobody_is_merged_with_herself(self, store: Collection) -> None:
        ann = with_faces(store, "Ann", 1, seed=1)
        with pytest.raises(InvalidRequest):
            store.merge(ann.id, into=ann.id)
        assert store.subject(ann.id) == ann


class TestCollections:
    def test_they_are_apart(self, any_store: Store) -> None:
        default = any_store.collection()
        other = any_store.create("other", model="another", dims=8)
        assert any_store.collections() == ["default", "other"]
        (one,) = default.add(new_faces(people(1)))
        (two,) = other.add([new_face(people(1, dims=8)[0], tags=("t",))])
        assert (other.name, other.model, other.dims) == ("other", "another", 8)
        assert any_store.collection("other").get(two.id).id == two.id
        with pytest.raises(NotFound):
            default.get(two.id)
        assert default.delete([two.id]) == 0
        assert listed(default, Filter(tags=("t",))) == []
        assert default.add_subject("Ann").name == other.add_subject("Ann").name
        ann = other.subject_named("ANN")
        assert ann
        with pytest.raises(NotFound):
            default.move([one.id], ann.id)
        with pytest.raises(NotFound):
            default.subject(ann.id)
        assert any_store.status().faces == 2
        assert [part.faces for part in any_store.status().collections] == [1, 1]

    def test_names(self, any_store: Store) -> None:
        any_store.create("A.b_c-1", model="m", dims=3)
        with pytest.raises(AlreadyExists):
            any_store.create("A.b_c-1", model="m", dims=3)
        for name in ("", "a b", "../x", ".x", "é", "x" * 65, "x/y", "x\n"):
            with pytest.raises(InvalidRequest):
                any_store.create(name, model="m", dims=3)
        with pytest.raises(NotFound):
            any_store.collection("nothing")

    def test_a_purge_takes_one_or_all(self, any_store: Store) -> None:
        with_faces(any_store.collection(), "Ann", 3, seed=1)
        other = any_store.create("other", model="m", dims=16)
        with_faces(other, "Bob", 2, seed=2)
        receipt = any_store.purge("other")
        assert (receipt.collections, receipt.faces, receipt.subjects) == (("other",), 2, 1)
        assert any_store.collections() == ["default"]
        with pytest.raises(NotFound):
            any_store.purge("other")
        receipt = any_store.purge()
        assert (receipt.collections, receipt.faces, receipt.subjects) == ((), 3, 1)
        assert any_store.status().faces == 0
        with_faces(any_store.collection(), "Ann", 3, seed=1)


def test_the_last_undo_is_in_time(store: Collection) -> None:
    ann, bob = with_faces(store, "Ann", 1, seed=1), store.add_subject("Bob")
    merge = store.merge(ann.id, into=bob.id)
    assert merge.until > merge.at


def test_who_reads_alone_sees_the_same(store: Collection) -> None:
    near = store.for_reading()
    ann = store.add_subject("Ann")
    (face,) = store.add([new_face(people(1)[0], subject=ann.id)])
    assert [found.id for found in near.faces(limit=9).items] == [face.id]
    assert near.subjects(limit=9).items == store.subjects(limit=9).items
    (match,) = near.search(face.embedding, k=1, max_distance=1e-6)
    assert (match.face.id, match.name) == (face.id, "Ann")
    near.delete([face.id])
    assert store.count() == near.count() == 0


def test_one_comes_after_the_other(store: Collection) -> None:
    inside = 0

    def work(_: int) -> int:
        nonlocal inside
        with store.one_at_a_time():
            inside += 1
            seen = inside
            store.count()
            inside -= 1
        return seen

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(work, range(20))) == {1}
    with pytest.raises(ZeroDivisionError), store.one_at_a_time():
        _ = 1 / 0
    with store.one_at_a_time():
        store.add_subject("Ann")
    assert store.count_subjects() == 1
