"""How the server is, and its keys: made, shown once, revoked."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from faceserver.access.keys import KeyStore
from tests.browser.actions import register
from tests.browser.axe import issues
from tests.browser.conftest import SCREEN, VIEWS, shoot, watched_page
from tests.e2e.server import Server
from tests.support.photographs import Photographs


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def closing(data: Path) -> Iterator[Server]:
    """A server of its own, on which keys are made."""
    with Server(data, requests_per_minute="0") as running:
        yield running


@pytest.fixture
def guarded(closing: Server, data: Path) -> tuple[Server, str]:
    """The server and the only key of it that is good, an administrator's."""
    keys = KeyStore(data)
    for key in keys.all():
        if key.revoked is None:
            keys.revoke(key.id)
    return closing, keys.create("admin", "admin")[1]


def sign_in(page: Page, key: str, there: str = "/status") -> None:
    page.goto(f"/signIn?next={there}")
    page.get_by_label("Key").fill(key)
    page.get_by_role("button", name="Sign in").click()


def test_the_figures(page: Page, gallery: Server, photographs: Photographs) -> None:
    register(gallery, photographs["obama.jpg"], name="Barack Obama")
    page.goto("/status")
    expect(page.locator("#figures div").filter(has_text="Faces")).to_contain_text("1")
    expect(page.locator("#figures")).to_contain_text("20180408-102900")
    row = page.get_by_role("row", name="default")
    expect(row).to_contain_text("exhaustive")
    steps = page.locator("#latency li").filter(has_text="Detect faces")
    expect(steps).to_contain_text("ms")
    expect(steps).to_contain_text("95th percentile")
    expect(page.locator("#routes")).to_contain_text("/v1/collections/<collection>/faces")
    expect(page.locator("#disk")).to_contain_text("in the data folder")
    shoot(page, "status")
    register(gallery, photographs["biden.jpg"], name="Joe Biden")
    expect(page.locator("#figures div").filter(has_text="People")).to_contain_text("2")


def test_the_models_and_how_often_they_are_wrong(page: Page, gallery: Server) -> None:
    page.goto("/status")
    facenet = page.locator("#models tr").filter(
        has=page.get_by_role("rowheader", name="20180408-102900", exact=True)
    )
    expect(facenet).to_contain_text("in use, loaded")
    expect(facenet).to_contain_text("(singers)")
    expect(page.locator("#models tr").filter(has_text="sface")).to_contain_text("the most accurate")
    expect(page.locator("#models tr").filter(has_text="yunet").first).to_contain_text("MIT")


def test_the_first_key_closes_the_server(browser: Browser, tmp_path: Path) -> None:
    with (
        Server(tmp_path, requests_per_minute="0") as server,
        watched_page(browser, server.url, **VIEWS["light"]) as (page, watch),
    ):
        page.goto("/status")
        expect(page.get_by_text("No key exists yet")).to_be_visible()
        expect(page.get_by_label("Scope")).to_be_disabled()
        expect(page.get_by_label("Scope")).to_have_value("admin")
        page.get_by_label("Name").fill("founder")
        watch.allowed.add(401)  # the page goes on asking, and is refused
        page.get_by_role("button", name="Create key").click()
        token = page.get_by_role("textbox", name="The key of founder").input_value()
        assert requests.get(f"{server.url}/v1/status", timeout=60).status_code == 401
        page.get_by_role("link", name="Sign in with it").click()
        page.get_by_label("Key").fill(token)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(f"{server.url}/status")
        expect(page.get_by_role("row", name="founder")).to_contain_text("current")


def test_a_key_is_made_shown_once_and_revoked(
    browser: Browser, guarded: tuple[Server, str]
) -> None:
    server, admin = guarded
    with watched_page(browser, server.url, locale="en-GB", viewport=SCREEN) as (page, watch):
        sign_in(page, admin)
        page.get_by_label("Name", exact=True).fill("door")
        page.get_by_label("Collection", exact=True).select_option("default")
        page.get_by_role("button", name="Create key").press("Enter")
        field = page.get_by_role("textbox", name="The key of door")
        expect(field).to_be_focused()
        token = field.input_value()
        assert token.startswith("fs_")
        row = page.get_by_role("row", name="door")
        expect(row).to_contain_text("view and search")
        expect(row.get_by_role("cell", name="default")).to_be_visible()
        place = f"{server.url}/v1/collections/default"
        headers = {"Authorization": f"Bearer {token}"}
        assert requests.get(place, headers=headers, timeout=60).status_code == 200
        again = page.reload()
        assert again
        assert token not in again.text()
        expect(row).to_be_visible()
        expect(page.locator("body")).not_to_contain_text(token)

        watch.allowed.add(409)
        page.get_by_label("Name", exact=True).fill("door")
        page.get_by_role("button", name="Create key").click()
        expect(page.locator("#keys-problem")).to_contain_text("This name is already in use")

        row.get_by_role("button", name="Revoke the key of door").click()
        question = page.get_by_role("dialog", name="Revoke the key of door?")
        expect(question).to_contain_text("loses access immediately")
        question.get_by_role("button", name="Revoke").click()
        expect(page.get_by_role("row", name="door")).to_have_count(0)
        assert requests.get(place, headers=headers, timeout=60).status_code == 401


