"""A server process with a large gallery, for the measurements over HTTP."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from types import TracebackType

import numpy as np
import requests

from benchmarks.contenders import MODEL, ROOT
from benchmarks.synthetic import People
from faceserver.models.spec import EmbedderSpec, load_spec
from faceserver.store import open_store
from faceserver.types import Box, Detection, Face

CACHE = ROOT / ".cache/bench"
DETECTION = Detection(Box(10, 10, 90, 90), ((30, 40), (70, 40), (50, 60), (35, 80), (65, 80)), 0.99)

STAGES = ("decode", "detect", "embed", "search")


def gallery_is_there(faces: int) -> bool:
    """Whether the data folder with so many faces is complete."""
    return (CACHE / f"gallery-{faces}/complete").exists()


def gallery(faces: int) -> Path:
    """A data folder with so many synthetic faces, made where it is missing."""
    folder = CACHE / f"gallery-{faces}"
    if gallery_is_there(faces):
        return folder
    spec = load_spec(MODEL, EmbedderSpec)
    store = open_store(folder, model=spec.name, dims=spec.dims)
    for vectors, _ in People(dims=spec.dims).faces(faces):
        for part in np.array_split(vectors, max(1, len(vectors) // 1000)):
            store.collection().add([Face(row, DETECTION, None, "synthetic") for row in part])
    store.close()
    (folder / "complete").touch()
    return folder


class Served:
    """``faceserver serve`` on a free port of loopback; a context manager."""

    def __init__(self, data_dir: Path, settings: Mapping[str, str] | None = None) -> None:
        own = {key: value for key, value in os.environ.items() if "FACESERVER_" not in key}
        self._environment = {**own, "FACESERVER_DATA_DIR": str(data_dir), **(settings or {})}

    def __enter__(self) -> "Served":
        started = monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "faceserver", "serve", "--port", "0"],
            env=self._environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.url = self._line(r"faceserver .*(http://\S+)/")
        self._line("(Ready)")
        self.start_up = monotonic() - started
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)

    def memory(self) -> float:
        """Megabytes that the process holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1024

    def processor_seconds(self) -> float:
        """Seconds of processor time that it has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").split()
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")

    def seconds(self) -> dict[str, float]:
        """Seconds spent so far in each stage, and in all requests (``request``)."""
        text = requests.get(f"{self.url}/metrics", timeout=60).text
        sums = dict(re.findall(r'faceserver_stage_seconds_sum\{stage="(\w+)"\} (\S+)', text))
        whole = re.search(r'faceserver_request_seconds_sum\{route="/faceRetrieve"\} (\S+)', text)
        found = {stage: float(sums.get(stage, 0)) for stage in STAGES}
        return {**found, "request": float(whole[1]) if whole else 0.0}

    def _line(self, pattern: str) -> str:
        assert self.process.stdout
        for line in self.process.stdout:
            if found := re.search(pattern, line):
                return found[1]
        raise RuntimeError("the server has ended")
