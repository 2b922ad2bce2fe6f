"""What a search costs: few statements and rows, however many faces people have; and it is right."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceserver.runtime import database
from faceserver.runtime.database import Database
from faceserver.services.context import Limits
from faceserver.services.searching import ProbeResult, SearchQuery
from faceserver.store import Options, open_store
from faceserver.store.sqlite import rows
from faceserver.store.sqlite.facetable import FaceTable
from faceserver.types import Filter, Floats
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.pool import AnalyzerPool
from tests.store.samples import DIMS, MODEL, new_face, people
from tests.support.fakes import ColourDetector, ColourEmbedder
from tests.support.services import make_services


class Embedder(ColourEmbedder):
    """Of the length of the synthetic vectors."""

    name = MODEL
    dims = DIMS


@dataclass
class Cost:
    """What SQLite was asked for."""

    statements: int = 0
    rows: int = 0
    vectors: int = 0


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cost]:
    """Count what is read in the block, by connections that are opened in it."""
    cost = Cost()
    connect, read, parts = database._connect, Database.read, Database.read_in_parts
    one, many = rows.vector_of, rows.vectors_of

    def watched(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.execute("PRAGMA query_only = ON")

        def count(statement: str) -> None:
            cost.statements += not statement.startswith("PRAGMA")

        connection.set_trace_callback(count)
        return connection

    def counted_read(self: Database, *arguments: Any) -> list[Any]:
        found = read(self, *arguments)
        cost.rows += len(found)
        return found

    def counted_parts(self: Database, *arguments: Any, **more: Any) -> Iterator[list[Any]]:
        for part in parts(self, *arguments, **more):
            cost.rows += len(part)
            yield part

    def counted_one(blob: bytes, *, dims: int) -> Floats:
        cost.vectors += 1
        return one(blob, dims=dims)

    def counted_many(blobs: Sequence[bytes], *, dims: int) -> Floats:
        cost.vectors += len(blobs)
        return many(blobs, dims=dims)

    with monkeypatch.context() as patch:
        patch.setattr(database, "_connect", watched)
        patch.setattr(Database, "read", counted_read)
        patch.setattr(Database, "read_in_parts", counted_parts)
        patch.setattr(rows, "vector_of", counted_one)
        patch.setattr("faceserver.store.sqlite.vectortable.vectors_of", counted_many)
        yield cost


class Gallery:
    """A service with people of given sizes, and what is the truth about it."""

    def __init__(self, folder: Path, vectors: Sequence[Floats], *, unnamed: Floats | None) -> None:
        store = open_store(folder, model=MODEL, dims=DIMS, options=Options(exact_up_to=200))
        self.service = make_services(
            folder,
            AnalyzerPool(Analyzer(ColourDetector(), Embedder())),
            store,
            store.pictures,
            limits=Limits(max_bytes=1, max_pixels=1, max_matches=100, max_distance=1.0),
        )
        self.store = store
        collection = store.collection()
        self.names: list[str | None] = []
        self.ids: list[str] = []
        for number, part in enumerate(vectors):
            person = collection.add_subject(f"Person {number}").id
            self._add(part, f"Person {number}", person)
        if unnamed is not None:
            self._add(unnamed, None, None)
        self.vectors = np.concatenate([*vectors, *([unnamed] if unnamed is not None else [])])
        store._background.submit(lambda: None).result()

    def _add(self, vectors: Floats, name: str | None, subject: str | None) -> None:
        added = self.store.collection().add(
            [new_face(vector, str(name), subject=subject) for vector in vectors]
        )
        self.ids += [face.id for face in added]
        self.names += [name] * len(vectors)

    def search(
        self, probe: Floats, query: SearchQuery, monkeypatch: pytest.MonkeyPatch
    ) -> tuple[ProbeResult, Cost]:
        self._forget_readers()
        with counted(monkeypatch) as cost:
            found = self.service.searching.by_embedding(
                "default", probe.tolist(), query, model=MODEL
            )
        self._forget_readers()
        return found.probes[0], cost

    def by_face(
        self, face: int, query: SearchQuery, monkeypatch: pytest.MonkeyPatch
    ) -> tuple[ProbeResult, Cost]:
        self._forget_readers()
        with counted(monkeypatch) as cost:
            found = self.service.searching.by_face("default", self.ids[face], query)
        self._forget_readers()
        return found.probes[0], cost

    def nearest_people(self, probe: Floats, *, without: int | None = None) -> list[Any]:
        """Name and distance of each named person's nearest face, nearest first."""
        best: dict[str, float] = {}
        for number, distance in enumerate(self.distances(probe)):
            name = self.names[number]
            if name is not None and number != without:
                best[name] = min(best.get(name, 9.0), float(distance))
        return sorted(best.items(), key=lambda item: item[1])

    def distances(self, probe: Floats) -> Floats:
        distances: Floats = np.square(self.vectors - probe).sum(axis=1)
        return distances

    def _forget_readers(self) -> None:
        readers = self.store._database._readers
        with readers._lock:
            while readers._idle:
                readers._idle.pop().close()


