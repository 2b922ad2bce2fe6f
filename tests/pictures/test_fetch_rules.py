"""What URLs may lead to: a table of spellings, with no connection ever made."""

import socket
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from urllib3.util import parse_url

from faceserver.api.urls import parse, tellable
from faceserver.errors import FetchError, ForbiddenUrl, InvalidUrl, UrlFailed
from faceserver.pictures.fetch import MAX_URL_LENGTH, Fetcher, _prepare

NAMES = {
    "localhost": "127.0.0.1",
    "ip6-localhost": "::1",
    "inner.test": "10.1.2.3",
    "mapped.test": "::ffff:192.168.0.1",
    "metadata.google.internal": "169.254.169.254",
    "public.test": "93.184.216.34",
    "xn--bcher-kva.test": "93.184.216.34",
    "xn--g7qs82g.xn--zckzah": "93.184.216.34",
    "a_b.xn--bcher-kva.test": "93.184.216.34",
    "public6.test": "2606:2800:220:1::1",
}

LOCAL_V4 = [
    "127.0.0.1", "127.0.0.2", "127.255.255.255", "127.1", "127.0.1", "2130706433", "0x7f000001",
    "017700000001", "0x7f.0.0.1", "0x7f.1", "0177.0.0.1", "0177.1", "127.0.0x0.1", "00000177.0.0.1",
    "0X7F.0X0.0X0.0X1", "0", "0.0.0.0", "0.1.2.3", "00", "0x0",
]  # fmt: skip
PRIVATE_V4 = [
    "10.0.0.1", "10.255.255.255", "167772161", "0xa000001", "012.0.0.1", "10.1",
    "172.16.0.1", "172.31.255.254", "192.168.0.1", "192.168.1", "0xc0a80001", "3232235521",
    "100.64.0.1", "100.100.100.200", "169.254.0.1", "169.254.169.254", "2852039166", "0xa9fea9fe",
    "0251.0376.0251.0376", "169.254.43518", "192.0.0.192", "192.0.2.1", "198.18.0.1",
    "198.51.100.7", "203.0.113.9", "192.88.99.1", "168.63.129.16",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "4294967295",
]  # fmt: skip
V6 = [
    "::", "::1", "0:0:0:0:0:0:0:1", "0000::0001", "::127.0.0.1", "::7f00:1", "::10.0.0.1",
    "::ffff:127.0.0.1", "::ffff:7f00:1", "::FFFF:10.0.0.1", "0:0:0:0:0:ffff:a9fe:a9fe",
    "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b:1::10.0.0.1",
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::1", "2001:0:7f00:1::", "2001:20::1", "2001:db8::1",
    "3fff::1", "5f00::1", "100::1", "fe80::1", "febf::1", "fec0::1", "feff::1", "fc00::1",
    "fd00:ec2::254", "fd20:ce::254", "ff02::1", "ff0e::1", "4000::1",
]  # fmt: skip
HOSTS = [
    *LOCAL_V4, *PRIVATE_V4, *(f"[{address}]" for address in V6),
    "localhost", "LOCALHOST", "localhost.", "ip6-localhost", "inner.test", "mapped.test",
    "metadata.google.internal", "127.0.0.1.", "0x7f.1.", "inner.test.",
]  # fmt: skip

IDN_HOSTS = [
    "\uff11\uff12\uff17.0.0.1", "\u2460\u2461\u2466.\u2460", "127\u30020\u30020\u30021",
    "127\uff0e0\uff0e0\uff611", "\uff10\uff58\uff17\uff46.1", "0\uff587f.1", "\uff11\uff10.0.0.1",
    "\uff12\uff11\uff13\uff10\uff17\uff10\uff16\uff14\uff13\uff13", "\U0001d7d9\U0001d7da7.0.0.1",
    "\u00b9\u00b2\u2077.0.0.1",
    "loc\xadalhost", "\u24db\u24de\u24d2\u24d0lhost", "\uff2c\uff2fcalhost",
    "\uff49nner.test", "metadata\u3002google\uff0einternal", "169.254\u3002169.254",
]  # fmt: skip
"""Closed addresses and names, in characters that UTS 46 maps to those of ASCII."""

