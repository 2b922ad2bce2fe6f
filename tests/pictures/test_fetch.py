"""Fetching, against real servers on the loopback address."""

import gzip
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faceserver.errors import FileTooLarge, ForbiddenUrl, InvalidUrl, UrlFailed, UrlTimeout
from faceserver.pictures.fetch import MAX_REDIRECTS, Fetcher
from tests.support.loopback import Site, redirect, send, serve, serve_raw, status

LOOPBACK = ("127.0.0.0/8", "::1/128")
CERTIFICATE = Path(__file__).resolve().parents[1] / "support" / "tls" / "faces.test.pem"


def fetcher(
    timeout: float = 10.0, max_bytes: int = 1000, allow: tuple[str, ...] = LOOPBACK
) -> Fetcher:
    return Fetcher(timeout=timeout, max_bytes=max_bytes, allow_networks=allow)


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as running:
        yield running


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names, and the addresses that one look-up after the other gives for them."""
    table: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: str, *args: Any, **options: Any) -> Any:
        addresses = table.get(host)
        return real(addresses.pop(0) if addresses else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return table


def test_the_body_comes_as_it_was_sent(site: Site) -> None:
    site.answers["/a.jpg?size=2"] = send(b"\xff\xd8 picture")
    assert fetcher().fetch(site.url("/a.jpg?size=2#top")) == b"\xff\xd8 picture"


def test_an_empty_body_is_the_decoders_to_judge(site: Site) -> None:
    site.answers["/"] = send(b"")
    assert fetcher().fetch(site.url()) == b""


def test_a_path_beyond_ascii(site: Site) -> None:
    site.answers["/%C3%A9t%C3%A9%20.jpg"] = send(b"summer")
    assert fetcher().fetch(site.url("/été .jpg")) == b"summer"


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_an_ipv6_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET6) as listener:
        try:
            listener.bind(("::1", 0))
        except OSError:
            pytest.skip("needs the IPv6 loopback address")
    monkeypatch.setattr(
        "tests.support.loopback.ThreadingHTTPServer.address_family", socket.AF_INET6
    )
    with serve("::1") as site:
        site.answers["/"] = send(b"six")
        assert fetcher().fetch(f"http://[::1]:{site.port}/") == b"six"


def test_nothing_of_the_environment_is_sent(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    site.answers["/"] = redirect("/next")
    site.answers["/next"] = send(b"ok")
    assert fetcher().fetch(site.url()) == b"ok"
    for request in site.requests:
        assert set(request.headers.keys()) == {"Host", "User-Agent", "Accept", "Accept-Encoding"}
        assert request.headers["Host"] == f"127.0.0.1:{site.port}"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_followed(site: Site, code: int) -> None:
    site.answers["/"] = redirect("/folder/next", code)
    site.answers["/folder/next"] = redirect("last%20one", code)
    site.answers["/folder/last%20one"] = send(b"here")
    assert fetcher().fetch(site.url()) == b"here"


def test_a_redirect_with_raw_bytes_beyond_ascii() -> None:
    with serve() as target:
        target.answers["/%C3%A9"] = send(b"accent")
        location = f"http://127.0.0.1:{target.port}/".encode() + "é".encode()
        answer = b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\n\r\n"
        with serve_raw(answer) as url:
            assert fetcher().fetch(url) == b"accent"


def test_the_last_redirect_that_is_followed(site: Site) -> None:
    for step in range(MAX_REDIRECTS + 1):
        site.answers[f"/{step}"] = redirect(f"/{step + 1}")
    site.answers[f"/{MAX_REDIRECTS + 1}"] = send(b"end")
    assert fetcher().fetch(site.url("/1")) == b"end"
    with pytest.raises(UrlFailed, match="redirects"):
        fetcher().fetch(site.url("/0"))


def test_the_body_of_a_redirect_is_not_read(site: Site) -> None:
    site.answers["/"] = redirect("/next", body=b"x" * 5000)
    site.answers["/next"] = send(b"ok")
    assert fetcher().fetch(site.url()) == b"ok"


def test_a_redirect_into_a_forbidden_network(site: Site) -> None:
    with serve("127.0.0.2") as inner:
        inner.answers["/"] = send(b"secret")
        site.answers["/"] = redirect(inner.url())
        with pytest.raises(ForbiddenUrl) as raised:
            fetcher(allow=("127.0.0.1/32",)).fetch(site.url())
        assert not inner.requests
    assert str(raised.value).startswith("127.0.0.2 is in a network")


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/a.jpg",
        "gopher://127.0.0.1/",
        "http://someone:secret@127.0.0.1/",
        "http://[/",
        "http://\xe9.test/",
        "https://",
    ],
)
def test_a_redirect_to_what_is_no_valid_url(site: Site, location: str) -> None:
    site.answers["/"] = redirect(location)
    with pytest.raises(InvalidUrl):
        fetcher().fetch(site.url())


@pytest.mark.parametrize("code", [201, 204, 206, 300, 304, 400, 401, 404, 500, 503])
def test_another_status(site: Site, code: int) -> None:
    site.answers["/"] = status(code)
    with pytest.raises(UrlFailed, match=f"127.0.0.1 answered with status {code}"):
        fetcher().fetch(site.url())


def test_a_redirect_that_leads_nowhere(site: Site) -> None:
    site.answers["/"] = status(302)
    with pytest.raises(UrlFailed, match="status 302"):
        fetcher().fetch(site.url())


def test_the_byte_limit_is_the_last_that_passes(site: Site) -> None:
    site.answers["/"] = send(b"x" * 1000)
    assert len(fetcher(max_bytes=1000).fetch(site.url())) == 1000
    with pytest.raises(FileTooLarge):
        fetcher(max_bytes=999).fetch(site.url())


def test_a_claimed_length_is_enough_to_refuse() -> None:
    with (
        serve_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n") as url,
        pytest.raises(FileTooLarge),
    ):
        fetcher().fetch(url)


def test_too_many_bytes_without_a_length(site: Site) -> None:
    site.answers["/"] = send(b"x" * 200_000, Content_Length=None)
    with pytest.raises(FileTooLarge):
        fetcher().fetch(site.url())


def test_too_many_bytes_in_chunks_that_claim_a_small_length() -> None:
    chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serve_raw(answer + chunk + b"0\r\n\r\n") as url, pytest.raises(FileTooLarge):
        fetcher().fetch(url)


def test_packed_bytes_are_counted_unpacked(site: Site) -> None:
    bomb = gzip.compress(b"x" * 5_000_000)
    site.answers["/"] = send(bomb, Content_Encoding="gzip")
    site.answers["/twice"] = send(gzip.compress(bomb), Content_Encoding="gzip, gzip")
    for path in ("/", "/twice"):
        with pytest.raises(FileTooLarge):
            fetcher(max_bytes=100_000).fetch(site.url(path))


def test_a_packed_picture_is_unpacked(site: Site) -> None:
    site.answers["/"] = send(gzip.compress(b"picture"), Content_Encoding="gzip")
    assert fetcher().fetch(site.url()) == b"picture"


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 7\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(200)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
    ],
)
def test_an_answer_that_is_no_proper_http(answer: bytes) -> None:
    with serve_raw(answer) as url, pytest.raises(UrlFailed, match=r"127\.0\.0\.1"):
        fetcher(max_bytes=1_000_000).fetch(url)


def test_an_absurd_claimed_length_is_ignored() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nbody"
    with serve_raw(answer) as url:
        assert fetcher().fetch(url) == b"body"


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(UrlFailed):
        fetcher().fetch(f"http://127.0.0.1:{port}/")


def test_a_name_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(UrlFailed, match=r"nowhere\.test"):
        fetcher().fetch("http://nowhere.test/")


def test_a_server_that_never_answers() -> None:
    with serve_raw(b"") as url, pytest.raises(UrlTimeout):
        fetcher(timeout=0.2).fetch(url)


SLOW = b"x" * 60  # three seconds, a byte at a time


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3c\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
    ],
    ids=["status", "header", "body", "body without length", "chunk", "chunk's length"],
)
def test_a_server_that_drips(first: bytes) -> None:
    # No single read takes longer than the time limit; were only those limited, it would end with
    # the body, or with the complaint that this is no proper answer.
    with serve_raw(first, drip=SLOW) as url, pytest.raises(UrlTimeout):
        fetcher(timeout=0.3).fetch(url)


def test_time_that_ran_out_between_redirects(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("faceserver.pictures.timed.monotonic", lambda: clock[0])

    def late(handler: Any) -> None:
        clock[0] += 11
        redirect("/next")(handler)

    site.answers["/"] = late
    with pytest.raises(UrlTimeout):
        fetcher(timeout=10).fetch(site.url())
    assert len(site.requests) == 1


def test_the_address_that_was_checked_is_the_one_connected_to(
    site: Site, names: dict[str, list[str]]
) -> None:
    site.answers["/"] = send(b"outer")
    with serve("127.0.0.2") as inner:
        inner.answers["/"] = send(b"inner")
        names["rebind.test"] = ["127.0.0.1", "127.0.0.2", "127.0.0.2"]
        only_outer = fetcher(allow=("127.0.0.1/32",))
        assert only_outer.fetch(site.url(host="rebind.test")) == b"outer"
        assert names["rebind.test"] == ["127.0.0.2", "127.0.0.2"]  # looked up once
        assert site.requests[0].headers["Host"] == f"rebind.test:{site.port}"
        with pytest.raises(ForbiddenUrl):
            only_outer.fetch(site.url(host="rebind.test"))
        assert not inner.requests


@pytest.fixture
def tls_site() -> Iterator[Site]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with serve(tls=context) as running:
        running.answers["/"] = send(b"safe")
        yield running


def test_tls_checks_the_certificate_against_the_name(
    tls_site: Site, names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(CERTIFICATE))
    names.update({"faces.test": ["127.0.0.1"], "other.test": ["127.0.0.1"]})
    assert fetcher().fetch(tls_site.url(host="faces.test", scheme="https")) == b"safe"
    with pytest.raises(UrlFailed, match=r"other\.test"):
        fetcher().fetch(tls_site.url(host="other.test", scheme="https"))


def test_tls_refuses_a_certificate_that_nobody_trusts(
    tls_site: Site, names: dict[str, list[str]]
) -> None:
    names["faces.test"] = ["127.0.0.1"]
    with pytest.raises(UrlFailed):
        fetcher().fetch(tls_site.url(host="faces.test", scheme="https"))
    assert not tls_site.requests


def test_tls_to_a_server_that_speaks_none(site: Site) -> None:
    with pytest.raises(UrlFailed):
        fetcher().fetch(site.url(scheme="https"))


def test_one_fetcher_serves_many_threads(site: Site) -> None:
    shared = fetcher()
    results: dict[int, bytes] = {}
    for number in range(8):
        site.answers[f"/{number}"] = send(b"%d" % number)

    def run(number: int) -> None:
        results[number] = shared.fetch(site.url(f"/{number}"))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: b"%d" % number for number in range(8)}
