"""Every kind of store, for the tests of what all of them do."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from faceserver.store import Collection, Options, Store, open_store
from faceserver.store.memory.store import MemoryStore
from tests.store.samples import DIMS, MODEL


def durable(folder: Path, exact_up_to: int) -> Store:
    return open_store(folder, model=MODEL, dims=DIMS, options=Options(exact_up_to=exact_up_to))


STORES: dict[str, Callable[[Path], Store]] = {
    "memory": lambda _: MemoryStore(dims=DIMS),
    "durable-exact": lambda folder: durable(folder, 2000),
    "durable-graph": lambda folder: durable(folder, 0),
}


@pytest.fixture(params=STORES)
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with closing(STORES[request.param](tmp_path)) as made:
        yield made


@pytest.fixture
def store(any_store: Store) -> Collection:
    """The default collection of a store of each kind."""
    return any_store.collection()
