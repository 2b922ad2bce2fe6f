"""Who began before a collection was purged changes nothing after the receipt, in every store."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from faceserver.errors import Conflict, NotFound
from faceserver.store import Collection, Store
from faceserver.store.base import DEFAULT, Exemplar
from faceserver.types import Face, Subject
from tests.store.samples import new_face, people

Writer = Callable[[Collection, Face, Subject], object]

WRITERS: dict[str, Writer] = {
    "add": lambda held, _, __: held.add([new_face(people(1, seed=9)[0])]),
    "delete": lambda held, face, _: held.delete([face.id]),
    "delete_all": lambda held, _, __: held.delete_all(),
    "move": lambda held, face, person: held.move([face.id], person.id),
    "tag": lambda held, face, _: held.tag(face.id, ["seen"]),
    "identify": lambda held, face, _: held.identify(face.id, "7"),
    "add_subject": lambda held, _, __: held.add_subject("Cleo"),
    "change_subject": lambda held, _, person: held.change_subject(person.id, name="Anna"),
    "delete_subject": lambda held, _, person: held.delete_subject(person.id),
    "delete_subjects": lambda held, _, __: held.delete_subjects(),
    "merge": lambda held, _, person: held.merge(person.id, into=person.id[::-1]),
    "keep": lambda held, _, __: held.keep(stranger()),
    "forget": lambda held, _, __: held.forget(["0" * 32]),
}
"""The ways to change a collection."""

READERS = {
    "count", "count_subjects", "status", "get", "faces", "search", "search_subjects", "look",
    "subject", "subject_named", "subjects", "merges", "merge_records", "exemplar", "exemplars",
    "near_exemplars",
}  # fmt: skip
OTHERS = {"undo", "add_merge"}
"""Which need more than a collection has after a purge; see below."""


def stranger() -> Exemplar:
    vector = people(1, seed=5)[0]
    return Exemplar("stranger", vector, content={"seen": 1}, created=datetime.now(UTC))


def parts() -> set[str]:
    return {
        name
        for kind in Collection.__mro__
        if getattr(kind, "_is_protocol", False)
        for name, value in vars(kind).items()
        if callable(value) and not name.startswith("_")
    }


def test_every_way_to_change_a_collection_is_tried() -> None:
    assert parts() == set(WRITERS) | READERS | OTHERS


@pytest.mark.parametrize("writer", WRITERS)
def test_a_writer_from_before_changes_nothing(any_store: Store, writer: str) -> None:
    held = any_store.collection()
    person = held.add_subject("Ann")
    (face,) = held.add([new_face(people(1)[0], subject=person.id)])
    any_store.purge()
    with suppress(Conflict, NotFound):
        WRITERS[writer](held, face, person)
    assert_empty(any_store)


def test_a_merge_from_before_is_neither_undone_nor_taken_in(any_store: Store) -> None:
    held = any_store.collection()
    ann, ben = held.add_subject("Ann"), held.add_subject("Ben")
    merge = held.merge(ann.id, into=ben.id)
    (record,) = held.merge_records()
    any_store.purge(DEFAULT)
    with suppress(Conflict, NotFound):
        held.undo(merge.id)
    with suppress(Conflict, NotFound):
        held.add_merge(record)
    assert_empty(any_store)


def assert_empty(store: Store) -> None:
    now = store.collection()
    assert (now.count(), now.count_subjects(), now.merges()) == (0, 0, [])
    for kind in ("stranger", "refusal"):
        assert now.exemplars(kind, limit=10, cursor=None).items == ()


def test_a_deleted_person_takes_along_who_was_merged_into_them_by_a_detour(
    store: Collection,
) -> None:
    ann, ben, cleo = (store.add_subject(name) for name in ("Ann", "Ben", "Cleo"))
    store.merge(ann.id, into=ben.id)
    store.merge(ben.id, into=cleo.id)
    store.delete_subject(cleo.id)
    assert store.merges() == []
    assert store.merge_records() == []
