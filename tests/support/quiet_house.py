"""Runs a command in a home that is empty, and tells what it wrote there and whom it called."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_QUIET = Path(__file__).with_name("quiet")
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy")
_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH")


class House:
    """An empty home, and a record of everything that leaves it.

    Three watchers, so that what one cannot see another does: a library that is preloaded into each
    process and takes the C library's calls of the network, in every thread and language; an audit
    hook in each Python, which sees files that are written as well; and a proxy that all proxy
    settings lead to.

    Attributes:
        home: the home, empty at first.
        work: where the command may write.
    """

    def __init__(self, folder: Path, proxy: str) -> None:
        """Make the folders and build the library."""
        self.home, self.work, temporary = folder / "home", folder / "work", folder / "tmp"
        for made in (self.home, self.work, temporary):
            made.mkdir()
        self._record = folder / "record"
        self.called: list[str] = []
        self.environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self.environment |= dict.fromkeys(_PROXIES, proxy)
        self.environment |= {name.upper(): proxy for name in _PROXIES}
        self.environment |= {
            "HOME": str(self.home),
            "LD_PRELOAD": str(_built(folder)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join((str(_QUIET), str(ROOT))),
            "QUIET_FOLDERS": os.pathsep.join((str(self.work), str(temporary), "/dev/")),
            "QUIET_RECORD": str(self._record),
            "TMPDIR": str(temporary),
            "FACESERVER_DATA_DIR": str(self.work / "data"),
            "FACESERVER_CACHE_DIR": str(self.work / "cache"),
        }

    def run(self, *arguments: str | Path, well: bool | None = True) -> str:
        """Run Python with these arguments, to a good end unless ``well`` is None; what it said."""
        done = subprocess.run(
            self.command(arguments),
            env=self.environment,
            cwd=self.work,
            capture_output=True,
            text=True,
            check=False,
        )
        told = done.stdout + done.stderr
        assert done.returncode == 0 or well is None, told
        return told

    def command(self, arguments: Sequence[str | Path]) -> list[str]:
        return [sys.executable, *map(str, arguments)]

    def left(self) -> list[str]:
        """Calls, files outside of where they belong, and everything in the home."""
        record = self._record.read_text(encoding="utf-8") if self._record.exists() else ""
        files = [str(path.relative_to(self.home)) for path in sorted(self.home.rglob("*"))]
        return [*record.splitlines(), *self.called, *files]


@contextmanager
def quiet_house(folder: Path) -> Iterator[House]:
    """Lend the block a house; while it lasts, the proxy listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        house = House(folder, f"http://127.0.0.1:{listener.getsockname()[1]}")

        def listen() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                house.called.append("the proxy was called")
                connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield house
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _built(folder: Path) -> Path:
    library = folder / "network.so"
    compiler = os.environ.get("CC") or shutil.which("cc") or "gcc"
    command = [compiler, "-shared", "-fPIC", "-O1", str(_QUIET / "network.c"), "-o", str(library)]
    subprocess.run([*command, "-ldl"], check=True, capture_output=True)
    return library
