"""What a trusted proxy tells about a request is believed, in all places; from others, nothing."""

import json
from collections.abc import Mapping
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from flask.testing import FlaskClient

from faceserver.access.addresses import Proxies
from faceserver.access.guard import refuse_unguarded
from faceserver.config import load_settings
from faceserver.errors import InvalidSetting, SetupError
from faceserver.runtime import waiting
from faceserver.web import gate_of
from faceserver.web.doors import Entrance
from tests.web.fakes import FakeBackend, make_app

TOLD = {
    "X-Forwarded-For": "192.0.2.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "faces.example",
    "X-Forwarded-Prefix": "/faces",
}
BROWSER = {"Accept": "text/html,*/*;q=0.8"}


class House:
    """A server behind proxies, and a key of it."""

    def __init__(self, backend: FakeBackend, trusted: str, **settings: object) -> None:
        proxies = load_settings(trusted_proxies=trusted).trusted_proxies
        app = make_app(backend, trusted_proxies=proxies, host_names=("faces.example",), **settings)
        self.key = gate_of(app).keys.create("reader", "admin")[1]
        self.client: FlaskClient = app.test_client()
        self._audit = backend.settings.data_dir / "audit.jsonl"

    def last_address(self) -> str:
        """Where the last request in the audit log came from."""
        found: str = json.loads(self._audit.read_text(encoding="utf-8").splitlines()[-1])["address"]
        return found


def told(**changed: str) -> Mapping[str, str]:
    return TOLD | {f"X-Forwarded-{name}": value for name, value in changed.items()}


@pytest.fixture
def house(backend: FakeBackend) -> House:
    return House(backend, "127.0.0.1, 10.0.0.0/24")


def test_pages_and_redirects_lie_below_the_prefix(house: House) -> None:
    client = house.client
    assert client.get("/", headers=TOLD).location == "/faces/faceRegister.html"
    asked = client.get("/people?tag=a", headers={**TOLD, **BROWSER})
    assert asked.location == "/faces/signIn?next=/faces/people?tag%3Da"
    page = client.get("/signIn?next=/faces/people", headers=TOLD).text
    assert '"root": "/faces/"' in page
    assert 'name="next" id="language-next" value="/faces/signIn"' in page
    assert 'name="next" value="/faces/people"' in page
    for beginning in ('href="/', 'src="/', 'action="/'):
        assert page.count(beginning) == page.count(f"{beginning}faces/") > 0
    chosen = client.post("/language", data={"language": "zh"}, headers=TOLD)
    assert chosen.location == "/faces/"
    assert "; Path=/faces;" in f"{chosen.headers['Set-Cookie']};"


def test_signing_in_and_out_below_the_prefix(house: House) -> None:
    client = house.client
    headers = {**TOLD, "Origin": "https://faces.example", "Sec-Fetch-Site": "same-origin"}
    form = {"key": house.key, "next": "/faces/people"}
    answer = client.post("/signIn", data=form, headers=headers)
    assert (answer.status_code, answer.location) == (303, "/faces/people")
    cookie = answer.headers["Set-Cookie"]
    assert "Path=/faces" in cookie
    assert "Secure" in cookie
    gone = client.post("/signOut", headers=headers)
    assert gone.location == "/faces/signIn"
    assert "Path=/faces" in gone.headers["Set-Cookie"]


def test_the_description_leads_to_the_prefix(house: House) -> None:
    told_there = house.client.get("/v1/openapi.json", headers=TOLD).get_json()
    assert told_there["servers"] == [{"url": "/faces"}]
    assert house.client.get("/v1/openapi.json").get_json()["servers"] == [{"url": "/"}]
    assert (
        'data-description="/faces/v1/openapi.json"' in house.client.get("/docs", headers=TOLD).text
    )


def test_origins_and_hosts_are_judged_as_the_client_sees_them(house: House) -> None:
    def status(origin: str, **changed: str) -> int:
        headers = {**told(**changed), "Origin": origin}
        return house.client.post("/language", data={"language": "en"}, headers=headers).status_code

    assert status("https://faces.example") == 303
    assert status("https://faces.example:8443", Host="faces.example:8443") == 303
    assert status("https://localhost") == 403
    assert status("https://evil.example") == 403
    assert status("https://evil.example", Host="evil.example") == 400


def test_a_page_that_calls_itself_a_proxy_is_refused(house: House) -> None:
    headers = {**TOLD, "Host": "evil.example"}
    assert house.client.get("/health", headers=headers).status_code == 400


