"""Who is named is called, and nobody else: no proxy of the environment, no redirect's target."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from faceserver.client.compreface import Compreface
from faceserver.client.transport import ApiError, Transport
from faceserver.errors import FaceServerError, InvalidRequest, StoreError
from faceserver.store.pictures.places import PlaceOptions
from faceserver.store.pictures.s3.bucket import Bucket
from tests.support.loopback import Site, redirect, send, serve
from tests.support.relay import Relay, relay_to

KEY = "fs_" + "k" * 43


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as made:
        yield made


@pytest.fixture
def proxy(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Relay]:
    """What the environment names as a proxy for everything, and a password for every host."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with relay_to(site.port) as relay:
        for name in ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{relay.port}")
            monkeypatch.setenv(name.upper(), f"http://127.0.0.1:{relay.port}")
        yield relay


def by_client(url: str) -> None:
    with Transport(url, key=KEY) as client:
        client.ask("GET", "/x")


def by_compreface(url: str) -> None:
    Compreface(url, key=KEY, max_bytes=1000).subjects()


def by_s3(url: str) -> None:
    Bucket(PlaceOptions("s3://bucket/a", endpoint=url)).call("head_object", "name")


def by_oip_http(url: str) -> None:
    pytest.importorskip("tritonclient.http")
    from faceserver.engines.oip.http import HttpClient  # noqa: PLC0415 - an extra

    HttpClient(url).metadata("rnet", "", 2.0)


def by_oip_grpc(url: str) -> None:
    pytest.importorskip("tritonclient.grpc")
    from faceserver.engines.oip.grpc import GrpcClient  # noqa: PLC0415 - an extra

    GrpcClient(url.removeprefix("http://"), secure=False).metadata("rnet", "", 2.0)


DOORS = [by_client, by_compreface, by_s3, by_oip_http, by_oip_grpc]


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "one")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "two")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


@pytest.mark.parametrize("door", DOORS)
def test_a_proxy_of_the_environment_gets_nothing(
    site: Site, proxy: Relay, door: Callable[[str], None]
) -> None:
    with suppress(FaceServerError):  # the site is none of these servers
        door(site.url(""))
    assert proxy.opened == 0


@pytest.mark.parametrize("door", [by_client, by_compreface, by_oip_http])
def test_a_password_of_the_environment_is_not_told(
    site: Site, proxy: Relay, door: Callable[[str], None]
) -> None:
    with suppress(FaceServerError):
        door(site.url(""))
    assert site.requests
    for asked in site.requests:
        assert "Basic" not in asked.headers.get("Authorization", "")


def test_a_server_of_ones_own_has_no_key_from_amazon(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with serve() as roles:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", roles.url())
        with pytest.raises(StoreError, match="credentials"):
            by_s3(site.url(""))
        assert roles.requests == []


@pytest.mark.parametrize(
    ("door", "path"),
    [(by_client, "/v1/x"), (by_compreface, "/api/v1/recognition/subjects")],
)
def test_a_key_goes_to_no_other_address(site: Site, door: Callable[[str], None], path: str) -> None:
    with serve() as elsewhere:
        elsewhere.answers[path] = send(b'{"subjects": []}')
        site.answers[path] = redirect(elsewhere.url(path), 307)
        with pytest.raises(ApiError, match=f"leads on to {elsewhere.url(path)}") as caught:
            door(site.url(""))
        assert caught.value.code == "unreachable"
        assert elsewhere.requests == []


@pytest.mark.parametrize("key", ["se\ncret", "se\r\nX: cret", "s\u00e9cret", "secr\u2028et", " "])
def test_a_key_that_no_header_can_hold_is_not_told(key: str) -> None:
    for make in (
        lambda: Transport("http://127.0.0.1:9", key=key),
        lambda: Compreface("http://127.0.0.1:9", key=key, max_bytes=1),
    ):
        with pytest.raises(InvalidRequest, match="visible ASCII") as caught:
            make()
        assert key.strip() not in str(caught.value) or not key.strip()


def test_a_line_break_behind_a_key_is_taken_off(site: Site) -> None:
    with Transport(site.url(""), key=f" {KEY}\n") as client, suppress(ApiError):
        client.ask("GET", "/x")
    assert site.requests[0].headers["Authorization"] == f"Bearer {KEY}"
