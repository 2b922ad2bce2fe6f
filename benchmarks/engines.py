"""Embedding: our engines and precisions beside others' (``python -m benchmarks.engines``).

All are held ready in processes of their own and take turns, a few calls each, so that what else
the machine does meets all of them alike. The figures are medians over all rounds.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.contenders import EMBEDDERS, PEERS, ROOT
from benchmarks.report import Row, table

PEERS_PYTHON = ROOT / ".cache/bench-env/bin/python"
BATCHES = (1, 8, 16)
ROUNDS = 5
FACES_A_TURN = 16
BASE = "pycaffe"


class Contender:
    """A worker process; :attr:`absent` says why there is none."""

    def __init__(self, name: str) -> None:
        self.name = name
        python = PEERS_PYTHON if name in PEERS else Path(sys.executable)
        if not python.exists():
            self.absent: str | None = "the peers' environment is not installed"
            return
        threads = str(len(os.sched_getaffinity(0)))
        self.process = subprocess.Popen(
            [str(python), "-m", "benchmarks.worker", name],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        answer = self._line()
        self.absent = None if answer == "ready" else answer.removeprefix("absent: ") or "it fails"

    def time(self, batch: int, calls: int) -> list[float]:
        """Milliseconds of each call."""
        assert self.process.stdin
        self.process.stdin.write(f"{batch} {calls}\n")
        self.process.stdin.flush()
        return [float(word) for word in self._line().split()]

    def close(self) -> None:
        if hasattr(self, "process"):
            self.process.communicate()

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()


def measure(rounds: int = ROUNDS) -> list[Row]:
    contenders = [Contender(name) for name in EMBEDDERS]
    times: dict[tuple[str, int], list[float]] = {}
    try:
        present = [contender for contender in contenders if not contender.absent]
        for batch in BATCHES:
            for contender in present:
                contender.time(batch, 2)  # the first calls prepare
            for _ in range(rounds):
                for contender in present:
                    taken = contender.time(batch, max(1, FACES_A_TURN // batch))
                    times.setdefault((contender.name, batch), []).extend(taken)
    finally:
        for contender in contenders:
            contender.close()
    return rows_of(contenders, times)


def rows_of(contenders: list[Contender], times: dict[tuple[str, int], list[float]]) -> list[Row]:
    medians = {key: float(np.median(taken)) / key[1] for key, taken in times.items()}
    base = medians.get((BASE, 1)) or medians.get(("faceserver opencv", 1))
    rows = []
    for contender in contenders:
        if contender.absent:
            rows.append(Row("embedding", contender.name, None, "ms", f"absent: {contender.absent}"))
            continue
        for batch in BATCHES:
            each = medians[contender.name, batch]
            note = f"{base / each:.1f} x {BASE}'s batch of 1" if base else ""
            rows.append(Row(f"a face, in batches of {batch}", contender.name, each, "ms", note))
    return rows


if __name__ == "__main__":
    print(table(measure()))