@pytest.mark.parametrize(
    ("trusted", "forwarded", "client"),
    [
        ("127.0.0.1", "192.0.2.9", "192.0.2.9"),
        ("127.0.0.1", "203.0.113.5, 192.0.2.9", "192.0.2.9"),
        ("127.0.0.1, 10.0.0.0/24", "203.0.113.5, 192.0.2.9, 10.0.0.3", "192.0.2.9"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("2", "203.0.113.5, 192.0.2.9, 10.0.0.3", "192.0.2.9"),
        ("10.0.0.0/24", "192.0.2.9", "127.0.0.1"),
        ("0", "192.0.2.9", "127.0.0.1"),
    ],
)
def test_the_audit_log_names_the_client(
    backend: FakeBackend, trusted: str, forwarded: str, client: str
) -> None:
    house = House(backend, trusted)
    house.client.get("/people", headers={"X-Forwarded-For": forwarded})
    assert house.last_address() == client


def test_values_of_several_proxies_are_counted_from_the_end(house: House) -> None:
    headers = told(For="203.0.113.5, 192.0.2.9, 10.0.0.3", Prefix="/evil, /faces, /inner")
    assert house.client.get("/", headers=headers).location == "/faces/faceRegister.html"
    one = told(Prefix="/evil, /faces")
    assert house.client.get("/", headers=one).location == "/faces/faceRegister.html"


@pytest.mark.parametrize("trusted", ["10.0.0.2", ""])
def test_from_others_nothing_is_believed(backend: FakeBackend, trusted: str) -> None:
    client = House(backend, trusted).client
    assert client.get("/", headers=TOLD).location == "/faceRegister.html"
    assert '"root": "/"' in client.get("/signIn", headers=TOLD).text
    answer = client.post("/language", data={"language": "zh"}, headers=TOLD)
    assert "Path=/;" in answer.headers["Set-Cookie"]
    origin = {**TOLD, "Origin": "https://faces.example"}
    assert client.post("/language", data={"language": "zh"}, headers=origin).status_code == 403


@pytest.mark.parametrize("prefix", ["//evil.example", "faces", "/fa ces", '/"><script>', "/", ""])
def test_a_prefix_that_is_none_is_not_taken(house: House, prefix: str) -> None:
    answer = house.client.get("/", headers=told(Prefix=prefix))
    assert answer.location == "/faceRegister.html"


def test_a_slash_at_the_end_of_the_prefix_is_too_much(house: House) -> None:
    answer = house.client.get("/", headers=told(Prefix="/a/faces/"))
    assert answer.location == "/a/faces/faceRegister.html"


def test_who_is_behind_a_proxy_is_counted_alone(backend: FakeBackend) -> None:
    client = House(backend, "1", requests_per_minute=3).client

    def status(address: str) -> int:
        return client.get("/signIn", headers={"X-Forwarded-For": address}).status_code

    assert [status("192.0.2.1") for _ in range(5)] == [200] * 3 + [429] * 2
    assert status("192.0.2.2") == 200


def test_with_a_proxy_before_it_a_server_is_not_open(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, trusted_proxies="127.0.0.1")
    with pytest.raises(SetupError, match="no API key exists"):
        refuse_unguarded(settings)
    client = make_app(FakeBackend(settings)).test_client()
    assert client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 401


@pytest.mark.parametrize("value", ["faces.example", "10.0.0.0/99", "99", "1, 2", "-1"])
def test_what_is_no_proxy_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("FACESERVER_TRUSTED_PROXIES", value)
    with pytest.raises(InvalidSetting, match="FACESERVER_TRUSTED_PROXIES"):
        load_settings()


@pytest.mark.parametrize(
    ("trusted", "forwarded", "place"),
    [
        ("127.0.0.1", "192.0.2.9", "192.0.2.9"),
        ("127.0.0.1", "2001:db8::9", "2001:db8::/64"),
        ("127.0.0.1", "", ""),
        ("10.0.0.2", "192.0.2.9", "of the connection"),
    ],
)
def test_the_share_of_what_is_fetched_is_the_clients(
    trusted: str, forwarded: str, place: str
) -> None:
    seen: list[str] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        seen.append(waiting.place.get())
        return []

    environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": forwarded}
    token = waiting.place.set("of the connection")
    try:
        Entrance(app, Proxies([trusted]), 5)(environ, lambda *_: lambda _: None)
        assert waiting.place.get() == "of the connection"
    finally:
        waiting.place.reset(token)
    assert seen == [place]
