"""Measure one search by vector among people with many faces: ``python -m benchmarks.searching``.

Counts the statements and rows that SQLite is asked for, and takes the time. The faces are
synthetic.
"""

import argparse
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.store import DETECTION, DIMS
from benchmarks.synthetic import Floats
from faceserver.models.distances import Distances
from faceserver.pictures.fetch import Fetcher
from faceserver.runtime.database import Database
from faceserver.services.context import Context, Limits
from faceserver.services.searching import Searching, SearchQuery
from faceserver.store import open_store
from faceserver.types import Face
from faceserver.vision.pool import AnalyzerPool

MODEL = "synthetic"
_READS = ("read", "read_in_parts")


class _Embedder:
    """Stands where the model would; vectors come ready."""

    name = MODEL
    dims = DIMS
    distances = Distances(threshold=1.1, calibration="none")


class _Analyzer:
    embedder = _Embedder()


def of_one_person(rng: np.random.Generator, count: int) -> Floats:
    """Unit vectors around a centre, at squared distances of about 0.5 from each other."""
    vectors = rng.normal(size=DIMS) + 0.58 * rng.normal(size=(count, DIMS))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


class Counted:
    """Statements and rows of everything that is read while it is in place."""

    def __init__(self) -> None:
        self.statements = self.rows = 0
        for name in _READS:
            if hasattr(Database, name):
                setattr(Database, name, self._counting(getattr(Database, name)))

    def _counting(self, read: Any) -> Any:
        def count(*arguments: Any, **more: Any) -> Any:
            self.statements += 1
            found = read(*arguments, **more)
            if isinstance(found, list):
                self.rows += len(found)
                return found
            return self._parts(found)

        return count

    def _parts(self, parts: Any) -> Any:
        for part in parts:
            self.rows += len(part)
            yield part


def measure(searching: Searching, probes: Floats, query: SearchQuery) -> str:
    """What one search takes, as the median over the probes."""
    costs = []
    for probe in probes:
        counted, reads = None, {name: getattr(Database, name, None) for name in _READS}
        numbers = probe.tolist()
        start = perf_counter()
        searching.by_embedding("default", numbers, query, model=MODEL)
        taken = perf_counter() - start
        counted = Counted()
        searching.by_embedding("default", numbers, query, model=MODEL)
        costs.append((taken * 1000, counted.statements, counted.rows))
        for name, read in reads.items():
            if read is not None:
                setattr(Database, name, read)
    taken, statements, rows = (median(part) for part in zip(*costs, strict=True))
    return f"{statements:.0f} statements, {rows:.0f} rows, {taken:.2f} ms"


def main() -> None:
    """Build the gallery, and search it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--faces", type=int, default=600, help="of each")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    with TemporaryDirectory() as folder:
        store = open_store(Path(folder), model=MODEL, dims=DIMS)
        limits = Limits(max_bytes=1, max_pixels=1, max_matches=100, max_distance=1.1)
        analyzers = AnalyzerPool(_Analyzer())  # type: ignore[arg-type]  # nothing is looked at
        fetch = Fetcher(timeout=1, max_bytes=1, allow_networks=()).fetch
        searching = Searching(Context(analyzers, store, store.pictures, fetch, limits))
        collection = store.collection()
        probes = []
        for number in range(options.people):
            person = collection.add_subject(f"Person {number}").id
            *vectors, probe = of_one_person(rng, options.faces + 1)
            collection.add(
                [Face(vector, DETECTION, None, "", subject=person) for vector in vectors]
            )
            probes.append(probe)
        found = {
            "ten matches": SearchQuery(),
            "a hundred matches": SearchQuery(k=100),
            "ten people": SearchQuery(grouped=True),
        }
        for name, query in found.items():
            print(f"{name}: {measure(searching, np.array(probes), query)}")
        store.close()


if __name__ == "__main__":
    main()
