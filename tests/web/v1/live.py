"""A real server with a key, and a site whose pictures it may fetch."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.server import ROOT, Server
from tests.support.loopback import Site, send, serve
from tests.support.photographs import Photographs


@dataclass(frozen=True)
class Live:
    """What there is."""

    server: Server
    key: str
    site: Site


@contextmanager
def live(data_dir: Path, photographs: Photographs) -> Iterator[Live]:
    """Run both while the context lasts."""
    key = make_key(data_dir)
    with serve() as site:
        for name, path in photographs.items():
            site.answers[f"/{name}"] = send(path.read_bytes())
        server = Server(data_dir, url_allow_networks="127.0.0.0/8", requests_per_minute="0")
        with server:
            yield Live(server, key, site)


def make_key(data_dir: Path) -> str:
    own = {name: value for name, value in os.environ.items() if "FACESERVER_" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "faceserver", "keys", "create", "--name=test", "--scope=admin"],
        env={**own, "FACESERVER_DATA_DIR": str(data_dir)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1].strip()
