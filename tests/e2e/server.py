"""A real server process on a real socket."""

import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[2]


class Server:
    """``faceserver serve`` on a port of loopback, 0 for a free one; use it as a context manager.

    ``command`` is what stands for ``faceserver``: this checkout's, unless it is given. The context
    begins once the server has printed its address and then a line that begins with ``ready``.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: str = "0",
        ready: str = "Ready",
        command: Sequence[str] = (sys.executable, "-u", "-m", "faceserver"),
        **settings: str,
    ) -> None:
        names = {f"FACESERVER_{name.upper()}": value for name, value in settings.items()}
        own = {key: value for key, value in os.environ.items() if "FACESERVER_" not in key}
        self._environment = {**own, "FACESERVER_DATA_DIR": str(data_dir), **names}
        self._command = [*command, "serve", "--port", port]
        self._ready = ready
        self.data_dir = data_dir
        self.output: list[str] = []

    def __enter__(self) -> "Server":
        self.process = subprocess.Popen(
            self._command,
            env=self._environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            self.url = self.wait_for("faceserver ").split()[-1].rstrip("/")
            if self._ready:
                self.wait_for(self._ready)
        except AssertionError:
            self.stop(signal.SIGTERM)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop(signal.SIGTERM)

    def stop(self, how: signal.Signals) -> int:
        """Send a signal, wait for the end, and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        rest, _ = self.process.communicate(timeout=30)
        self.output += rest.splitlines()
        return self.process.returncode

    def cap_memory(self, size: int) -> None:
        """Have the system give the process no more than so many bytes of address space."""
        resource.prlimit(self.process.pid, resource.RLIMIT_AS, (size, size))

    def most_memory(self) -> int:
        """Bytes that the process has had in memory at most, since it began."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        (kilobytes,) = re.findall(r"^VmHWM:\s+([0-9]+) kB$", status, re.MULTILINE)
        return 1024 * int(kilobytes)

    def register(self, *pictures: Path) -> requests.Response:
        files = [(picture.name, (picture.name, picture.read_bytes())) for picture in pictures]
        names = "".join(f"{picture.name}*" for picture in pictures)
        return self.post("/faceRegister", files=files, data={"names": names})

    def retrieve(self, picture: Path) -> requests.Response:
        files = {picture.name: (picture.name, picture.read_bytes())}
        return self.post("/faceRetrieve", files=files, data={"name": picture.name})

    def post(self, path: str, **arguments: Any) -> requests.Response:
        return requests.post(self.url + path, timeout=60, **arguments)

    def get(self, path: str, **arguments: Any) -> requests.Response:
        return requests.get(f"{self.url}/{path.removeprefix('/')}", timeout=60, **arguments)

    def wait_for(self, text: str, *, inside: bool = False) -> str:
        """Read what the server prints until a line begins so, or has it inside; return it."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.output.append(line.rstrip())
            if text in line if inside else line.startswith(text):
                return line.strip()
        raise AssertionError("the server ended: " + "\n".join(self.output))
