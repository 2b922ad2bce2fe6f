"""The durable store against the exact one in memory: whatever is called, both answer the same."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from faceserver.store import Store, open_store
from faceserver.store.memory import MemoryStore
from faceserver.types import Match
from tests.store.samples import DIMS, MODEL, new_face, people

# Few, so that the same vector comes twice now and then.
VECTORS = people(15, each=2)
PLACES = st.integers(0, len(VECTORS) - 1)


def sources(matches: list[Match]) -> list[str]:
    return [match.face.source for match in matches]


class DurableAgainstMemory(RuleBasedStateMachine):
    durable: Store

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.oracle = MemoryStore(dims=DIMS)
        self.ids: dict[str, tuple[str, str]] = {}

    @initialize(exact_up_to=st.sampled_from([0, 5, 2000]))
    def open(self, exact_up_to: int) -> None:
        self.exact_up_to = exact_up_to
        self.durable = open_store(
            Path(self.folder.name), model=MODEL, dims=DIMS, exact_up_to=exact_up_to
        )

    def teardown(self) -> None:
        self.durable.close()
        self.folder.cleanup()

    @rule(places=st.lists(PLACES, max_size=4))
    def add(self, places: list[int]) -> None:
        first = len(self.ids)
        faces = [
            new_face(VECTORS[place], str(number))
            for number, place in enumerate(places, start=first)
        ]
        for one, other in zip(self.durable.add(faces), self.oracle.add(faces), strict=True):
            self.ids[one.source] = one.id, other.id

    @rule(place=PLACES, k=st.integers(0, 12), max_distance=st.sampled_from([0.0, 1e-6, 0.5, 4.1]))
    def search(self, place: int, k: int, max_distance: float) -> None:
        found = self.durable.search(VECTORS[place], k=k, max_distance=max_distance)
        expected = self.oracle.search(VECTORS[place], k=k, max_distance=max_distance)
        distances = [match.distance for match in expected]
        assert [match.distance for match in found] == pytest.approx(distances, abs=1e-6)
        # Of several that are equally far at the end, k may leave out any.
        sure = sum(distance < distances[-1] - 1e-6 for distance in distances)
        if len(expected) < k:
            sure = len(expected)
        assert sources(found)[:sure] == sources(expected)[:sure]

    @rule(data=st.data())
    def get(self, data: st.DataObject) -> None:
        if self.ids:
            source = data.draw(st.sampled_from(sorted(self.ids)))
            one, other = (
                store.get(face_id)
                for store, face_id in zip(
                    (self.durable, self.oracle), self.ids[source], strict=True
                )
            )
            assert one.embedding.tobytes() == other.embedding.tobytes()
            assert (one.detection, one.source) == (other.detection, other.source)

    @rule()
    def reopen(self) -> None:
        self.durable.close()
        self.open(self.exact_up_to)

    @invariant()
    def all_are_there(self) -> None:
        assert self.durable.status() == self.oracle.status()


DurableAgainstMemory.TestCase.settings = settings(
    max_examples=30, stateful_step_count=20, deadline=None, derandomize=True, database=None
)
TestDurableAgainstMemory = DurableAgainstMemory.TestCase