MALFORMED = [
    "", " ", "picture.jpg", "/etc/passwd", "//127.0.0.1/", "http:", "http://", "http:///a.jpg",
    "http:/a.jpg", "http:a.jpg", "https://?a", "http://#a",
    "file:///etc/passwd", "FILE:///etc/passwd", "ftp://public.test/a.jpg", "gopher://public.test/",
    "data:image/png;base64,AAAA", "javascript:alert(1)", "unix:///run/a.sock", "httpx://public.test/",
    "http+unix://%2Frun%2Fa.sock/", "dict://public.test:11211/", "jar:http://public.test!/",
    "http://user@public.test/", "http://user:secret@public.test/", "http://@public.test/",
    "http://public.test@127.0.0.1/", "http://public.test:80@127.0.0.1/", "http://:@public.test/",
    "http://127.0.0.1\\@public.test/", "http://public.test\\@127.0.0.1/", "http:\\\\127.0.0.1\\",
    "http://public.test:0/", "http://public.test:65536/", "http://public.test:-1/",
    "http://public.test:port/", "http://public.test:80:80/", "http://public.test:8 0/",
    "http://public .test/", "http://pub\tlic.test/", "http://public.test/\r\nHost: inner.test",
    "http://public.test/\0", "http://public.test\x7f/", "http://public.test/\x85",
    "http://[::1", "http://::1/", "http://[::1]x/", "http://[public.test]/", "http://[]/",
    "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[::ffff:127.0.0.1.]/",
    "http://127.0.0.%31/", "http://%6c%6f%63alhost/", "http://public.test%00.inner.test/",
    "http://public\u2024test/", "http://m\xfc\xad\u2024ller.test/", "http://m\xfcller\xff\x00.test/",
    "http://\xad/", "http://\u2603.test/", "http://m\xfcller..test/", "http://\uff0f.test/",
    "http://public.test\uff20127.0.0.1/", "http://127.0.0.1\uff03.public.test/",
    "http://a\u2100b.test/", "http://m\xfcller.test\uff1a80/", "http://%C3%BC.test/", "http://\u202epublic.test/",
    "http://.public.test/", "http://public..test/", "http://*.public.test/", "http://a!b.test/",
    f"http://{'a' * 64}.test/", f"http://public.test/{'a' * MAX_URL_LENGTH}", "http://\ud800.test/",
]  # fmt: skip


