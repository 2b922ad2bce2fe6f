"""Each store that keeps something against the exact one in memory: both answer the same.

Whatever is called: hypothesis chooses.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from faceserver.errors import FaceServerError
from faceserver.store import Collection, Options, Store, open_store
from faceserver.store.exemplars import KINDS, Exemplar, ExemplarKind
from faceserver.store.listing import Order
from faceserver.store.memory.store import MemoryStore
from faceserver.types import NEVER, Face, Filter, Match
from tests.store.samples import DIMS, MODEL, new_face, people
from tests.support.postgres import PostgresServer

# Few, so that the same vector occurs twice now and then.
VECTORS = people(15, each=2)
PLACES = st.integers(0, len(VECTORS) - 1)
NAMES = st.sampled_from(["Ann", "ann", "Bob", "Zoë"])
TAGS = st.lists(st.sampled_from(["a", "b"]), max_size=2)
PICKS = st.integers(0, 1000)
ORDERS = get_args(Order)
DISTANCES = st.sampled_from([0.0, 1e-6, 0.5, 4.1])


def sources(matches: list[Match]) -> list[str]:
    return [match.face.source for match in matches]


class DurableAgainstMemory(RuleBasedStateMachine):
    durable: Store

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.oracle = MemoryStore(dims=DIMS, model=MODEL)
        self.added = 0
        self.merges: list[tuple[str, str]] = []

    @initialize(exact_up_to=st.sampled_from([0, 5, 2000]))
    def open(self, exact_up_to: int) -> None:
        self.exact_up_to = exact_up_to
        self.durable = self.opened(Path(self.folder.name), Options(exact_up_to=exact_up_to))

    def opened(self, folder: Path, options: Options) -> Store:
        return open_store(folder, model=MODEL, dims=DIMS, options=options)

    def teardown(self) -> None:
        self.durable.close()
        self.folder.cleanup()

    def both(self, call: Callable[[Collection], Any]) -> tuple[Any, Any]:
        """What each answers, or the kind of the error it raises: those must be equal."""
        answers = []
        for collection in (self.durable.collection(), self.oracle.collection()):
            try:
                answers.append(call(collection))
            except FaceServerError as error:
                answers.append(type(error))
        one, other = answers
        if isinstance(one, type) or isinstance(other, type):
            assert one == other
        return one, other

    def face_ids(self) -> list[str]:
        return [face.id for face in self.oracle.collection().faces(limit=10_000).items]

    def subject_ids(self) -> list[str]:
        """All people, and one who is none."""
        subjects = self.oracle.collection().subjects(limit=100).items
        return [*(subject.id for subject in subjects), "0" * 32]

    def remembered(self, store: Store) -> list[tuple[object, ...]]:
        return [
            (item.id, item.kind, item.subject, item.face, item.content, item.embedding.tobytes())
            for kind in KINDS
            for item in store.collection().exemplars(kind, limit=100).items
        ]

    @rule(places=st.lists(PLACES, max_size=4), subject=st.none() | PICKS, tags=TAGS)
    def add(self, places: list[int], subject: int | None, tags: list[str]) -> None:
        ids = self.subject_ids()
        faces = [
            new_face(
                VECTORS[place],
                str(number),
                id=f"{number:032x}",
                subject=None if subject is None else ids[subject % len(ids)],
                tags=tuple(tags),
                external_id=str(number % 3),
            )
            for number, place in enumerate(places, start=self.added)
        ]
        self.both(lambda collection: collection.add(faces))
        self.added += len(faces)

    @rule(name=NAMES, tags=TAGS)
    def add_subject(self, name: str, tags: list[str]) -> None:
        subject_id = f"{self.added + 2**64:032x}"
        self.added += 1
        self.both(lambda collection: collection.add_subject(name, tags=tags, subject_id=subject_id))

    @rule(picks=st.lists(PICKS, max_size=4))
    def delete(self, picks: list[int]) -> None:
        ids = [*self.face_ids(), "0" * 32]
        chosen = [ids[pick % len(ids)] for pick in picks]
        one, other = self.both(lambda collection: collection.delete(chosen))
        assert one == other

    @rule(pick=PICKS)
    def delete_subject(self, pick: int) -> None:
        ids = self.subject_ids()
        one, other = self.both(lambda collection: collection.delete_subject(ids[pick % len(ids)]))
        assert one == other

    @rule()
    def delete_all(self) -> None:
        if self.added % 5 == 0:  # seldom
            one, other = self.both(lambda collection: collection.delete_all())
            assert one == other

    @rule(picks=st.lists(PICKS, min_size=1, max_size=4), to=st.none() | PICKS)
    def move(self, picks: list[int], to: int | None) -> None:
        ids, subjects = [*self.face_ids(), "0" * 32], self.subject_ids()
        chosen = [ids[pick % len(ids)] for pick in picks]
        subject = None if to is None else subjects[to % len(subjects)]
        one, other = self.both(lambda collection: collection.move(chosen, subject))
        assert one == other

    @rule(
        pick=PICKS,
        name=st.none() | NAMES,
        tags=st.none() | TAGS,
        hidden=st.none() | st.booleans(),
        cover=st.none() | PICKS,
    )
    def change_subject(
        self,
        pick: int,
        name: str | None,
        tags: list[str] | None,
        hidden: bool | None,
        cover: int | None,
    ) -> None:
        ids, faces = self.subject_ids(), [*self.face_ids(), ""]
        chosen = ids[pick % len(ids)]
        face = None if cover is None else faces[cover % len(faces)]
        self.both(
            lambda collection: collection.change_subject(
                chosen, name=name, tags=tags, hidden=hidden, cover=face
            )
        )

    @rule(pick=PICKS, tags=TAGS)
    def tag(self, pick: int, tags: list[str]) -> None:
        ids = [*self.face_ids(), "0" * 32]
        self.both(lambda collection: collection.tag(ids[pick % len(ids)], tags))

    @rule(one=PICKS, into=PICKS)
    def merge(self, one: int, into: int) -> None:
        ids = self.subject_ids()
        goes, stays = ids[one % len(ids)], ids[into % len(ids)]
        first, second = self.both(lambda collection: collection.merge(goes, into=stays))
        if not isinstance(first, type):
            assert (first.faces, first.name) == (second.faces, second.name)
            self.merges.append((first.id, second.id))

    @rule(pick=PICKS)
    def undo(self, pick: int) -> None:
        if self.merges:
            ids = iter(self.merges[pick % len(self.merges)])
            self.both(lambda collection: collection.undo(next(ids)))

    @rule(place=PLACES, about=st.none() | PICKS, of=st.none() | PICKS, number=st.integers(0, 5))
    def keep(self, place: int, about: int | None, of: int | None, number: int) -> None:
        people, faces = self.subject_ids(), [*self.face_ids(), "0" * 32]
        exemplar = Exemplar(
            KINDS[number % len(KINDS)],
            VECTORS[place],
            subject=None if about is None else people[about % len(people)],
            face=None if of is None else faces[of % len(faces)],
            content={"number": number},
            id=f"{number:032x}",
        )
        self.both(lambda collection: collection.keep(exemplar))

    @rule(numbers=st.lists(st.integers(0, 5), max_size=3))
    def forget(self, numbers: list[int]) -> None:
        ids = [f"{number:032x}" for number in numbers]
        one, other = self.both(lambda collection: collection.forget(ids))
        assert one == other

    @rule(place=PLACES, max_distance=DISTANCES, kind=st.sampled_from(KINDS))
    def near_exemplars(self, place: int, max_distance: float, kind: ExemplarKind) -> None:
        found, expected = self.both(
            lambda collection: collection.near_exemplars(
                kind, VECTORS[place], max_distance=max_distance
            )
        )
        distances = [near.distance for near in expected]
        assert [near.distance for near in found] == pytest.approx(distances, abs=1e-6)
        assert {near.exemplar.id for near in found} == {near.exemplar.id for near in expected}

    @rule(place=PLACES, k=st.integers(0, 12), max_distance=DISTANCES, tags=TAGS, pick=PICKS)
    def search(self, place: int, k: int, max_distance: float, tags: list[str], pick: int) -> None:
        ids = self.subject_ids()
        only = Filter(
            tags=tuple(tags),
            subject=ids[pick % len(ids)] if pick % 3 == 0 else None,
            without=tuple(ids[::2]) if pick % 5 == 0 else (),
        )
        found, expected = self.both(
            lambda collection: collection.search(
                VECTORS[place], k=k, max_distance=max_distance, only=only
            )
        )
        distances = [match.distance for match in expected]
        assert [match.distance for match in found] == pytest.approx(distances, abs=1e-6)
        # Of several that are equally far at the end, k may leave out any.
        sure = sum(distance < distances[-1] - 1e-6 for distance in distances)
        if len(expected) < k:
            sure = len(expected)
        assert sources(found)[:sure] == sources(expected)[:sure]

    @rule(place=PLACES, k=st.integers(0, 12), max_distance=DISTANCES, tags=TAGS)
    def search_subjects(self, place: int, k: int, max_distance: float, tags: list[str]) -> None:
        found, expected = self.both(
            lambda collection: collection.search_subjects(
                VECTORS[place], k=k, max_distance=max_distance, only=Filter(tags=tuple(tags))
            )
        )
        distances = [match.best.distance for match in expected]
        assert [match.best.distance for match in found] == pytest.approx(distances, abs=1e-6)
        if len(set(distances)) == len(distances) and len(expected) < k:
            assert [(match.subject, match.faces) for match in found] == [
                (match.subject, match.faces) for match in expected
            ]

    @rule(limit=st.integers(1, 7), tags=TAGS, external_id=st.none() | st.just("1"))
    def page_through(self, limit: int, tags: list[str], external_id: str | None) -> None:
        named = None if external_id else bool(tags)
        only = Filter(tags=tuple(tags), external_id=external_id, named=named)
        listed = []
        for collection in (self.durable.collection(), self.oracle.collection()):
            page = collection.faces(limit=limit, only=only)
            items = [*page.items]
            while page.cursor:
                page = collection.faces(limit=limit, cursor=page.cursor, only=only)
                items += page.items
            listed.append([_seen(face) for face in items])
        assert listed[0] == listed[1]

    @rule(
        limit=st.integers(1, 3),
        order=st.sampled_from(ORDERS),
        called=st.sampled_from(["", "N", "zoe"]),
        hidden=st.none() | st.booleans(),
    )
    def list_people(self, limit: int, order: Order, called: str, hidden: bool | None) -> None:
        listed = []
        for collection in (self.durable.collection(), self.oracle.collection()):
            page = collection.subjects(limit=limit, order=order, called=called, hidden=hidden)
            items = [*page.items]
            while page.cursor:
                page = collection.subjects(
                    limit=limit, order=order, called=called, hidden=hidden, cursor=page.cursor
                )
                items += page.items
            assert collection.count_subjects(called=called, hidden=hidden) == len(items)
            listed.append([person.id for person in items])
        if order == "newest":  # each store has its own clock
            listed = [sorted(ids) for ids in listed]
        assert listed[0] == listed[1]

    @rule()
    def reopen(self) -> None:
        self.durable.close()
        self.open(self.exact_up_to)

    @invariant()
    def all_are_there(self) -> None:
        one, other = (
            [replace(subject, created=NEVER) for subject in collection.subjects(limit=100).items]
            for collection in (self.durable.collection(), self.oracle.collection())
        )
        assert one == other
        faces = self.oracle.collection().count()
        assert (self.durable.status().faces, self.durable.status().indexed) == (faces, faces)
        assert self.remembered(self.durable) == self.remembered(self.oracle)
        assert len(self.durable.collection().merges()) == len(self.oracle.collection().merges())


def _seen(face: Face) -> tuple[object, ...]:
    return face.id, face.embedding.tobytes(), face.source, face.subject, face.tags, face.external_id


SETTINGS = settings(
    max_examples=40, stateful_step_count=30, deadline=None, derandomize=True, database=None
)
DurableAgainstMemory.TestCase.settings = SETTINGS
TestDurableAgainstMemory = DurableAgainstMemory.TestCase


def test_postgres_against_memory(postgres: PostgresServer) -> None:
    from faceserver.store.postgres.store import open_store as open_shared  # noqa: PLC0415

    class PostgresAgainstMemory(DurableAgainstMemory):
        def __init__(self) -> None:
            super().__init__()
            self.held = ExitStack()
            self.url = self.held.enter_context(postgres.database(postgres.prepared))

        def opened(self, folder: Path, options: Options) -> Store:
            return open_shared(self.url, folder, model=MODEL, dims=DIMS, options=options)

        def teardown(self) -> None:
            super().teardown()
            self.held.close()

    run_state_machine_as_test(PostgresAgainstMemory, settings=SETTINGS)
