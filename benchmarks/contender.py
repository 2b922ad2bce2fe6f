"""A process that holds one of those who are compared, and answers what it is asked."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contenders import ROOT

PEERS_PYTHON = ROOT / ".cache/bench-env/bin/python"


class Contender:
    """A worker process; :attr:`absent` says why there is none.

    Workers print ``ready`` or ``absent: why``, then a line for each line that they are sent.
    """

    def __init__(self, name: str, module: str, *arguments: str, is_peer: bool) -> None:
        """Start a process, in the peers' environment if it is one of these."""
        self.name = name
        self.absent: str | None = None
        python = PEERS_PYTHON if is_peer else Path(sys.executable)
        if not python.exists():
            self.absent = "the peers' environment is not installed"
            return
        threads = str(len(os.sched_getaffinity(0)))
        self._process = subprocess.Popen(
            [str(python), "-W", "ignore", "-m", module, name, *arguments],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        answer = self._line()
        if answer != "ready":
            self.absent = answer.removeprefix("absent: ") or "it fails"

    def ask(self, line: str) -> str:
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._line()

    def close(self) -> None:
        if hasattr(self, "_process"):
            self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()


def ratios(own: float, others: dict[str, float]) -> str:
    """How many times as fast somebody is as others who were measured in the same run.

    Args:
        own: time.
        others: times by name, of those alone who were measured.
    """
    return ", ".join(f"{other / own:.1f} x {name}" for name, other in others.items())


def present(contenders: Sequence[Contender]) -> list[Contender]:
    return [contender for contender in contenders if not contender.absent]
