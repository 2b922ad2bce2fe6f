"""All benchmarks, side by side in one run: ``make bench``.

What a contender needs and is not here is skipped by name. The figures go to the screen, and with
``--json`` and ``--chart`` into files.
"""

import argparse
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from benchmarks import engines, http, pipeline
from benchmarks.chart import chart
from benchmarks.report import Row, as_json, machine, table
from benchmarks.served import CACHE

PROGRAMS = {
    "detection": [],
    "store": ["--faces", "10000", "--folder", str(CACHE / "store")],
}
"""Those that print a report of their own."""


def show(title: str, rows: list[Row]) -> list[Row]:
    print(f"\n## {title}\n\n{table(rows)}", flush=True)
    return rows


def run_program(name: str) -> str:
    if find_spec(f"benchmarks.{name}") is None:
        return "absent"
    command = [sys.executable, "-m", f"benchmarks.{name}", *PROGRAMS[name]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else f"it failed: {done.stderr.strip()[-500:]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=100_000, help="stored, for a request")
    parser.add_argument("--calls", type=int, default=80, help="requests in each load")
    parser.add_argument("--pictures", type=int, default=500, help="that are imported")
    parser.add_argument("--rounds", type=int, default=engines.ROUNDS, help="of the engines")
    parser.add_argument("--json", type=Path, help="where the figures go")
    parser.add_argument("--chart", type=Path, help="where the chart goes, as SVG")
    options = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    about = machine()
    print(", ".join(f"{name}: {value}" for name, value in about.items()))
    embedding = show("Embedding", engines.measure(options.rounds))
    request = show("One request and eight clients", http.measure(options.faces, options.calls))
    folder = show("A folder of photographs", pipeline.measure(options.pictures))
    reports = {}
    for name in PROGRAMS:
        reports[name] = run_program(name)
        print(f"\n## {name.capitalize()}\n\n{reports[name]}", flush=True)
    if options.json:
        found = {
            "machine": about,
            "embedding": as_json(embedding),
            "request": as_json(request),
            "folder": as_json(folder),
            **reports,
        }
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if options.chart:
        subtitle = f"{about['processor']}, {about['cores']} cores, {about['memory_gb']} GB"
        options.chart.write_text(chart("Faces embedded a second", subtitle, embedding))


if __name__ == "__main__":
    main()
