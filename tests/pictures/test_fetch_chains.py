"""Redirects and look-ups that lead astray: real connections, with a resolver that lies.

The site of these tests stands on an address of loopback that is opened by name, as a public one
would be; everything else is closed. Whatever a redirect or a second look-up points to has to be
refused before anything is connected to.
"""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from faceserver.errors import FetchError, ForbiddenUrl, InvalidUrl, UrlFailed
from faceserver.pictures.fetch import MAX_REDIRECTS, Fetcher
from tests.pictures.test_fetch_rules import HOSTS, IDN_HOSTS, MALFORMED
from tests.pictures.test_fetch_rules import NAMES as STEADY_NAMES
from tests.support.loopback import Site, redirect, send, serve

OPEN = "127.0.0.77"


class Resolver:
    """Answers look-ups from tables; notes every look-up and every connection."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []
        self.connected: list[str] = []
        look_up, connect = socket.getaddrinfo, socket.socket.connect

        def getaddrinfo(host: str, port: int, *args: Any, **options: Any) -> list[Any]:
            self.asked.append(host)
            return [
                found
                for address in self._addresses(host)
                for found in look_up(address, port, *args, **options)
            ]

        def noted(sock: socket.socket, address: Any) -> None:
            self.connected.append(address[0])
            connect(sock, address)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        monkeypatch.setattr(socket.socket, "connect", noted)

    def _addresses(self, host: str) -> list[str]:
        answers = self.names.get(host)
        if not answers:
            return [STEADY_NAMES.get(host.lower().removesuffix("."), host)]
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    return Resolver(monkeypatch)


@pytest.fixture(scope="module")
def shared_site() -> Iterator[Site]:
    with serve(OPEN) as running:
        yield running


@pytest.fixture
def site(shared_site: Site) -> Site:
    shared_site.answers.clear()
    shared_site.requests.clear()
    return shared_site


def fetch(url: str) -> bytes:
    fetcher = Fetcher(timeout=10, max_bytes=1000, allow_networks=(f"{OPEN}/32",))
    return fetcher.fetch(url)


@pytest.mark.parametrize("host", [*HOSTS, *IDN_HOSTS])
def test_a_redirect_to_a_closed_address(site: Site, resolver: Resolver, host: str) -> None:
    location = f"http://{host}:{site.port}/".encode().decode("latin-1")  # the bytes of UTF-8
    site.answers["/"] = redirect(location)
    with pytest.raises(ForbiddenUrl):
        fetch(site.url())
    assert resolver.connected == [OPEN]


@pytest.mark.parametrize("steps", range(1, MAX_REDIRECTS))
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_chain_that_ends_on_a_closed_address(
    site: Site, resolver: Resolver, steps: int, code: int
) -> None:
    for step in range(steps):
        site.answers[f"/{step}"] = redirect(site.url(f"/{step + 1}"), code)
    site.answers[f"/{steps}"] = redirect("http://169.254.169.254/latest/meta-data/", code)
    with pytest.raises(ForbiddenUrl):
        fetch(site.url("/0"))
    assert resolver.connected == [OPEN] * (steps + 1)


@pytest.mark.parametrize(
    "location",
    [
        "//127.0.0.1/",
        "//localhost/",
        "//[::1]/",
        "HTTP://127.0.0.1/",
        "hTTps://10.0.0.1/",
        "///127.0.0.1/",
        "http://127.0.0.1:80#@public.test/",
        "http://127.0.0.1?@public.test/",
        "http://127.0.0.1/@public.test",
    ],
)
def test_a_location_that_hides_where_it_leads(
    site: Site, resolver: Resolver, location: str
) -> None:
    site.answers["/"] = redirect(location)
    with pytest.raises(FetchError):
        fetch(site.url())
    assert set(resolver.connected) == {OPEN}
    assert "public.test" not in resolver.asked


MALFORMED_LOCATIONS = [
    url for url in MALFORMED if "://" in url and url.isascii() and url.isprintable()
]


@pytest.mark.parametrize("location", MALFORMED_LOCATIONS)
def test_a_redirect_to_what_is_no_url(site: Site, resolver: Resolver, location: str) -> None:
    site.answers["/"] = redirect(location)
    with pytest.raises((InvalidUrl, UrlFailed)):
        fetch(site.url())
    assert set(resolver.connected) == {OPEN}


def test_a_name_that_is_another_address_at_the_second_look_up(
    site: Site, resolver: Resolver
) -> None:
    """What was checked is what is connected to: there is no second look-up to lie at."""
    resolver.names["rebind.test"] = [[OPEN], ["127.0.0.1"]]
    site.answers["/"] = send(b"picture")
    assert fetch(site.url(host="rebind.test")) == b"picture"
    assert resolver.asked.count("rebind.test") == 1
    assert resolver.connected == [OPEN]


def test_a_name_that_turns_during_the_redirects(site: Site, resolver: Resolver) -> None:
    resolver.names["rebind.test"] = [[OPEN], [OPEN], ["10.0.0.1"]]
    url = site.url("/1", host="rebind.test")
    site.answers["/0"] = redirect(url)
    site.answers["/1"] = redirect("/2")
    site.answers["/2"] = send(b"secret")
    with pytest.raises(ForbiddenUrl):
        fetch(site.url("/0", host="rebind.test"))
    assert resolver.connected == [OPEN, OPEN]


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1", OPEN], ["10.0.0.1", OPEN], ["::1", OPEN], ["169.254.169.254", OPEN]]
)
def test_a_name_of_several_addresses_goes_to_none_that_is_closed(
    site: Site, resolver: Resolver, addresses: list[str]
) -> None:
    resolver.names["several.test"] = [addresses]
    site.answers["/"] = send(b"picture")
    with pytest.raises(ForbiddenUrl):
        fetch(site.url(host="several.test"))
    assert resolver.connected == []


def test_a_name_whose_first_address_is_open_goes_there(site: Site, resolver: Resolver) -> None:
    resolver.names["several.test"] = [[OPEN, "127.0.0.1"]]
    site.answers["/"] = send(b"picture")
    assert fetch(site.url(host="several.test")) == b"picture"
    assert resolver.connected == [OPEN]


def test_cookies_and_headers_of_one_step_do_not_go_to_the_next(
    site: Site, resolver: Resolver
) -> None:
    site.answers["/0?token=secret"] = redirect("/1")
    site.answers["/1"] = redirect("/2")
    site.answers["/2"] = send(b"picture")
    assert fetch(site.url("/0?token=secret#part")) == b"picture"
    assert len(site.requests) == 3
    for request in site.requests[1:]:
        assert "Cookie" not in request.headers
        assert "Referer" not in request.headers
        assert "Authorization" not in request.headers


def test_a_chain_of_open_addresses_is_followed(site: Site, resolver: Resolver) -> None:
    for step in range(MAX_REDIRECTS):
        site.answers[f"/{step}"] = redirect(f"/{step + 1}")
    site.answers[f"/{MAX_REDIRECTS}"] = send(b"picture")
    assert fetch(site.url("/0")) == b"picture"
    assert len(resolver.connected) == MAX_REDIRECTS + 1


def test_a_redirect_to_a_name_beyond_ascii(site: Site, resolver: Resolver) -> None:
    resolver.names["xn--bcher-kva.test"] = [[OPEN]]
    url = site.url("/\xe9 1", host="b\xfccher.test")
    site.answers["/"] = redirect(url.encode().decode("latin-1"))
    site.answers["/%C3%A9%201"] = send(b"picture")
    assert fetch(site.url()) == b"picture"
    assert site.requests[1].headers["Host"] == f"xn--bcher-kva.test:{site.port}"
