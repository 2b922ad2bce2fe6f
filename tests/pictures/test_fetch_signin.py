"""Credentials beside a URL: told to its own host alone, in the way that it asks for."""

import base64
import logging
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceserver.api.pictures import Credentials
from faceserver.errors import FetchError, ForbiddenUrl, UrlFailed
from faceserver.pictures.fetch import Fetcher
from faceserver.pictures.httpauth import SignIn
from tests.support.loopback import DigestGuard, Site, protected, redirect, send, serve, serve_raw

CERTIFICATE = Path(__file__).resolve().parents[1] / "support" / "tls" / "faces.test.pem"
BASIC = "Basic " + base64.b64encode(b"admin:pass:word").decode()
PICTURE = send(b"picture")
Scheme = Literal["auto", "basic", "digest"]


def known(
    scheme: Scheme = "auto", username: str = "admin", password: str = "pass:word"
) -> Credentials:
    return Credentials(username=username, password=password, scheme=scheme)


def fetch(url: str, credentials: Credentials | None = None) -> bytes:
    fetcher = Fetcher(timeout=10, max_bytes=1000, allow_networks=("127.0.0.0/8",))
    return fetcher.fetch(url, credentials)


def told(site: Site) -> list[str | None]:
    """What each request to a site had as ``Authorization``."""
    return [request.headers.get("Authorization") for request in site.requests]


def basic(inside: Any = PICTURE, header: str = BASIC) -> Any:
    return protected(inside, 'Basic realm="camera"', accepts=lambda sent: sent == header)


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as running:
        yield running


