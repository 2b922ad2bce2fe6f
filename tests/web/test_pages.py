"""The pages and /health, as far as a client without a browser can tell."""

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.web.fakes import FakeBackend

PAGES = ["/faceRegister.html", "/faceRetrieve.html", "/faceCompare.html"]


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [("ready", None, 200), ("starting", "loading", 503), ("failed", "no model", 503)],
)
def test_health_tells_the_state(
    client: FlaskClient, backend: FakeBackend, status: str, reason: str | None, code: int
) -> None:
    backend.status, backend.reason = status, reason
    response = client.get("/health")
    assert response.status_code == code
    assert response.get_json() == {
        "status": status,
        "reason": reason,
        "faces": 0,
        "live": True,
        "ready": status == "ready",
    }
    assert response.headers["Cache-Control"] == "no-store"


def test_the_root_leads_to_the_pages(client: FlaskClient) -> None:
    response = client.get("/", follow_redirects=True)
    assert response.status_code == 200
    assert response.request.path in PAGES


@pytest.mark.parametrize("state", ["ready", "starting"])
@pytest.mark.parametrize("path", PAGES)
def test_pages_open_before_the_server_is_ready(
    client: FlaskClient, backend: FakeBackend, path: str, state: str
) -> None:
    backend.status = state
    response = client.get(path)
    assert response.status_code == 200
    assert response.mimetype == "text/html"
    for page in PAGES:
        assert f'href="{page}"' in response.text


@pytest.mark.parametrize("path", [*PAGES, "/nothing"])
def test_pages_obey_their_own_policy(client: FlaskClient, path: str) -> None:
    page = client.get(path, headers={"Accept": "text/html"}).text
    assert not re.search(r"<style|\sstyle=|\son\w+=|(?:src|href|action)=.?(?:https?:)?//", page)
    scripts = re.findall(r"<script[^>]*>", page)
    assert all("src=" in tag or "application/json" in tag for tag in scripts)


@pytest.mark.parametrize("path", [*PAGES, "/nothing"])
def test_everything_that_a_page_asks_for_is_there(client: FlaskClient, path: str) -> None:
    page = client.get(path, headers={"Accept": "text/html"}).text
    links = re.findall(r'(?:src|href)="(/[^"]+)"', page)
    assert any(link.endswith(".css") for link in links)
    for link in links:
        with client.get(link) as response:
            assert response.status_code == 200, link


def test_modules_import_what_is_there(app: Flask) -> None:
    folder = Path(str(app.static_folder)) / "js"
    modules = list(folder.glob("*.js"))
    assert modules
    for module in modules:
        for name in re.findall(r'from "\./([^"]+)"', module.read_text(encoding="utf-8")):
            assert (folder / name).is_file(), f"{module.name} imports {name}"
