"""Sixteen threads add, search, move and delete: nothing lost, nothing phantom, no exception.

A bounded number of rounds by default; FACESERVER_TEST_SECONDS=60 lets the same go on for a minute.
"""

import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from faceserver.store import Collection, Options, Store, open_store
from faceserver.store.index import upkeep
from faceserver.types import Face
from tests.store.samples import DIMS, MODEL, new_face, people

if TYPE_CHECKING:
    from faceserver.store.postgres.store import PostgresStore

THREADS = 16
ROUNDS = 40


def rounds() -> Iterator[int]:
    seconds = float(os.environ.get("FACESERVER_TEST_SECONDS", "0"))
    end = monotonic() + seconds
    number = 0
    while number < ROUNDS or monotonic() < end:
        yield number
        number += 1


def worker(collection: Collection, thread: int) -> list[Face]:
    """Work with faces of its own, which no other thread touches; return those that are left."""
    rng = random.Random(thread)
    mine: list[Face] = []
    subject = collection.add_subject(f"thread {thread}")

    def add() -> None:
        seed = rng.randrange(10**9)
        mine.extend(
            collection.add(
                [new_face(v, str(thread), subject=subject.id) for v in people(2, seed=seed)]
            )
        )

    def delete() -> None:
        face = mine.pop(rng.randrange(len(mine)))
        assert collection.delete([face.id]) == 1
        found = collection.search(face.embedding, k=5, max_distance=4.1)
        assert face.id not in {match.face.id for match in found}

    def search() -> None:
        face = rng.choice(mine)
        (match,) = collection.search(face.embedding, k=1, max_distance=1e-6)
        assert (match.face.id, match.distance) == (face.id, 0)

    def group() -> None:
        face = rng.choice(mine)
        (person,) = collection.search_subjects(face.embedding, k=1, max_distance=1e-6)
        assert (person.subject, person.best.face.id) == (subject.id, face.id)

    calls: list[Callable[[], None]] = [search, search, group, delete, add, add]
    for _ in rounds():
        (rng.choice(calls) if mine else add)()
    return mine


def work_together(open_one: Callable[[], Store]) -> dict[str, Face]:
    """Have all threads work on one store; return the faces that are left."""
    with closing(open_one()) as store:
        collection = store.collection()
        with ThreadPoolExecutor(THREADS) as pool:
            tasks = [pool.submit(worker, collection, thread) for thread in range(THREADS)]
            left = {face.id: face for task in tasks for face in task.result()}
        assert {face.id for face in collection.faces(limit=10**6).items} == set(left)
    return left


def assert_holds(store: Store, left: dict[str, Face]) -> None:
    assert store.status().indexed == store.status().faces == len(left)
    for face in left.values():
        (match,) = store.collection().search(face.embedding, k=1, max_distance=1e-6)
        assert match.face.id == face.id


@pytest.mark.parametrize("exact_up_to", [0, 100, 2000])
def test_sixteen_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exact_up_to: int) -> None:
    monkeypatch.setattr(upkeep, "_LEAST_TO_SAVE", 50)
    monkeypatch.setattr(upkeep, "_LEAST_TO_COMPACT", 30)
    options = Options(exact_up_to=exact_up_to)
    left = work_together(lambda: open_store(tmp_path, model=MODEL, dims=DIMS, options=options))
    with closing(open_store(tmp_path, model=MODEL, dims=DIMS, options=options)) as store:
        store._background.submit(lambda: None).result()
        assert_holds(store, left)


@pytest.mark.parametrize("exact_up_to", [0, 100, 2000])
def test_sixteen_threads_with_postgres(tmp_path: Path, postgres_url: str, exact_up_to: int) -> None:
    from faceserver.store.postgres.store import open_store as open_shared  # noqa: PLC0415

    options = Options(exact_up_to=exact_up_to)

    def opened() -> "PostgresStore":
        return open_shared(postgres_url, tmp_path, model=MODEL, dims=DIMS, options=options)

    left = work_together(opened)
    with closing(opened()) as store:
        store.indexer.look(at_once=True)
        assert_holds(store, left)
