"""Two pairs of models beside each other: ``python -m benchmarks.models``.

A server of each pair answers ``POST /faceRetrieve`` with one face in a JPEG of 1200 pixels. They
take turns, so that what else the machine does meets both alike; their processor time, which it
meets less, is told as well. Then the memory that idle servers hold: with each pair, and with both
embedders in one server, after each has been used.
"""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import requests

from benchmarks.http import client
from benchmarks.pictures import portrait
from benchmarks.report import Row, table
from benchmarks.served import CACHE, STAGES, Served

PAIRS = {
    "mtcnn + FaceNet": {},
    "yunet + SFace": {"FACESERVER_MODEL": "sface", "FACESERVER_DETECTOR": "yunet"},
}
AT_ONCE = 20


def measure(rounds: int) -> list[Row]:
    picture = portrait(CACHE).read_bytes()
    with tempfile.TemporaryDirectory(dir=CACHE) as folder, ExitStack() as stack:
        servers = {
            name: stack.enter_context(Served(Path(folder) / name.replace(" ", ""), settings))
            for name, settings in PAIRS.items()
        }
        for server in servers.values():
            files = {"picture": ("p.jpg", picture)}
            requests.post(f"{server.url}/faceRegister", files=files, timeout=60).raise_for_status()
            client(server.url, picture, AT_ONCE)
        idle = {name: server.memory() for name, server in servers.items()}
        times: dict[str, list[float]] = {name: [] for name in PAIRS}
        spent: dict[str, list[float]] = {name: [] for name in PAIRS}
        before = {name: server.seconds() for name, server in servers.items()}
        for _ in range(rounds):
            for name, server in servers.items():
                busy = server.processor_seconds()
                times[name].append(float(np.median(client(server.url, picture, AT_ONCE))))
                spent[name].append(1000 * (server.processor_seconds() - busy) / AT_ONCE)
        steps = {name: _steps(before[name], server.seconds()) for name, server in servers.items()}
    return [
        *_rows("a request", times, rounds, steps),
        *_rows("processor time of a request", spent, rounds, {}),
        *(Row("memory after its first requests", name, held, "MB") for name, held in idle.items()),
        Row("memory after its first requests", "both embedders", both(picture), "MB"),
    ]


def _rows(
    what: str, found: dict[str, list[float]], rounds: int, notes: dict[str, str]
) -> list[Row]:
    first, second = (np.array(found[name]) for name in PAIRS)
    ratio = float(np.median(second / first))
    return [
        Row(what, name, float(np.median(found[name])), "ms", notes.get(name, "")) for name in PAIRS
    ] + [Row(f"{what}, ratio", "yunet + SFace", ratio, "x", f"median of {rounds} rounds")]


def _steps(before: dict[str, float], after: dict[str, float]) -> str:
    """What the steps of the work share of the requests' time."""
    whole = after["request"] - before["request"]
    shares = {step: (after[step] - before[step]) / whole for step in STAGES}
    return ", ".join(f"{step} {share:.0%}" for step, share in shares.items())


def both(picture: bytes) -> float:
    """Megabytes of a server that has used both embedders."""
    with (
        tempfile.TemporaryDirectory(dir=CACHE) as folder,
        Served(Path(folder) / "data", {"FACESERVER_DETECTOR": "yunet"}) as server,
    ):
        client(server.url, picture, AT_ONCE)
        collections = f"{server.url}/v1/collections"
        new = {"name": "other", "model": "sface"}
        requests.post(collections, json=new, timeout=60).raise_for_status()
        for _ in range(AT_ONCE):
            files = {"file": ("p.jpg", picture)}
            answer = requests.post(f"{collections}/other/faces", files=files, timeout=60)
            answer.raise_for_status()
        return server.memory()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    print(table(measure(parser.parse_args().rounds)))


if __name__ == "__main__":
    main()
