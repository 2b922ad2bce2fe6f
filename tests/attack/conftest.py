"""Real servers to be attacked; the system caps their memory, should they not do so themselves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.attacker import Attacker
from tests.e2e.server import Server
from tests.support.photographs import Photographs
from tests.web.v1.live import make_key

ADDRESS_SPACE = 8_000_000_000
"""Of a server; most of it is the runtime's and never touched."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("attack")


@pytest.fixture(scope="session")
def picture(photographs: Photographs) -> bytes:
    return photographs["obama.jpg"].read_bytes()


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacker]:
    """A server that lets everybody in, with the usual limits but for how often one may ask."""
    settings = {
        "requests_per_minute": "0",
        "url_allow_networks": "127.0.0.0/8",
        "url_timeout": "60",
        "workers": "4",
    }
    with Server(tmp_path_factory.mktemp("open"), **settings) as server:
        server.cap_memory(ADDRESS_SPACE)
        yield Attacker(server)


@pytest.fixture(scope="session")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacker]:
    """A server that asks for keys."""
    folder = tmp_path_factory.mktemp("closed")
    key = make_key(folder)
    with Server(folder, requests_per_minute="0") as server:
        server.cap_memory(ADDRESS_SPACE)
        yield Attacker(server, key)
