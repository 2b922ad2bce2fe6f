"""Measure the store at size: ``python -m benchmarks.store --faces 100000 --folder FOLDER``.

The faces are synthetic; see :mod:`benchmarks.synthetic`. Probes are new faces of people who are in
the gallery. The folder is made anew each time, and needs about 5 KB for each face; with ``--keep``
it stays, and the next run begins with its start-up.
"""

import argparse
import logging
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from time import monotonic, perf_counter

import numpy as np

from benchmarks.synthetic import Floats, People
from faceserver.store import open_store
from faceserver.store.index.hnsw import HnswIndex, M
from faceserver.store.sqlite.store import DurableStore
from faceserver.types import Box, Detection, Face

DIMS = 512
PROBES = 1000
ADDED_AT_ONCE = 1000

DETECTION = Detection(Box(10, 10, 90, 90), ((30, 40), (70, 40), (50, 60), (35, 80), (65, 80)), 0.99)


def new_faces(vectors: Floats) -> list[Face]:
    return [Face(vector, DETECTION, None, "synthetic") for vector in vectors]


def opened(folder: Path) -> DurableStore:
    return open_store(folder, model="synthetic", dims=DIMS)


def resident() -> int:
    """Bytes of memory that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def exact(probes: Floats, gallery: Iterator[Floats], *, k: int) -> Floats:
    """The k least squared distances of each probe: float32, shape (n, k)."""
    best = np.full((len(probes), k), np.inf, np.float32)
    for vectors in gallery:
        distances = 2 - 2 * (probes @ vectors.T)
        best = np.sort(np.concatenate((best, distances), axis=1), axis=1)[:, :k]
    return best


def timed(search: Callable[[Floats], object], probes: Floats, *, threads: int) -> str:
    """p50 and p99 of a search, and searches a second, with so many threads."""

    def one(probe: Floats) -> float:
        start = perf_counter()
        search(probe)
        return perf_counter() - start

    start = perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        times = np.array(list(pool.map(one, probes))) * 1000
    rate = len(probes) / (perf_counter() - start)
    p50, p99 = np.percentile(times, [50, 99])
    return f"p50 {p50:.2f} ms, p99 {p99:.2f} ms, {rate:.0f} a second"


def recall(found: list[Floats], distances: Floats, *, k: int) -> float:
    """The share of the k nearest that were found, judged by distance, as twins are equal."""
    limits = distances[:, k - 1] + 1e-4
    hits = sum(int((one[:k] <= limit).sum()) for one, limit in zip(found, limits, strict=True))
    return hits / (k * len(found))


def longest_stall(store: DurableStore, probes: Floats, work: Callable[[], object]) -> float:
    """The longest search, in milliseconds, while ``work`` runs in another thread."""
    done = Event()
    worst = 0.0

    def run() -> None:
        work()
        done.set()

    collection = store.collection()
    worker = Thread(target=run)
    worker.start()
    while not done.is_set():
        for probe in probes[:50]:
            start = perf_counter()
            collection.search(probe, k=10, max_distance=1.1)
            worst = max(worst, perf_counter() - start)
    worker.join()
    return worst * 1000


def graph_of(store: DurableStore) -> HnswIndex:
    index = store.collection().index._index
    assert index is not None
    assert index.graph is not None
    return index.graph


def wait_for_background(store: DurableStore) -> None:
    store._background.submit(lambda: None).result()


def build(folder: Path, people: People, count: int) -> None:
    start, before = monotonic(), resident()
    store = opened(folder)
    collection = store.collection()
    for vectors, _ in people.faces(count):
        for first in range(0, len(vectors), ADDED_AT_ONCE):
            collection.add(new_faces(vectors[first : first + ADDED_AT_ONCE]))
        print(f"  {collection.count()} faces after {monotonic() - start:.0f} s", flush=True)
    print(f"build: {monotonic() - start:.0f} s, commits and saves included")
    wait_for_background(store)
    held = (resident() - before) / count
    goal = 1.15 * (4 * DIMS + 4 * (2 * M + 1))
    print(f"memory: {held:.0f} bytes a face after building (goal {goal:.0f})")
    start = monotonic()
    store.close()
    print(f"close: {monotonic() - start:.1f} s")


def measure_searches(store: DurableStore, people: People, count: int) -> Floats:
    owners = np.concatenate([part for _, part in people.faces(count)])
    probes = people.probes(np.random.default_rng(5).choice(owners, PROBES))
    distances = exact(probes, (vectors for vectors, _ in people.faces(count)), k=10)
    graph, ef = graph_of(store), store.collection().status().ef
    assert ef is not None
    found = [graph.nearest(probe, k=10, ef=ef)[1] for probe in probes]
    print(f"recall@1 {recall(found, distances, k=1):.4f}, @10 {recall(found, distances, k=10):.4f}")
    searches: dict[str, Callable[[Floats], object]] = {
        "index alone, k=10": lambda probe: graph.nearest(probe, k=10, ef=ef),
        "store, k=10, under 1.1": lambda probe: store.collection().search(
            probe, k=10, max_distance=1.1
        ),
        "store, 10 people, under 1.1": lambda probe: store.collection().search_subjects(
            probe, k=10, max_distance=1.1
        ),
    }
    for name, search in searches.items():
        for threads in (1, len(os.sched_getaffinity(0))):
            print(f"{name}, {threads} threads: {timed(search, probes, threads=threads)}")
    return probes


def measure_changes(store: DurableStore, probes: Floats) -> None:
    index, graph = store.collection().index, graph_of(store)
    for _ in range(3):
        start = monotonic()
        stall = longest_stall(store, probes, lambda: index._save(graph))
        print(f"save: {monotonic() - start:.1f} s; longest search meanwhile {stall:.1f} ms")
    baseline = longest_stall(store, probes, lambda: Event().wait(2))
    print(f"longest search with nothing else going on, for 2 s: {baseline:.1f} ms")
    times, added = [], []
    for probe in probes[:100]:
        start = perf_counter()
        added += store.collection().add(new_faces(probe[None]))
        times.append(perf_counter() - start)
    print(f"one add: p50 {np.median(times) * 1000:.1f} ms, the disk's part included")
    faces = new_faces(probes)
    stall = longest_stall(store, probes, lambda: added.extend(store.collection().add(faces)))
    print(f"longest search while {len(faces)} faces are added at once: {stall:.1f} ms")
    store.collection().delete([face.id for face in added])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--keep", action="store_true", help="use the folder again, and leave it")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="  log: %(message)s")
    people = People(dims=DIMS)
    if not (options.keep and options.folder.exists()):
        shutil.rmtree(options.folder, ignore_errors=True)
        build(options.folder, people, options.faces)
    start, before = monotonic(), resident()
    store = opened(options.folder)
    print(f"start-up: {monotonic() - start:.2f} s")
    print(f"memory: {(resident() - before) / options.faces:.0f} bytes a face after loading")
    wait_for_background(store)
    print(store.collection().status())
    probes = measure_searches(store, people, options.faces)
    measure_changes(store, probes)
    store.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"highest memory of the process: {peak:.1f} GB")
    if not options.keep:
        shutil.rmtree(options.folder)


if __name__ == "__main__":
    main()
