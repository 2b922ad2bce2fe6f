"""A narrow filter is answered exactly, without the graph."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from faceserver.store import Collection, Options, open_store
from faceserver.store.index.hnsw import HnswIndex
from faceserver.types import Filter
from tests.store.samples import DIMS, MODEL, new_face, people

VECTORS = people(100, each=4)
PROBES = people(10, each=5)[4::5]


@pytest.fixture
def blind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collection]:
    """A collection whose graph must not be asked: it may miss faces."""
    options = Options(exact_up_to=100)
    with closing(open_store(tmp_path, model=MODEL, dims=DIMS, options=options)) as store:
        collection = store.collection()
        subjects = [collection.add_subject(f"{n}", tags=[f"group {n % 5}"]) for n in range(100)]
        collection.add(
            [
                new_face(
                    vector,
                    f"{number}",
                    subject=subjects[number // 4].id,
                    tags=(f"tag {number % 3}",),
                    external_id=f"{number % 20}",
                )
                for number, vector in enumerate(VECTORS)
            ]
        )
        assert collection.status().index == "graph"

        def refuse(*_: object, **__: object) -> None:
            raise AssertionError("the graph was asked")

        monkeypatch.setattr(HnswIndex, "nearest", refuse)
        yield collection


def fitting(collection: Collection, only: Filter) -> list[int]:
    return [int(face.source) for face in collection.faces(limit=1000, only=only).items]


def test_every_narrow_filter_is_exact(blind: Collection) -> None:
    subject = blind.subjects(limit=1).items[0].id
    filters = {
        Filter(subject=subject): 4,
        Filter(tags=("tag 1",)): 133,
        Filter(tags=("tag 1", "group 2")): 27,
        Filter(external_id="7"): 20,
        Filter(subject=subject, tags=("tag 0",)): 2,
        Filter(tags=("nobody's",)): 0,
        Filter(tags=("tag 1",), named=True): 133,
        Filter(named=False): 0,
    }
    for only, count in filters.items():
        numbers = np.array(fitting(blind, only), int)
        assert len(numbers) == count
        for probe in PROBES:
            distances = ((VECTORS[numbers] - probe) ** 2).sum(axis=1)
            nearest = numbers[np.argsort(distances, kind="stable")][:5]
            found = blind.search(probe, k=5, max_distance=4.1, only=only)
            assert [int(match.face.source) for match in found] == nearest.tolist()


def test_people_under_a_narrow_filter_are_exact_with_all_their_faces(blind: Collection) -> None:
    only = Filter(tags=("group 2",))
    for probe in PROBES:
        groups = blind.search_subjects(probe, k=20, max_distance=1.5, only=only)
        numbers = np.array(fitting(blind, only))
        under = numbers[((VECTORS[numbers] - probe) ** 2).sum(axis=1) < 1.5]
        assert sum(group.faces for group in groups) == len(under)
        assert {int(group.best.face.source) // 4 for group in groups} == {*(under // 4).tolist()}
