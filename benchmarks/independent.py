"""SFace beside an independent pipeline: ``python -m benchmarks.independent FOLDER...``.

Each folder has a subfolder for each person. Both pipelines get the same points of the same
detector; the other one aligns with numpy and OpenCV, runs the network in OpenCV, and sorts all
distances, where ours counts them in bins.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.report import Row, table
from faceserver import app
from faceserver.config import load_settings
from faceserver.evaluation import photographs
from faceserver.evaluation.data import read_sets
from faceserver.evaluation.histograms import count_all
from faceserver.evaluation.verification import false_non_match_at, threshold_at
from faceserver.models.spec import EmbedderSpec, load_spec
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.architectures import make_embedder
from tests.vision.test_sface_pipeline import aligned, vectors_of

RATE = 1e-3


def measure(folder: Path, detector: str) -> list[Row]:
    settings = load_settings(detector=detector, model="sface")
    spec = load_spec(settings.models_dir / "sface", EmbedderSpec)
    embedder = make_embedder(spec, app.loading(settings, spec))
    finder = Analyzer(app.make_detector(settings), embedder)
    (labelled,) = read_sets(folder)
    ours, theirs, people = [], [], []
    for path, person in zip(labelled.photographs, labelled.people, strict=True):
        image = photographs.read(path)
        found = finder.find(image)
        if found:
            ours.append(found[0].crop)
            theirs.append(aligned(image, found[0].detection))
            people.append(person)
    counts = count_all(embedder.embed(ours), people)
    binned = 1 - false_non_match_at(counts, threshold_at(counts.different, RATE))
    exact = true_accept(vectors_of(theirs), np.array(people))
    note = f"{exact:.4f} by the independent one, {abs(binned - exact):.4f} apart"
    return [Row(f"TAR at FMR 1e-3, {folder.name}", f"{detector} + sface", binned, "", note)]


def true_accept(vectors: np.ndarray, people: np.ndarray) -> float:
    one, other = np.triu_indices(len(people), 1)
    apart = (2 - 2 * vectors @ vectors.T)[one, other]
    same = people[one] == people[other]
    different = np.sort(apart[~same])
    return float(np.mean(apart[same] < different[int(RATE * len(different))]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--detector", default="mtcnn")
    options = parser.parse_args()
    print(table([row for each in options.folders for row in measure(each, options.detector)]))


if __name__ == "__main__":
    main()