@pytest.fixture(autouse=True)
def connections(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Look up nothing but literal addresses and NAMES; note connections instead of making them."""
    made: list[tuple[str, int]] = []
    real = socket.getaddrinfo

    def look_up(host: str, port: int, **options: Any) -> Any:
        host = NAMES.get(host.lower().removesuffix("."), host)
        return real(host, port, **options, flags=socket.AI_NUMERICHOST)

    def connect(address: tuple[str, int], *_: object, **__: object) -> None:
        made.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr("urllib3.connection.connection.create_connection", connect)
    return made


def fetch(url: str, allow: tuple[str, ...] = ()) -> bytes:
    return Fetcher(timeout=10, max_bytes=1000, allow_networks=allow).fetch(url)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", [*HOSTS, *IDN_HOSTS])
def test_closed_addresses(host: str, scheme: str, connections: list[tuple[str, int]]) -> None:
    with pytest.raises(ForbiddenUrl):
        fetch(f"{scheme}://{host}/a.jpg")
    with pytest.raises(ForbiddenUrl):
        fetch(f"{scheme}://{host}:8080/a.jpg", allow=("192.168.77.0/24", "fd77::/16"))
    assert not connections


def test_the_message_tells_the_name_alone() -> None:
    with pytest.raises(ForbiddenUrl) as raised:
        fetch("http://inner.test/")
    assert str(raised.value) == "inner.test is in a network that URLs must not point to."


@pytest.mark.parametrize("url", MALFORMED)
def test_malformed_urls(url: str, connections: list[tuple[str, int]]) -> None:
    with pytest.raises(InvalidUrl):
        fetch(url)
    assert not connections


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://93.184.216.34/", ("93.184.216.34", 80)),
        ("HTTP://Public.Test:8080/a.jpg", ("93.184.216.34", 8080)),
        ("https://public.test./a.jpg?b#c", ("93.184.216.34", 443)),
        ("https://[2606:2800:220:1::1]/", ("2606:2800:220:1::1", 443)),
        ("http://public6.test/", ("2606:2800:220:1::1", 80)),
        ("http://1572395042/", ("93.184.216.34", 80)),
        ("http://[::ffff:93.184.216.34]/", ("93.184.216.34", 80)),
        ("\n http://public.test/a.jpg \r\n", ("93.184.216.34", 80)),
        ("\ufeffhttp://public.test/\u3000\u200b", ("93.184.216.34", 80)),
        ("https://public.test:443/", ("93.184.216.34", 443)),
        ("http://public.test:/a b.jpg", ("93.184.216.34", 80)),
        ("http://b\xfccher.test/", ("93.184.216.34", 80)),
        ("http://B\xdcCHER\u3002TEST./", ("93.184.216.34", 80)),
        ("http://pub\xadlic.test/", ("93.184.216.34", 80)),
        ("http://\u5199\u771f.\u30c6\u30b9\u30c8/", ("93.184.216.34", 80)),
        ("http://\uff19\uff13.184.216.34/", ("93.184.216.34", 80)),
        ("http://a_b.b\xfccher.test/", ("93.184.216.34", 80)),
    ],
)
def test_public_addresses_are_open(
    url: str, address: tuple[str, int], connections: list[tuple[str, int]]
) -> None:
    with pytest.raises(UrlFailed):
        fetch(url)
    assert connections == [address]


@pytest.mark.parametrize(
    ("url", "network", "address"),
    [
        ("http://10.1.2.3/", "10.1.0.0/16", "10.1.2.3"),
        ("https://inner.test/", "10.1.2.3/32", "10.1.2.3"),
        ("http://[fd00::5]/", "fd00::/8", "fd00::5"),
        ("http://mapped.test/", "192.168.0.0/24", "192.168.0.1"),
        ("http://[fec0::1]/", "fec0::/10", "fec0::1"),
    ],
)
def test_allowed_networks_are_open(
    url: str, network: str, address: str, connections: list[tuple[str, int]]
) -> None:
    with pytest.raises(UrlFailed):
        fetch(url, allow=("192.0.2.0/24", network))
    assert [host for host, _ in connections] == [address]


def test_the_longest_url(connections: list[tuple[str, int]]) -> None:
    start = "http://public.test/"
    with pytest.raises(UrlFailed):
        fetch(start + "a" * (MAX_URL_LENGTH - len(start)))
    assert connections


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        (" HTTP://Public.TEST.:80/a b/\xfc.jpg?q=\xe9 1#top ", "/a%20b/%C3%BC.jpg?q=%C3%A9%201"),
        ("http://public.test", "/"),
        ("http://public.test?a", "/?a"),
        ("http://public.test/100%.jpg", "/100%25.jpg"),
        ("http://public.test/a%20b%2Fc.jpg", "/a%20b%2Fc.jpg"),
        ("http://public.test//a//b;c=d", "//a//b;c=d"),
        ("http://public.test/photos/12@N00/", "/photos/12@N00/"),
    ],
)
def test_what_is_asked_for(url: str, sent: str) -> None:
    address, request = _prepare(url)
    assert (address.scheme, address.host, address.port) == ("http", "public.test", 80)
    assert (request.url, request.path_url) == (f"http://public.test{sent}", sent)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("  http://public.test/a@b.jpg\n", "http://public.test/a@b.jpg"),
        ("http://admin:secret@public.test/a.jpg", "http://public.test/a.jpg"),
        ("http://admin:sec/ret@public.test/a.jpg", "http://public.test/a.jpg"),
        ("HTTP://admin:sec?r#e@t@public.test/", "HTTP://public.test/"),
        ("http:/admin:secret@public.test/", "http:/public.test/"),
        ("http:\\\\admin:secret@public.test/", "http:\\\\public.test/"),
        ("ftp://admin:secret@public.test/", "ftp://public.test/"),
        ("admin:secret@public.test", "admin:public.test"),
        ("no URL", "no URL"),
    ],
)
def test_no_password_is_told_back(url: str, told: str) -> None:
    assert tellable(url) == told


def test_the_refusal_of_credentials_says_where_they_belong() -> None:
    with pytest.raises(InvalidUrl, match="instead") as raised:
        fetch("http://admin:secret@public.test/")
    assert "secret" not in str(raised.value)


URL_PIECES = st.sampled_from(
    ["http://", "https://", "[", "\xfc", "\uff10", "\u2460", "\uff20", "\uff0f",
     "]", ":", "@", "%", "/", "\\", "?", "#", ".", "::1", "127.0.0.1",
     "public.test", "xn--", "-", "0x7f", "99999", " ", "\t", "\u3002", "\xad", "\ud800", "a" * 64]
)  # fmt: skip


@settings(max_examples=250, deadline=None, derandomize=True, database=None)
@given(st.lists(URL_PIECES | st.text(max_size=3), max_size=8).map("".join))
@example("http://public.test/\ud800")
@example("http://xn--/")
def test_no_url_raises_anything_but_ours(url: str) -> None:
    for candidate in (url, f"http://{url}"):
        with pytest.raises(FetchError):
            fetch(candidate)


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(st.lists(URL_PIECES | st.text(max_size=2), max_size=8).map("".join))
@example("public.test#@127.0.0.1/")
@example("public.test?@127.0.0.1/")
@example("public.test/;@127.0.0.1/")
def test_what_is_checked_is_what_is_asked(rest: str) -> None:
    """All parsers on the way read the same host, port and path out of a URL."""
    try:
        address, request = _prepare(f"http://{rest}")
    except InvalidUrl:
        return
    again = parse_url(request.url or "")
    assert (again.host or "").strip("[]") == address.host
    assert (again.port or 80) == address.port
    assert again.auth is None
    assert (request.url or "").isascii()
    assert parse(request.url or "").host == address.host
