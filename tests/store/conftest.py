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


def shared(url: str, folder: Path, exact_up_to: int) -> Store:
    from faceserver.store.postgres.store import open_store  # noqa: PLC0415 - needs its client

    options = Options(exact_up_to=exact_up_to)
    return open_store(url, folder, model=MODEL, dims=DIMS, options=options)


Url = Callable[[], str]

STORES: dict[str, Callable[[Path, Url], Store]] = {
    "memory": lambda *_: MemoryStore(dims=DIMS),
    "durable-exact": lambda folder, _: durable(folder, 2000),
    "durable-graph": lambda folder, _: durable(folder, 0),
    "postgres-exact": lambda folder, url: shared(url(), folder, 2000),
    "postgres-graph": lambda folder, url: shared(url(), folder, 0),
}


@pytest.fixture(params=STORES)
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    def url() -> str:
        found: str = request.getfixturevalue("postgres_url")
        return found

    with closing(STORES[request.param](tmp_path, url)) as made:
        yield made


@pytest.fixture
def store(any_store: Store) -> Collection:
    """The default collection of a store of each kind."""
    return any_store.collection()
