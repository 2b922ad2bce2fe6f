"""The index of a collection comes when it has stopped growing, and is chosen by what it finds."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from faceserver.types import Filter
from tests.store.samples import new_face, new_faces, people
from tests.support.postgres import open_shared

VECTORS = people(100, each=4)
PROBES = people(20, each=5)[4::5]


def test_an_index_waits_until_a_collection_has_been_filled(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faceserver.store.postgres import maintenance  # noqa: PLC0415 - needs its client
    from faceserver.store.postgres import store as stores  # noqa: PLC0415 - likewise

    monkeypatch.setattr(stores, "INDEX_EVERY", 3600.0)  # it looks when it is told to
    with closing(open_shared(postgres_url, tmp_path, exact_up_to=100)) as store:
        collection = store.collection()
        for number in range(4):
            collection.add(new_faces(VECTORS[100 * number : 100 * (number + 1)]))
            store.indexer.look()
            status = collection.status()
            assert (status.index, status.ef) == ("building" if number else "exact", None)
        store.indexer.look()
        status = collection.status()
        assert status.index == "graph"
        assert status.ef
        assert status.recall is not None
        assert status.recall >= 0.99
        other = store.create("other", model="m", dims=collection.dims)
        monkeypatch.setattr(maintenance, "_PATIENCE", 0.0)
        other.add(new_faces(people(200)))
        store.indexer.look()
        assert other.status().index == "graph", "it has waited long enough"


def test_the_index_finds_what_comparing_all_finds(postgres_url: str, tmp_path: Path) -> None:
    with closing(open_shared(postgres_url, tmp_path, exact_up_to=0)) as store:
        collection = store.collection()
        subjects = [collection.add_subject(f"{number}") for number in range(100)]
        collection.add(
            [
                new_face(vector, str(number), subject=subjects[number // 4].id)
                for number, vector in enumerate(VECTORS)
            ]
        )
        hits = 0
        for probe in PROBES:
            distances = ((VECTORS - probe) ** 2).sum(axis=1)
            (match,) = collection.search(probe, k=1, max_distance=4.1)
            hits += match.face.source == str(int(np.argmin(distances)))
            named = collection.look(probe).named(k=100)
            assert len({found.face.subject for found in named}) == 100
        assert hits >= 0.99 * len(PROBES)


def test_a_filter_that_leaves_few_faces_is_exact(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faceserver.store.postgres.searcher import Searcher  # noqa: PLC0415 - needs its client

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the index was asked")

    with closing(open_shared(postgres_url, tmp_path, exact_up_to=0)) as store:
        collection = store.collection()
        ann = collection.add_subject("Ann", tags=["team"])
        collection.add(
            [
                new_face(
                    vector,
                    str(number),
                    subject=ann.id if number % 4 == 0 else None,
                    tags=(f"tag {number % 3}",),
                )
                for number, vector in enumerate(VECTORS)
            ]
        )
        monkeypatch.setattr(Searcher, "_indexed", refuse)
        for only, step in {
            Filter(tags=("tag 1",)): VECTORS[1::3],
            Filter(tags=("team",)): VECTORS[::4],
            Filter(named=True): VECTORS[::4],
        }.items():
            for probe in PROBES[:5]:
                expected = sorted(((step - probe) ** 2).sum(axis=1))[:5]
                found = collection.search(probe, k=5, max_distance=4.1, only=only)
                assert [match.distance for match in found] == pytest.approx(expected, abs=1e-5)


def test_a_wide_filter_is_asked_of_the_index(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faceserver.store.postgres import searcher  # noqa: PLC0415 - needs its client

    monkeypatch.setattr(searcher, "NARROW", 10)
    with closing(open_shared(postgres_url, tmp_path, exact_up_to=0)) as store:
        collection = store.collection()
        collection.add(
            [new_face(vector, tags=(f"tag {n % 20}",)) for n, vector in enumerate(VECTORS)]
        )
        hits = 0
        for probe in PROBES:
            expected = sorted(((VECTORS[7::20] - probe) ** 2).sum(axis=1))[:3]
            only = Filter(tags=("tag 7",))
            found = collection.search(probe, k=3, max_distance=4.1, only=only)
            hits += [match.distance for match in found] == pytest.approx(expected, abs=1e-5)
        assert hits >= 0.95 * len(PROBES)