SIZES = {
    "ten of 600": [600] * 10,
    "two of 2500": [2500] * 2,
    "one of 4000 and one of one": [4000, 1],
    "one of 4000 and some": [4000, 150, 3],
    "a hundred and twenty of 20": [20] * 120,
    "one alone": [700],
}


@pytest.fixture(scope="module", params=SIZES)
def gallery(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    sizes = SIZES[request.param]
    vectors = [people(1, each=size, seed=seed) for seed, size in enumerate(sizes)]
    made = Gallery(tmp_path_factory.mktemp("gallery"), vectors, unnamed=None)
    with closing(made.service):
        yield made


PROBES = [people(1, each=4001, seed=0)[4000], people(1, each=21, seed=1)[20], people(1, seed=99)[0]]


def assert_right(gallery: Gallery, probe: Floats, found: ProbeResult, **more: Any) -> None:
    truth = gallery.nearest_people(probe, **more)
    verdict = found.verdict
    under = [(name, distance) for name, distance in truth if distance < 1.0]
    assert (verdict.best is not None) == bool(under)
    if verdict.best and verdict.best.person:
        assert verdict.best.person.name == under[0][0]
        assert verdict.best.match.distance == pytest.approx(under[0][1], abs=1e-6)
    if len(truth) < 2:
        assert (verdict.next, verdict.margin) == (None, None)
    else:
        assert verdict.next
        assert verdict.next.name == truth[1][0]
        assert verdict.margin == pytest.approx(truth[1][1] - truth[0][1], abs=1e-6)
    near = verdict.margin is not None and verdict.margin < 0.05 and bool(under)
    assert verdict.answer == ("ambiguous" if near else "known" if under else "unknown")


def assert_cheap(cost: Cost) -> None:
    assert cost.statements <= 5
    assert cost.rows <= 200
    assert cost.vectors <= 200


@pytest.mark.parametrize("k", [1, 10, 100])
def test_a_search_reads_little_whatever_the_peoples_sizes(
    gallery: Gallery, k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for probe in PROBES:
        found, cost = gallery.search(probe, SearchQuery(k=k), monkeypatch)
        assert_cheap(cost)
        assert_right(gallery, probe, found)
        under = np.sort(gallery.distances(probe))
        under = under[under < 1.0][:k]
        assert [hit.match.distance for hit in found.hits] == pytest.approx(under.tolist(), abs=1e-6)


@pytest.mark.parametrize("k", [1, 10, 100])
def test_so_does_one_for_people(gallery: Gallery, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for probe in PROBES:
        found, cost = gallery.search(probe, SearchQuery(k=k, grouped=True), monkeypatch)
        near = gallery.distances(probe) < 1.0
        assert cost.statements <= 5
        if near.sum() < 3500:  # to count more than the graph is asked for, vectors are read
            assert_cheap(cost)
        assert_right(gallery, probe, found)
        truth = [name for name, distance in gallery.nearest_people(probe) if distance < 1.0][:k]
        assert [hit.person.name for hit in found.hits if hit.person] == truth
        near = gallery.distances(probe) < 1.0
        assert [hit.faces for hit in found.hits] == [
            sum(
                is_near and name == person
                for is_near, name in zip(near, gallery.names, strict=True)
            )
            for person in truth
        ]


@pytest.mark.parametrize("grouped", [False, True])
def test_so_does_one_by_a_stored_face(
    gallery: Gallery, grouped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for face in (0, len(gallery.ids) - 1):
        found, cost = gallery.by_face(face, SearchQuery(grouped=grouped), monkeypatch)
        assert cost.statements <= 5
        if not grouped or len(gallery.ids) < 4000:
            assert_cheap(cost)
        assert gallery.ids[face] not in [hit.match.face.id for hit in found.hits]
        assert_right(gallery, gallery.vectors[face], found, without=face)


def test_a_filter_takes_few_statements(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = gallery.store.collection().subjects(limit=1).items[0]
    query = SearchQuery(only=Filter(subject=subject.id), grouped=True)
    found, cost = gallery.search(PROBES[0], query, monkeypatch)
    assert cost.statements <= 5
    assert found.hits[0].faces == int((gallery.distances(PROBES[0])[: subject.faces] < 1.0).sum())
    assert found.verdict.next is None


FILTERS: dict[str, Callable[[str], Filter]] = {
    "somebody's": lambda _: Filter(named=True),
    "nobody's": lambda _: Filter(named=False),
    "a person's": lambda subject: Filter(subject=subject),
    "all but a person's": lambda subject: Filter(without=(subject,)),
    "somebody else's": lambda subject: Filter(named=True, without=(subject,)),
    "of whom nobody knows": lambda _: Filter(subject="0" * 32),
}


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_by_whom_faces_show_reads_as_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, grouped: bool
) -> None:
    """Programs that know people alone search with one always."""
    vectors = [people(1, each=300, seed=seed) for seed in range(6)]
    gallery = Gallery(tmp_path, vectors, unnamed=people(1, each=900, seed=0))
    with closing(gallery.service):
        first = gallery.store.collection().subjects(limit=1).items[0]
        only = FILTERS[name](first.id)
        for probe in PROBES:
            found, cost = gallery.search(
                probe, SearchQuery(k=20, only=only, grouped=grouped), monkeypatch
            )
            assert_cheap(cost)
            fitting = np.array([_fits(only, person, first.name) for person in gallery.names])
            near = np.sort(gallery.distances(probe)[fitting])
            assert bool(found.hits) == bool((near < 1.0).any())
            if not grouped:
                truth = near[near < 1.0][:20].tolist()
                distances = [hit.match.distance for hit in found.hits]
                assert distances == pytest.approx(truth, abs=1e-6)
            elif found.hits:
                assert found.hits[0].match.distance == pytest.approx(near[0], abs=1e-6)


def _fits(only: Filter, person: str | None, first: str) -> bool:
    if only.subject is not None and (person != first or set(only.subject) == {"0"}):
        return False
    if only.named is not None and (person is not None) != only.named:
        return False
    return not only.without or person != first


def test_the_next_person_is_found_behind_thousands_in_a_filter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = [people(1, each=size, seed=seed) for seed, size in enumerate((4500, 3, 2))]
    gallery = Gallery(tmp_path, vectors, unnamed=None)
    with closing(gallery.service):
        query = SearchQuery(only=Filter(named=True), k=1)
        found, cost = gallery.search(PROBES[0], query, monkeypatch)
        assert_cheap(cost)
        assert_right(gallery, PROBES[0], found)


def test_refusals_add_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = [people(1, each=300, seed=seed) for seed in range(3)]
    gallery = Gallery(tmp_path, vectors, unnamed=None)
    with closing(gallery.service):
        collection = gallery.store.collection()
        others = [person.id for person in collection.subjects(limit=9).items[1:]]
        for face in gallery.ids[:60]:
            for other in others:
                gallery.service.refusals.refuse_face("default", other, face)
        found, cost = gallery.search(PROBES[0], SearchQuery(), monkeypatch)
        assert cost.statements <= 5 + 3 * len(others)
        assert cost.rows <= 200
        assert found.verdict.best
        assert found.verdict.best.person
        assert found.verdict.best.person.name == "Person 0"


def test_equal_faces_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = [np.repeat(people(1, seed=seed), 600, axis=0) for seed in range(10)]
    gallery = Gallery(tmp_path, vectors, unnamed=None)
    with closing(gallery.service):
        for probe in (PROBES[0], vectors[3][0]):
            found, cost = gallery.search(probe, SearchQuery(grouped=True), monkeypatch)
            assert_cheap(cost)
            assert_right(gallery, probe, found)
            assert {hit.faces for hit in found.hits} <= {600}
            first = gallery.store.collection().search_subjects(probe, k=1, max_distance=5.0)[0]
            nearest = float(gallery.distances(probe).min())
            assert first.best.distance == pytest.approx(nearest, abs=1e-6)
            assert first.faces == 600


def test_people_are_found_behind_thousands_of_faces_of_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = [people(1, each=90, seed=seed) for seed in (5, 6)]
    gallery = Gallery(tmp_path, far, unnamed=people(1, each=3000, seed=0))
    with closing(gallery.service):
        found, cost = gallery.search(PROBES[0], SearchQuery(), monkeypatch)
        assert_cheap(replace(cost, rows=0, vectors=0))
        truth = gallery.nearest_people(PROBES[0])
        assert found.verdict.next
        assert found.verdict.next.name == truth[1][0]
        assert found.hits[0].person is None


def test_what_changes_hands_is_found_with_its_new_owner(tmp_path: Path) -> None:
    vectors = [people(1, each=300, seed=seed) for seed in range(3)]
    gallery = Gallery(tmp_path, vectors, unnamed=people(1, each=5, seed=0))
    probe = vectors[0][0]
    collection = gallery.store.collection()
    subjects = [person.id for person in collection.subjects(limit=9).items]

    def groups() -> list[tuple[str | None, int]]:
        found = collection.search_subjects(probe, k=3, max_distance=5.0)
        return [(group.subject, group.faces) for group in found]

    def check(change: Callable[[], object]) -> None:
        change()
        held = groups()
        with closing(open_copy(gallery)) as again:
            fresh = again.collection().search_subjects(probe, k=3, max_distance=5.0)
        assert held == [(group.subject, group.faces) for group in fresh]

    def open_copy(gallery: Gallery) -> Any:
        folder = gallery.store._folder
        copy = folder.with_name("copy")
        copy.mkdir(exist_ok=True)
        with closing(sqlite3.connect(folder / "faces.sqlite")) as source:
            (copy / "faces.sqlite").unlink(missing_ok=True)
            source.execute("VACUUM INTO ?", (str(copy / "faces.sqlite"),))
        return open_store(copy, model=MODEL, dims=DIMS, options=Options(exact_up_to=200_000))

    with closing(gallery.service):
        check(lambda: collection.move(gallery.ids[:100], subjects[1]))
        check(lambda: collection.move(gallery.ids[:50], None))
        check(lambda: collection.move(gallery.ids[-5:], subjects[2]))
        check(lambda: collection.merge(subjects[0], into=subjects[1]))
        check(lambda: collection.undo(collection.merges()[0].id))
        check(lambda: collection.delete(gallery.ids[120:140]))
        check(lambda: collection.delete_subject(subjects[1]))
        check(lambda: collection.add([new_face(probe, "new", subject=subjects[2])]))
        check(collection.delete_all)


def test_a_face_that_goes_during_the_search_makes_room_for_the_next(tmp_path: Path) -> None:
    vectors = [people(1, each=150, seed=seed) for seed in range(3)]
    gallery = Gallery(tmp_path, vectors, unnamed=None)
    probe = vectors[0][0]
    with closing(gallery.service):
        # As between the commit of a deletion and the index's hearing of it.
        table = FaceTable(gallery.store._database, collection=1, dims=DIMS)
        table.delete(np.arange(1, 151))
        (group,) = gallery.store.collection().search_subjects(probe, k=1, max_distance=5.0)
        truth = gallery.distances(probe)
        assert gallery.ids[150 + int(truth[150:].argmin())] == group.best.face.id
        (match,) = gallery.store.collection().search(probe, k=1, max_distance=5.0)
        assert match.face.id == group.best.face.id
