"""All benchmarks, side by side in one run: ``make bench``.

It says at the start how long it will take, and begins nothing more once the time is up. What a
contender needs and is not here is skipped by name. With ``--save`` the figures become those of this
machine in ``benchmarks/results``, and the tables of docs/benchmarks.md are renewed.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from benchmarks import decoding, detection, engines, http, machines, pipeline, whole
from benchmarks.chart import chart
from benchmarks.report import Row, machine, state, table
from benchmarks.rounds import photographs
from benchmarks.served import CACHE, gallery_is_there

Part = Callable[[argparse.Namespace], list[Row]]

PARTS: dict[str, tuple[int, Part]] = {
    "Embedding": (100, lambda told: engines.measure(told.rounds)),
    "A photograph, to its vectors": (60, lambda told: whole.measure(told.rounds)),
    "Detection": (60, lambda told: detection.measure(photographs([]), told.rounds)),
    "Decoding": (30, lambda told: decoding.measure(told.rounds)),
    "A request": (90, lambda told: http.measure(told.faces, told.calls)),
    "A folder of photographs": (40, lambda told: pipeline.measure(told.pictures)),
}
"""Seconds that each takes on two quiet processors of 2.6 GHz, and how it is measured."""

_GALLERY_SECONDS = 120
"""For 100,000 faces that are stored and indexed, once."""


def seconds(told: argparse.Namespace) -> int:
    """How long all of it should take."""
    missing = not gallery_is_there(told.faces)
    building = _GALLERY_SECONDS * told.faces // 100_000 if missing else 0
    return sum(takes for takes, _ in PARTS.values()) + building


def run(told: argparse.Namespace) -> dict[str, list[Row]]:
    """Measure one part after the other, until the time is up."""
    end = monotonic() + 60 * told.minutes
    found = {}
    for title, (takes, measure) in PARTS.items():
        print(f"\n## {title}\n", flush=True)
        if monotonic() + takes > end:
            print(f"left out: it takes about {takes} s, and {told.minutes:g} minutes are over")
            continue
        start = monotonic()
        found[title] = measure(told)
        print(f"{table(found[title])}\n\n({monotonic() - start:.0f} s)", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=9.5, help="after which nothing is begun")
    parser.add_argument("--faces", type=int, default=100_000, help="stored, for a request")
    parser.add_argument("--calls", type=int, default=80, help="requests in each load")
    parser.add_argument("--pictures", type=int, default=500, help="that are imported")
    parser.add_argument("--rounds", type=int, default=engines.ROUNDS, help="of taking turns")
    parser.add_argument("--chart", type=Path, help="where the chart goes, as SVG")
    parser.add_argument("--save", action="store_true", help="keep the figures of this machine")
    told = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    about, before = machine(), state()
    print(", ".join(f"{name}: {value}" for name, value in about.items()))
    print(f"{before}. This takes about {seconds(told) / 60:.0f} minutes on two quiet processors.")
    found = run(told)
    if told.chart and "Embedding" in found:
        subtitle = f"{about['processor']}, {about['cores']} cores, {about['memory_gb']} GB"
        told.chart.write_text(chart("Faces embedded a second", subtitle, found["Embedding"]))
    if told.save:
        machines.save(about, before, found)


if __name__ == "__main__":
    main()
