"""User names and passwords for URLs: every door takes them, and none keeps or tells them."""

import json
import logging
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from pydantic import ValidationError

from faceserver.api.jobs import JobItem
from faceserver.cli import remote
from faceserver.cli.main import main
from faceserver.client import ApiError, Client, Credentials, UrlPicture
from faceserver.config import Settings
from faceserver.jobs.manager import Jobs
from faceserver.lifecycle import Services
from faceserver.pictures.fetch import Fetcher
from tests.services.test_facade import RED, png
from tests.support.loopback import DigestGuard, Site, send, serve
from tests.web.v1.conftest import make_service
from tests.web.v1.test_http import FACES, JOBS, SEARCH, places

USER, PASSWORD = "camera-user", "s3cret-of-camera"
AUTH = {"username": USER, "password": PASSWORD}
KNOWN = Credentials(username=USER, password=PASSWORD, scheme="digest")


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as running:
        running.answers["/snap"] = DigestGuard(send(png(RED)), USER, PASSWORD)
        yield running


@pytest.fixture
def service(settings: Settings, site: Site) -> Iterator[Services]:
    fetcher = Fetcher(timeout=10, max_bytes=10_000, allow_networks=("127.0.0.0/8",))
    with closing(make_service(settings.data_dir, fetcher.fetch)) as made:
        yield made


def link(site: Site, **auth: str) -> dict[str, Any]:
    return {"url": site.url("/snap"), "auth": {**AUTH, **auth}}


