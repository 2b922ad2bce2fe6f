"""Collections: opened, made, deleted, and kept to by all pages."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from faceserver.access.keys import KeyStore
from tests.browser.actions import REGISTER, RETRIEVE, card, choose, sign_in
from tests.browser.axe import issues
from tests.browser.conftest import SCREEN, VIEWS, Watch, shoot, watched_page
from tests.e2e.server import Server
from tests.support.photographs import Photographs

NAME = "Front-door"


@pytest.fixture
def door(gallery: Server) -> Iterator[str]:
    """A collection besides the default one; it goes with the test, if it is still there."""
    base = f"{gallery.url}/v1/collections"
    requests.post(base, json={"name": "door"}, timeout=60).raise_for_status()
    yield "door"
    requests.delete(f"{base}/door", timeout=60)


@pytest.fixture
def no_new(gallery: Server) -> Iterator[None]:
    yield
    requests.delete(f"{gallery.url}/v1/collections/{NAME}", timeout=60)


def counts(server: Server, name: str) -> tuple[int, int]:
    told = requests.get(f"{server.url}/v1/collections/{name}", timeout=60).json()
    return told["faces"], told["subjects"]


def test_a_collection_is_made_of_the_model_that_is_proposed(
    page: Page, gallery: Server, no_new: None, axe: str
) -> None:
    page.goto("/faceRegister.html")
    page.get_by_role("link", name="Collection: default").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Collections")
    models = page.locator(".model-choice")
    expect(models.first).to_be_visible()
    proposed = page.locator(".model-choice", has_text="the most accurate")
    expect(proposed.get_by_role("radio")).to_be_checked()
    expect(proposed).to_contain_text("Strangers taken for one person")
    assert issues(page, axe) == []
    shoot(page, "collections")
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Name").press("Enter")
    expect(page.locator("#toast")).to_contain_text(f"{NAME} was created")
    expect(page.locator(".chosen-name")).to_have_text(NAME)
    made = requests.get(f"{gallery.url}/v1/collections/{NAME}", timeout=60).json()
    assert made["model"] == proposed.get_by_role("radio").get_attribute("value")


def test_a_name_that_is_taken_is_told(page: Page, watch: Watch, door: str) -> None:
    watch.allowed = {409}
    page.goto("/collections")
    page.get_by_label("Name").fill(door)
    page.get_by_role("button", name="Create collection").click()
    expect(page.locator("#new-problem")).to_contain_text("already")


def test_everything_keeps_to_the_collection_that_is_open(
    page: Page, gallery: Server, door: str, photographs: Photographs
) -> None:
    page.goto("/collections")
    page.get_by_role("link", name="Open door").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("People")
    page.get_by_role("link", name="Register", exact=True).click()
    choose(page, "dropzone", photographs["obama.jpg"])
    expect(card(page, "obama.jpg").get_by_text("1 face registered")).to_be_visible()
    assert (counts(gallery, "door")[0], counts(gallery, "default")[0]) == (1, 0)
    page.locator("#take-along summary").click()
    expect(page.locator("#take-along-code")).to_contain_text("/v1/collections/door/faces")
    card(page, "obama.jpg").get_by_label("Name").fill("Barack Obama")
    card(page, "obama.jpg").get_by_label("Name").press("Enter")
    expect(card(page, "obama.jpg").get_by_text("Saved")).to_be_visible()

    for place in ("Retrieve", "Live", "Compare", "People", "Jobs", "Status", "API", "Register"):
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=place).click()
        page.wait_for_url("**collection=door*")
        expect(page.locator(".chosen-name")).to_have_text("door")
    page.get_by_role("link", name="Retrieve").click()
    choose(page, "dropzone", photographs["obama2.jpg"])
    page.locator("#answer").get_by_role("link", name="Barack Obama").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Barack Obama")
    page.get_by_role("link", name="All people").click()
    page.wait_for_url("**collection=door*")
    page.get_by_role("searchbox", name="Name").fill("bar")
    page.wait_for_url("**called=bar&collection=door")
    page.reload()
    expect(page.locator(".tile-name")).to_have_text("Barack Obama")


def test_a_job_keeps_to_its_collection(
    page: Page, gallery: Server, door: str, photographs: Photographs, tmp_path: Path
) -> None:
    path = tmp_path / "people.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.write(photographs["obama.jpg"], "Barack Obama/obama.jpg")
    page.goto(f"{REGISTER}?collection=door")
    choose(page, "dropzone", path)
    expect(page.locator(".job-group .state").first).to_have_text("1 picture registered")
    page.get_by_role("link", name="Jobs").click()
    page.get_by_text("1 picture that is in").click()
    face = page.get_by_role("link", name="Who is face 1 of Barack Obama/obama.jpg?")
    expect(face).to_have_attribute("href", re.compile("/people/.*collection=door"))
    face.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Barack Obama")
    assert counts(gallery, "default") == (0, 0)


def test_what_goes_with_a_collection_is_said_before(
    page: Page, gallery: Server, door: str, photographs: Photographs
) -> None:
    base = f"{gallery.url}/v1/collections/door"
    files = {"file": ("a.jpg", photographs["obama.jpg"].read_bytes())}
    requests.post(f"{base}/faces", files=files, timeout=60).raise_for_status()
    page.goto("/collections?collection=door")
    page.get_by_role("button", name="Delete door").click()
    expect(page.locator("#confirm-text")).to_contain_text("0 people and 1 face")
    page.keyboard.press("Escape")
    assert counts(gallery, "door") == (1, 0)
    page.get_by_role("button", name="Delete door").click()
    page.get_by_role("button", name="Delete permanently").click()
    page.wait_for_url("**/collections")
    expect(page.locator("#toast")).to_contain_text("door was deleted")
    assert requests.get(base, timeout=60).status_code == 404


def test_the_default_collection_is_emptied(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    page.goto(REGISTER)
    choose(page, "dropzone", photographs["obama.jpg"])
    expect(card(page, "obama.jpg").get_by_text("1 face registered")).to_be_visible()
    page.goto("/collections")
    page.get_by_role("button", name="Empty default").click()
    page.get_by_role("button", name="Delete permanently").click()
    expect(page.locator("#toast")).to_contain_text("default is empty now")
    assert counts(gallery, "default") == (0, 0)


def test_a_collection_that_is_not_there_leads_to_those_that_are(page: Page, watch: Watch) -> None:
    watch.allowed = {404}
    page.goto(f"{RETRIEVE}?collection=nowhere")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here")
    page.get_by_role("link", name="Collection: default").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Collections")


def test_a_key_of_one_collection_chooses_none(
    browser: Browser, guarded: tuple[Server, str], data: Path
) -> None:
    server, admin = guarded
    headers = {"Authorization": f"Bearer {admin}"}
    requests.post(f"{server.url}/v1/collections", json={"name": "own"}, headers=headers, timeout=60)
    key = KeyStore(data).create("bound", "write", collection="own")[1]
    options = {"locale": "en-GB", "viewport": SCREEN}
    with watched_page(browser, server.url, **options) as (page, _):
        sign_in(page, key, "/people")
        expect(page.get_by_role("heading", level=1)).to_have_text("People")
        expect(page.locator(".chosen-name")).to_have_text("own")
        expect(page.get_by_role("link", name="Collection: own")).to_have_count(0)
        page.goto("/people?collection=default")
        expect(page.locator(".chosen-name")).to_have_text("own")
        page.goto("/collections")
        expect(page.locator(".collection")).to_have_count(1)
        expect(page.locator("#new-collection")).to_have_count(0)


@pytest.mark.parametrize("view", VIEWS)
def test_collections_look_right_everywhere(
    browser: Browser, server: Server, view: str, axe: str
) -> None:
    with watched_page(browser, server.url, **VIEWS[view]) as (page, _):
        page.goto("/collections")
        expect(page.locator(".collection").first).to_be_visible()
        expect(page.locator(".model-choice").first).to_be_visible()
        assert issues(page, axe) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