@pytest.fixture
def other() -> Iterator[Site]:
    with serve("127.0.0.2") as running:
        running.answers["/"] = PICTURE
        yield running


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every name of the tests lie on loopback."""
    real = socket.getaddrinfo

    def look_up(host: str, *args: Any, **options: Any) -> Any:
        return real("127.0.0.1" if host.endswith(".test") else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_basic_waits_until_it_is_asked_for(site: Site) -> None:
    site.answers["/"] = basic()
    assert fetch(site.url(), known()) == b"picture"
    assert told(site) == [None, BASIC]
    assert "Cookie" not in site.requests[1].headers


def test_basic_by_name_is_told_at_once(site: Site) -> None:
    site.answers["/"] = basic()
    assert fetch(site.url(), known("basic")) == b"picture"
    assert told(site) == [BASIC]


def test_an_open_host_is_told_nothing(site: Site) -> None:
    site.answers["/"] = PICTURE
    assert fetch(site.url(), known()) == fetch(site.url(), known("digest")) == b"picture"
    assert told(site) == [None, None]


def test_basic_beyond_ascii_is_utf_8(site: Site) -> None:
    header = "Basic " + base64.b64encode("jörg:пароль".encode()).decode()
    site.answers["/"] = basic(header=header)
    assert fetch(site.url(), known(username="jörg", password="пароль")) == b"picture"


KINDS = [
    (algorithm, qop)
    for algorithm in (None, "MD5", "md5", "MD5-sess", "SHA-256", "SHA-512")
    for qop in (None, "auth", "auth-int, auth", "auth,auth-int")
    if (algorithm, qop) != ("MD5-sess", None)  # which tells no cnonce, so that nobody can check it
]


@pytest.mark.parametrize(("algorithm", "qop"), KINDS)
@pytest.mark.parametrize("scheme", ["auto", "digest"])
def test_digest(site: Site, algorithm: str | None, qop: str | None, scheme: Scheme) -> None:
    guard = DigestGuard(PICTURE, "admin", "pass:word", algorithm=algorithm, qop=qop)
    site.answers["/cgi/snap.jpg?channel=1&q=a%20b"] = guard
    url = site.url("/cgi/snap.jpg?channel=1&q=a b")
    assert fetch(url, known(scheme)) == b"picture"
    assert [request.headers.get("Authorization") is None for request in site.requests] == [
        True,
        False,
    ]
    assert "pass:word" not in str(guard.seen)


@pytest.mark.parametrize(
    ("username", "password", "realm"),
    [
        ("jörg", "пароль", "camera"),
        ("管理", "密码", "摄像头"),
        ('ad"min', 'pass"word', 'my "NAS"'),
        ("ad\\min", "p\\w", "a\\b"),
        ("admin", "", "camera, Basic realm=x"),
    ],
)
def test_digest_of_unusual_names(site: Site, username: str, password: str, realm: str) -> None:
    site.answers["/"] = DigestGuard(PICTURE, username, password, realm=realm)
    assert fetch(site.url(), known(username=username, password=password)) == b"picture"


def test_a_stale_nonce_is_replaced_once(site: Site) -> None:
    site.answers["/"] = DigestGuard(PICTURE, "admin", "pass:word", stale=1)
    assert fetch(site.url(), known()) == b"picture"
    assert len(site.requests) == 3
    site.requests.clear()
    site.answers["/"] = DigestGuard(PICTURE, "admin", "pass:word", stale=100)
    with pytest.raises(UrlFailed, match="rejected"):
        fetch(site.url(), known())
    assert len(site.requests) == 3


def test_the_domain_of_a_digest_is_not_heeded(site: Site, other: Site) -> None:
    more = f', domain="/ {other.url()}"'
    guard = DigestGuard(redirect(other.url()), "admin", "pass:word", more=more)
    site.answers["/"] = guard
    assert fetch(site.url(), known()) == b"picture"
    assert told(other) == [None]


BOTH = (
    ('Basic realm="a, Digest nonce=x"', 'Digest realm="camera", nonce="n", qop="auth"'),
    ('Digest realm="camera", nonce="n", qop="auth", Basic realm="b"',),
    ('basic realm="b", digest realm=camera,nonce=n,qop=auth',),
    ("Negotiate", "NTLM", 'Basic realm="b",Digest realm="camera",nonce="n"'),
    ('Digest realm="c", nonce="n", algorithm=SHA-512-256', 'Digest realm="camera", nonce="n"'),
)


@pytest.mark.parametrize("challenges", BOTH)
def test_a_digest_is_preferred(site: Site, challenges: tuple[str, ...]) -> None:
    site.answers["/"] = protected(
        PICTURE, *challenges, accepts=lambda sent: 'Digest username="admin", realm="camera"' in sent
    )
    assert fetch(site.url(), known()) == b"picture"


def test_the_strongest_digest_is_taken() -> None:
    asked = [f'Digest realm="r", nonce="n", algorithm={one}' for one in ("MD5", "SHA-256")]
    assert 'algorithm="SHA-256"' in str(SignIn(known()).answer(asked, "http://a.test/"))


def test_a_password_that_a_digest_did_not_prove_is_not_told_after_it(site: Site) -> None:
    both = ('Digest realm="camera", nonce="n", qop="auth"', 'Basic realm="camera"')
    site.answers["/"] = protected(PICTURE, *both, accepts=lambda sent: sent == BASIC)
    with pytest.raises(UrlFailed, match="rejected"):
        fetch(site.url(), known())
    assert not any(str(header).startswith("Basic") for header in told(site))


@pytest.mark.parametrize(
    ("scheme", "challenge"),
    [
        ("digest", 'Basic realm="camera"'),
        ("basic", 'Digest realm="camera", nonce="n"'),
        ("auto", "Negotiate"),
        ("auto", 'Bearer realm="camera"'),
        ("auto", "Digest"),
        ("auto", 'Digest realm="camera"'),
        ("auto", 'Digest realm="camera", nonce="n", qop="auth-int"'),
        ("auto", 'Digest realm="camera", nonce="n", algorithm=MD4'),
        ("auto", ""),
        ("auto", ',,,="'),
    ],
)
def test_what_is_asked_for_in_another_way(site: Site, scheme: Scheme, challenge: str) -> None:
    site.answers["/"] = protected(PICTURE, challenge, accepts=lambda _: False)
    with pytest.raises(UrlFailed, match="status 401"):
        fetch(site.url(), known(scheme))
    assert len(site.requests) == 1


def test_wrong_credentials_are_told_once(site: Site) -> None:
    site.answers["/"] = basic(header="none is right")
    with pytest.raises(UrlFailed, match="rejected this user name and password") as raised:
        fetch(site.url(), known())
    assert len(site.requests) == 2
    assert "pass" not in str(raised.value).replace("password", "")
    with pytest.raises(UrlFailed, match="it requires a user name and a password"):
        fetch(site.url())


def test_the_body_of_a_refusal_is_not_read() -> None:
    head = b'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="a"\r\n'
    with (
        serve_raw(head + b"Content-Length: 99999\r\n\r\n", drip=b"x" * 60) as url,
        pytest.raises(UrlFailed, match="rejected"),
    ):
        fetch(url, known("basic"))


@pytest.mark.parametrize("scheme", ["auto", "basic", "digest"])
def test_a_redirect_to_another_host_gets_nothing(site: Site, other: Site, scheme: Scheme) -> None:
    other.answers["/"] = protected(PICTURE, 'Basic realm="camera"', accepts=lambda _: False)
    site.answers["/"] = redirect(other.url())
    with pytest.raises(UrlFailed, match=r"127\.0\.0\.2 answered with status 401: it requires"):
        fetch(site.url(), known(scheme))
    assert told(other) == [None]


def test_a_redirect_to_another_port_gets_nothing(site: Site) -> None:
    with serve() as second:
        second.answers["/"] = basic()
        site.answers["/"] = redirect(second.url())
        with pytest.raises(UrlFailed):
            fetch(site.url(), known("basic"))
        assert told(second) == [None]


def test_a_redirect_to_another_name_of_the_same_address_gets_nothing(
    site: Site, names: None
) -> None:
    site.answers["/"] = redirect(site.url("/b", host="second.test"))
    site.answers["/b"] = basic()
    with pytest.raises(UrlFailed):
        fetch(site.url(host="first.test"), known("basic"))
    assert told(site) == [BASIC, None]


def test_a_redirect_on_the_same_host_goes_on(site: Site, names: None) -> None:
    site.answers["/"] = redirect(site.url("/b", host="FIRST.test."))
    site.answers["/b"] = redirect("/c")
    site.answers["/c"] = basic()
    assert fetch(site.url(host="first.test"), known("basic")) == b"picture"
    assert told(site) == [BASIC] * 3


def test_a_way_back_gets_nothing_any_more(site: Site, other: Site) -> None:
    site.answers["/"] = redirect(other.url())
    other.answers["/"] = redirect(site.url("/back"))
    site.answers["/back"] = basic()
    with pytest.raises(UrlFailed):
        fetch(site.url(), known("basic"))
    assert told(site) == [BASIC, None]


def test_a_digest_of_the_next_page_is_made_anew(site: Site) -> None:
    second = DigestGuard(PICTURE, "admin", "pass:word")
    site.answers["/"] = DigestGuard(redirect("/b?c"), "admin", "pass:word")
    site.answers["/b?c"] = second
    assert fetch(site.url(), known()) == b"picture"
    assert [told["uri"] for told in second.seen] == ["/b?c"]


def test_a_downgrade_from_tls_gets_nothing(
    site: Site, names: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(CERTIFICATE))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with serve(tls=context) as safe:
        safe.answers["/"] = redirect(site.url(host="faces.test"))
        site.answers["/"] = basic()
        with pytest.raises(UrlFailed):
            fetch(safe.url(host="faces.test", scheme="https"), known("basic"))
        assert told(safe) == [BASIC]
    assert told(site) == [None]


def test_a_closed_network_is_told_nothing(site: Site) -> None:
    site.answers["/"] = basic()
    fetcher = Fetcher(timeout=10, max_bytes=1000, allow_networks=())
    with pytest.raises(ForbiddenUrl):
        fetcher.fetch(site.url(), known("basic"))
    assert site.requests == []


def test_nothing_is_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = known(username="the-user", password="the-password")
    site.answers["/"] = DigestGuard(PICTURE, "the-user", "the-password")
    fetch(site.url(), secret)
    site.answers["/"] = basic(header="another")
    with pytest.raises(UrlFailed) as raised:
        fetch(site.url(), secret)
    for text in (caplog.text, repr(secret), str(secret), repr(raised.value)):
        assert "the-user" not in text
        assert "the-password" not in text


CHALLENGES = st.lists(
    st.sampled_from(
        ["Digest ", "Basic ", "realm=", '"', "\\", ",", " ", "nonce=", "qop=auth", "stale=true",
         "algorithm=SHA-256", "=", "x", "\xe9", "auth-int", "Digest", "\t", "opaque"]
    ),
    max_size=20,
).map("".join)  # fmt: skip


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(st.lists(CHALLENGES, max_size=3), st.sampled_from(["auto", "basic", "digest"]))
def test_no_challenge_makes_it_fail(challenges: list[str], scheme: Scheme) -> None:
    sign_in = SignIn(known(scheme))
    sign_in.unasked()
    answers = [sign_in.answer(challenges, "http://public.test/") for _ in range(4)]
    assert answers[3] is None
    for answer in answers:
        assert answer is None or not set(answer) & set("\r\n")


def test_a_challenge_over_the_wire_raises_ours_alone(site: Site) -> None:
    for challenge in ('Digest realm="\xff", nonce="\xfe"', 'Digest realm="a"b", nonce=",'):
        site.answers["/"] = protected(PICTURE, challenge, accepts=lambda _: False)
        with pytest.raises(FetchError):
            fetch(site.url(), known())