def test_who_revokes_their_own_key_is_warned(browser: Browser, guarded: tuple[Server, str]) -> None:
    server, admin = guarded
    with watched_page(browser, server.url, locale="en-GB", viewport=SCREEN) as (page, watch):
        sign_in(page, admin)
        page.get_by_role("button", name="Revoke the key of admin").click()
        question = page.get_by_role("dialog", name="Revoke the key of admin?")
        expect(question).to_contain_text("You are signed in with this key")
        expect(question).to_contain_text("It is the last administrator key")
        watch.allowed.add(401)
        question.get_by_role("button", name="Revoke").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_who_may_only_look_sees_no_keys_and_no_buttons(
    browser: Browser, guarded: tuple[Server, str], data: Path
) -> None:
    server, admin = guarded
    headers = {"Authorization": f"Bearer {admin}"}
    place = f"{server.url}/v1/collections/default/subjects"
    made = requests.post(place, json={"name": "Ann"}, headers=headers, timeout=60)
    ann = made.json()["id"]
    reader = KeyStore(data).create("reader", "read")[1]
    with watched_page(browser, server.url, locale="en-GB", viewport=SCREEN) as (page, _):
        sign_in(page, reader)
        expect(page.locator("#figures")).to_contain_text("openvino")
        expect(page.locator("#keys")).to_be_hidden()
        page.goto(f"/people/{ann}")
        expect(page.get_by_role("heading", level=1)).to_have_text("Ann")
        expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    requests.delete(f"{place}/{ann}", headers=headers, timeout=60).raise_for_status()


def test_a_key_of_one_collection_is_told_why(
    browser: Browser, guarded: tuple[Server, str], data: Path
) -> None:
    server, _ = guarded
    bound = KeyStore(data).create("bound", "admin", "default")[1]
    with watched_page(browser, server.url, locale="en-GB", viewport=SCREEN) as (page, watch):
        watch.allowed.add(403)
        sign_in(page, bound)
        expect(page.get_by_text("Your key is limited to one collection")).to_be_visible()
        expect(page.locator("#keys")).to_be_hidden()


@pytest.mark.parametrize("kind", VIEWS)
def test_the_page_can_be_used_by_everybody(
    browser: Browser, guarded: tuple[Server, str], axe: str, kind: str
) -> None:
    server, admin = guarded
    with watched_page(browser, server.url, **VIEWS[kind]) as (page, _):
        page.goto("/signIn?next=/status")
        page.locator("#key").fill(admin)
        page.locator("#key").press("Enter")
        expect(page.locator("#figures")).to_contain_text("openvino")
        expect(page.locator("#key-list tr")).to_have_count(1)
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text("状态" if kind == "zh" else "Status")
        assert issues(page, axe) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("address", ["/status", "/jobs"])
def test_a_page_goes_on_after_a_restart(browser: Browser, tmp_path: Path, address: str) -> None:
    settings = {"requests_per_minute": "0"}
    with Server(tmp_path, **settings) as first:
        port = first.url.rsplit(":", 1)[1]
        with watched_page(browser, first.url, **VIEWS["light"]) as (page, watch):
            page.goto(address)
            expect(page.locator("#health")).to_have_attribute("data-state", "ready")
            first.stop(signal.SIGTERM)
            expect(page.locator("#problem")).to_contain_text("The server cannot be reached")
            with Server(tmp_path, port=port, **settings):
                expect(page.locator("#problem")).to_be_hidden()
            page.goto("about:blank")
            # Browsers write down each request that reaches nobody, and the 503 of the start.
            assert all("Failed to load resource" in fault for fault in watch.faults)
            watch.faults.clear()
