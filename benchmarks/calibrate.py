"""Which distance tells the same person from another? Measures a model on your photographs.

    .venv/bin/python benchmarks/calibrate.py FOLDER

FOLDER has a subfolder for each person, with photographs in which that person's face is the
largest. Photographs directly in FOLDER show groups: the faces of one such picture are different
people. The settings (model, engine, crop recipe in model.toml) are the server's.
"""

import sys
from itertools import combinations
from pathlib import Path

import numpy as np

from faceserver import images
from faceserver.analyzer import Analyzer
from faceserver.app import make_analyzer
from faceserver.config import load_settings
from faceserver.types import Floats

THRESHOLDS = np.arange(0.5, 1.45, 0.05)


def embeddings(analyzer: Analyzer, path: Path) -> Floats:
    """All faces of a picture, largest first."""
    image = images.decode(path.read_bytes(), max_bytes=10**9, max_pixels=10**8)
    return analyzer.embed(analyzer.find(image))


def distance(one: Floats, other: Floats) -> float:
    return float(np.square(one - other).sum())


def measure(analyzer: Analyzer, folder: Path) -> tuple[Floats, Floats]:
    """Distances of all pairs of the same person, and of all pairs of different people."""
    people = {
        person.name: [embeddings(analyzer, path)[0] for path in sorted(person.iterdir())]
        for person in sorted(folder.iterdir())
        if person.is_dir()
    }
    groups = [embeddings(analyzer, path) for path in sorted(folder.iterdir()) if path.is_file()]
    same = [distance(*pair) for faces in people.values() for pair in combinations(faces, 2)]
    different = [distance(*pair) for group in groups for pair in combinations(group, 2)]
    for one, other in combinations(people.values(), 2):
        different += [distance(a, b) for a in one for b in other]
    return np.array(same, np.float32), np.array(different, np.float32)


def main() -> None:
    same, different = measure(make_analyzer(load_settings()), Path(sys.argv[1]))
    area = np.mean(same[:, None] < different[None])
    print(
        f"{len(same)} pairs of the same person: median {np.median(same):.2f}, most {same.max():.2f}"
    )
    print(
        f"{len(different)} pairs of different people: "
        f"median {np.median(different):.2f}, least {different.min():.2f}"
    )
    print(f"area under the ROC curve: {area:.4f}")
    print("threshold  same person missed  different people taken for the same")
    for threshold in THRESHOLDS:
        missed, false = np.mean(same >= threshold), np.mean(different < threshold)
        print(f"{threshold:9.2f}  {missed:18.2%}  {false:35.2%}")


if __name__ == "__main__":
    main()
