"""Compare a gallery in a data folder with one in PostgreSQL: ``python -m benchmarks.shared``.

The same synthetic faces in both, one after the other. Without --url, a PostgreSQL of the tests is
started on this machine, with its writes put on the disk for certain.
"""

import argparse
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from benchmarks.store import ADDED_AT_ONCE, DIMS, new_faces
from benchmarks.synthetic import Floats, People
from faceserver.store import Options
from faceserver.store.base import Collection
from faceserver.store.postgres import store as shared
from faceserver.store.postgres.schema import upgrade
from faceserver.store.postgres.store import PostgresStore
from faceserver.store.postgres.store import open_store as open_shared
from faceserver.store.sqlite.opening import open_store
from faceserver.store.sqlite.store import DurableStore
from tests.support.postgres import postgres_server

PROBES = 500
CLIENTS = 8
_SERVER = ("shared_buffers=2GB", "maintenance_work_mem=1GB", "max_parallel_maintenance_workers=2")


def nearest(probes: Floats, people: People, count: int) -> Floats:
    """The squared distance from each probe to the nearest face: float32, shape (n,)."""
    best = np.full(len(probes), 9, np.float32)
    for vectors, _ in people.faces(count):
        best = np.minimum(best, 2 - 2 * (probes @ vectors.T).max(axis=1))
    return best


def milliseconds(search: Callable[[Floats], object], probes: Floats, threads: int) -> str:
    """How long a search takes, and how many are done in a second."""

    def taken(probe: Floats) -> float:
        start = perf_counter()
        search(probe)
        return (perf_counter() - start) * 1000

    start = perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        times = np.array(list(pool.map(taken, probes)))
    rate = len(probes) / (perf_counter() - start)
    return f"p50 {np.median(times):.1f} ms, p99 {np.quantile(times, 0.99):.1f} ms, {rate:.0f} /s"


def fill(collection: Collection, people: People, count: int) -> None:
    start = perf_counter()
    for vectors, _ in people.faces(count):
        for first in range(0, len(vectors), ADDED_AT_ONCE):
            collection.add(new_faces(vectors[first : first + ADDED_AT_ONCE]))
    print(f"  {count} faces stored in {perf_counter() - start:.0f} s")


def measure(collections: list[Collection], people: People, count: int) -> None:
    """Recall, searches and additions, the clients shared out among servers."""
    owners = np.concatenate([part for _, part in people.faces(count)])
    probes = people.probes(np.random.default_rng(5).choice(owners, PROBES))
    best = nearest(probes, people, count)
    first = collections[0]
    found = [first.search(probe, k=1, max_distance=4.1)[0].distance for probe in probes]
    print(f"  recall@1 {np.mean(np.array(found) <= best + 1e-4):.4f}; {first.status()}")
    searches: dict[str, Callable[[Collection, Floats], object]] = {
        "10 faces": lambda held, probe: held.search(probe, k=10, max_distance=1.1),
        "10 people": lambda held, probe: held.search_subjects(probe, k=10, max_distance=1.1),
    }
    for name, search in searches.items():
        for clients in (1, CLIENTS):
            turns = iter(range(10**9))

            def ask(probe: Floats, search: Callable[[Collection, Floats], object] = search) -> None:
                search(collections[next(turns) % len(collections)], probe)  # noqa: B023

            print(f"  {name}, {clients} clients: {milliseconds(ask, probes, clients)}")
    times = []
    for probe in probes[:100]:
        start = perf_counter()
        first.add(new_faces(probe[None]))
        times.append((perf_counter() - start) * 1000)
    print(f"  one face added: p50 {np.median(times):.1f} ms, p99 {np.quantile(times, 0.99):.1f} ms")


def in_folder(folder: Path, people: People, count: int) -> None:
    print("data folder: SQLite and hnswlib")
    with closing(open_store(folder, model="synthetic", dims=DIMS)) as store:
        fill(store.collection(), people, count)
        start = perf_counter()
        _settle(store)
        print(f"  index complete {perf_counter() - start:.0f} s later")
        measure([store.collection()], people, count)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"  {size / count:.0f} bytes a face on the disk")


def _settle(store: DurableStore) -> None:
    store._background.submit(lambda: None).result()


def in_database(url: str, folder: Path, people: People, count: int, servers: int) -> None:
    print("PostgreSQL and pgvector")
    upgrade(url)
    shared.INDEX_EVERY = 3600.0  # the benchmark says when
    with ExitStack() as held:
        stores: list[PostgresStore] = [
            held.enter_context(
                closing(open_shared(url, folder, model="synthetic", dims=DIMS, options=Options()))
            )
            for _ in range(servers)
        ]
        store = stores[0]
        fill(store.collection(), people, count)
        start = perf_counter()
        while store.collection().status().recall is None:
            store.indexer.look(at_once=True)
        print(f"  index complete and measured {perf_counter() - start:.0f} s later")
        for number in range(1, servers + 1):
            print(f" {number} servers of this process")
            measure([one.collection() for one in stores[:number]], people, count)
        size = "SELECT pg_database_size(current_database())"
        ((total,),) = store.database.read(lambda transaction: transaction.read(size))
        print(f"  {total / count:.0f} bytes a face on the disk")


@contextmanager
def database(url: str | None) -> Iterator[str]:
    if url:
        yield url
        return
    with postgres_server(_SERVER) as server, server.database() as own:
        yield own


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--url", help="an empty database; all that the benchmark makes stays in it")
    parser.add_argument("--only", choices=["folder", "database"])
    options = parser.parse_args()
    people = People(dims=DIMS)
    with TemporaryDirectory() as name:
        folder = Path(name)
        if options.only != "database":
            in_folder(folder / "own", people, options.faces)
            shutil.rmtree(folder / "own")
        if options.only != "folder":
            with database(options.url) as url:
                in_database(url, folder / "shared", people, options.faces, options.servers)


if __name__ == "__main__":
    main()
