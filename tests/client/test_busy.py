"""The client comes back to a server that has too much to do, and to no other."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from faceserver.client import transport
from faceserver.client.transport import ApiError, Transport
from tests.support.loopback import Site, serve

PROBLEM = b'{"title": "", "status": 503, "detail": "later", "code": "busy", "request_id": ""}'


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as made:
        yield made


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(transport, "sleep", taken.append)
    return taken


def busy(site: Site, times: int, **headers: str) -> None:
    """Refuse so many requests, then answer."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        refuses = len(site.requests) <= times
        handler.send_response(503 if refuses else 200)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(PROBLEM if refuses else b"{}")

    site.answers["/v1/x"] = answer


def test_it_comes_back(site: Site, pauses: list[float]) -> None:
    busy(site, 3, Retry_After="2")
    with Transport(site.url("")) as client:
        assert client.ask("GET", "/x").ok
    assert pauses == [2, 2, 2]


def test_it_gives_up(site: Site, pauses: list[float]) -> None:
    busy(site, 1000, Retry_After="3600")
    with Transport(site.url("")) as client, pytest.raises(ApiError) as caught:
        client.ask("GET", "/x")
    assert caught.value.code == "busy"
    assert len(site.requests) == len(pauses) == 6
    assert set(pauses) == {10}


@pytest.mark.parametrize("headers", [{}, {"Retry_After": "Wed, 21 Oct 2026 07:28:00 GMT"}])
def test_it_does_not_come_back_unasked(
    site: Site, pauses: list[float], headers: dict[str, str]
) -> None:
    busy(site, 1000, **headers)
    with Transport(site.url("")) as client, pytest.raises(ApiError):
        client.ask("GET", "/x")
    assert len(site.requests) == 1
    assert pauses == []
