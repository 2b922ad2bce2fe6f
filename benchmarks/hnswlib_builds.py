"""hnswlib compiled for this processor against the portable build: adding and searching.

    python -m benchmarks.hnswlib_builds [--faces 50000] [--rounds 5]

Each build lies in an environment of its own below ``.cache/hnswlib``; both are measured in turn,
round after round, and the ratios are of the medians.
"""

import argparse
import os
import subprocess
import sys
import venv
from importlib.metadata import version
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".cache" / "hnswlib"

WORK = """
import sys, time, numpy as np, hnswlib
from benchmarks.synthetic import People
dims, count = int(sys.argv[1]), int(sys.argv[2])
people = People(dims=dims)
faces = next(people.faces(count, batch=count))[0]
index = hnswlib.Index(space="l2", dim=dims)
index.init_index(max_elements=count, M=16, ef_construction=100)
started = time.perf_counter()
index.add_items(faces, num_threads=1)
added = time.perf_counter() - started
index.set_ef(64)
probes = faces[:2000]
started = time.perf_counter()
for probe in probes:
    index.knn_query(probe, k=10, num_threads=1)
print(added / count * 1e6, (time.perf_counter() - started) / len(probes) * 1e6)
"""


def environment(name: str, variables: dict[str, str]) -> Path:
    """An environment with numpy and hnswlib compiled under these variables; returns its Python."""
    folder = PLACE / name
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        versions = [f"{package}=={version(package)}" for package in ("numpy", "hnswlib")]
        subprocess.run(
            [
                python,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-cache-dir",
                "--no-binary",
                "hnswlib",
                *versions,
            ],
            env={**os.environ, **variables},
            check=True,
        )
    return python


def measure(python: Path, dims: int, faces: int) -> tuple[float, float]:
    """Microseconds to add a face, and to search for one."""
    done = subprocess.run(
        [python, "-c", WORK, str(dims), str(faces)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    added, searched = done.stdout.split()
    return float(added), float(searched)


def main() -> None:
    """Measure both builds in turn, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--faces", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    builds = {
        "portable": environment("portable", {"HNSWLIB_NO_NATIVE": "1"}),
        "native": environment("native", {}),
    }
    print("dims  build     add µs  search µs")
    for dims in (128, 512):
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in builds}
        for _ in range(options.rounds):
            for name, python in builds.items():
                found[name].append(measure(python, dims, options.faces))
        middle = {
            name: tuple(median(column) for column in zip(*rows, strict=True))
            for name, rows in found.items()
        }
        for name, (added, searched) in middle.items():
            print(f"{dims:4}  {name:8}  {added:6.0f}  {searched:9.0f}")
        ratios = [p / n for p, n in zip(middle["portable"], middle["native"], strict=True)]
        print(f"{dims:4}  portable takes {ratios[0]:.2f} x to add, {ratios[1]:.2f} x to search")


if __name__ == "__main__":
    sys.exit(main())