def is_kept(folder: Path) -> bool:
    """Whether the password lies in some file of the data folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return any(PASSWORD.encode() in path.read_bytes() for path in files)


def in_the_end(desk: Jobs, job_id: str) -> str:
    for _ in range(100_000):
        job = desk.get("default", job_id)
        if not job.is_open:
            return job.state
    raise AssertionError(job)


DOORS: Mapping[str, Callable[[dict[str, Any]], Any]] = {
    "/v1/detect": lambda picture: picture,
    "/v1/embed": lambda picture: {**picture, "faces": "largest"},
    "/v1/compare": lambda picture: {"a": picture, "b": picture},
    FACES: lambda picture: picture,
    SEARCH: lambda picture: {**picture, "k": 1},
    "/faceRegisterBatch": lambda picture: {"urls": [picture]},
}


@pytest.mark.parametrize("path", DOORS)
def test_every_door_takes_them(
    http: FlaskClient, site: Site, settings: Settings, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    response = http.post(path, json=DOORS[path](link(site)))
    assert response.status_code in {200, 201}, response.text
    wrong = http.post(path, json=DOORS[path](link(site, password=f"{PASSWORD}!")))
    assert wrong.status_code == 422
    assert "rejected this user name and password" in wrong.text
    for text in (response.text, wrong.text, caplog.text):
        assert PASSWORD not in text
        assert USER not in text
    assert not is_kept(settings.data_dir)


@pytest.mark.parametrize(
    ("auth", "place"),
    [
        ({"username": USER}, "#/auth/password"),
        ({"password": PASSWORD}, "#/auth/username"),
        ({**AUTH, "scheme": "ntlm"}, "#/auth/scheme"),
        ({**AUTH, "token": PASSWORD}, "#/auth/token"),
        ({"username": f"{USER}:x", "password": PASSWORD}, "#/auth/username"),
        ({"username": "", "password": PASSWORD}, "#/auth/username"),
        ({"username": USER, "password": f"{PASSWORD}\r\nX: y"}, "#/auth/password"),
        ({"username": USER, "password": 5}, "#/auth/password"),
        (PASSWORD, "#/auth"),
    ],
)
def test_malformed_ones_are_refused_untold(
    http: FlaskClient, site: Site, auth: Any, place: str
) -> None:
    response = http.post("/v1/detect", json={"url": site.url("/snap"), "auth": auth})
    assert places(response) == [place]
    assert PASSWORD not in response.text
    batch = http.post("/faceRegisterBatch", json={"urls": [{"url": site.url("/"), "auth": auth}]})
    assert batch.status_code == 400
    assert PASSWORD not in batch.text
    assert http.post("/v1/detect", json={"base64": "", "auth": AUTH}).status_code == 400
    assert site.requests == []


@pytest.mark.parametrize(
    "url",
    [
        f"http://{USER}:{PASSWORD}@cam.test/a.jpg",
        f"http://{USER}:{PASSWORD}/x@cam.test/",
        f" HTTPS://{PASSWORD}@cam.test",
    ],
)
def test_those_in_a_url_are_refused_and_not_kept(
    http: FlaskClient, site: Site, settings: Settings, url: str
) -> None:
    for path, body in (
        ("/v1/detect", {"url": url}),
        (JOBS, {"items": [{"url": url}]}),
        ("/faceRegisterBatch", {"urls": [url]}),
        ("/faceRegisterBatch", {"urls": [{"url": url, "auth": AUTH}]}),
    ):
        response = http.post(path, json=body)
        assert response.status_code == 400, response.text
        assert "auth" in response.text or "host and port" in response.text or "URL" in response.text
        assert PASSWORD not in response.text
    assert not is_kept(settings.data_dir)


def test_a_job_keeps_them_until_each_picture_is_there(
    http: FlaskClient, site: Site, desk: Jobs, settings: Settings
) -> None:
    items = [link(site), {"url": site.url("/snap?2")}, link(site, scheme="digest")]
    made = http.post(JOBS, json={"items": items}).get_json()
    waiting = http.get(f"{JOBS}/{made['id']}/items").text
    assert is_kept(settings.data_dir)  # the server may be stopped before it is the job's turn
    modes = {stat.S_IMODE(path.stat().st_mode) for path in settings.data_dir.glob("jobs.sqlite*")}
    assert modes == {0o600}  # of the log beside it too
    desk.start()
    assert in_the_end(desk, made["id"].replace("-", "")) == "done"
    after = http.get(f"{JOBS}/{made['id']}/items")
    states = [item["state"] for item in after.get_json()["items"]]
    assert states == ["stored", "refused", "present"]
    for text in (json.dumps(made), waiting, after.text):
        assert PASSWORD not in text
        assert USER not in text
    desk.close()
    assert not is_kept(settings.data_dir)


def test_a_job_goes_on_with_them_after_a_restart(
    http: FlaskClient, site: Site, desk: Jobs, settings: Settings, service: Services
) -> None:
    made = http.post(JOBS, json={"items": [link(site)]}).get_json()
    desk.close()
    with closing(Jobs(settings.data_dir, service.context, max_items=5)) as again:
        again.start()
        assert in_the_end(again, made["id"].replace("-", "")) == "done"
        assert again.get("default", made["id"].replace("-", "")).stored == 1


@pytest.mark.parametrize("way", ["cancel", "forget"])
def test_a_job_that_is_cancelled_forgets_them(
    http: FlaskClient, site: Site, desk: Jobs, settings: Settings, way: str
) -> None:
    made = http.post(JOBS, json={"items": [link(site)]}).get_json()
    if way == "cancel":
        assert http.post(f"{JOBS}/{made['id']}/cancel").status_code == 200
    else:
        with desk.forgetting("default"):
            pass
    assert not is_kept(settings.data_dir)


def test_a_repeated_request_is_known_by_its_urls(
    http: FlaskClient, site: Site, settings: Settings
) -> None:
    headers = {"Idempotency-Key": "k"}
    first = http.post(JOBS, json={"items": [link(site)]}, headers=headers)
    again = http.post(JOBS, json={"items": [link(site, password="new")]}, headers=headers)
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.get_json()["id"] == again.get_json()["id"]


def test_the_client_sends_them(client: Client, site: Site, desk: Jobs) -> None:
    picture = UrlPicture(url=site.url("/snap"), auth=KNOWN)
    assert len(client.detect(picture).faces) == 1
    assert len(client.embed(picture).faces) == 1
    assert len(client.compare(picture, picture).pairs) == 1
    assert len(client.add_faces("default", picture).faces) == 1
    assert client.search("default", picture).probes[0].verdict.answer == "known"
    with pytest.raises(ApiError, match="requires a user name"):
        client.detect(site.url("/snap"))
    job = client.create_job("default", [JobItem(url=site.url("/snap"), auth=KNOWN)])
    desk.start()
    assert in_the_end(desk, job.id.hex) == "done"
    assert client.get_job("default", job.id).refused == 0


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command ask without a pause how far a job is."""
    monkeypatch.setattr(remote, "_ASK_EVERY", 0)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("path", [Path("cameras.csv"), Path("cameras.jsonl")])
def test_a_list_is_fetched_by_a_server(
    site: Site, desk: Jobs, client: Client, tmp_path: Path, path: Path
) -> None:
    ending, url = path.suffix[1:], client._url
    path = tmp_path / path
    path.write_text(
        f"url,person,username,password\n{site.url('/snap')},Ann,{USER},{PASSWORD}\n"
        if ending == "csv"
        else json.dumps({"url": site.url("/snap"), "person": "Ann", "auth": AUTH})
    )
    desk.start()
    done = CliRunner().invoke(main, ["import", str(path), "--server", url])
    assert done.exit_code == 0, done.output
    assert "1 face of 1 picture stored, 0 refused." in done.output
    assert PASSWORD not in done.output
    assert client.list_subjects("default").items[0].name == "Ann"
    path.write_text(f"url,username\n{site.url('/snap')},{USER}\n,x\n" if ending == "csv" else "{}")
    failed = CliRunner().invoke(main, ["import", str(path), "--server", url])
    assert failed.exit_code == 1
    assert "entry" in failed.output


@pytest.mark.parametrize("auth", [{**AUTH, "scheme": "ntlm"}, {"password": PASSWORD}, PASSWORD])
def test_an_error_does_not_repeat_them(auth: Any) -> None:
    with pytest.raises(ValidationError) as raised:
        JobItem.model_validate({"url": "http://cam.test/", "auth": auth})
    assert PASSWORD not in str(raised.value)
