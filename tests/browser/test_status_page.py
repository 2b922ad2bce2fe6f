"""How the server is, and what it is set to."""

import signal
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect

from faceserver.access.keys import KeyStore
from faceserver.config import Settings
from tests.browser.actions import register, sign_in
from tests.browser.axe import issues
from tests.browser.conftest import SCREEN, VIEWS, shoot, watched_page
from tests.e2e.server import Server
from tests.support.photographs import Photographs


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

    def model(name: str) -> Locator:
        heading = page.get_by_role("rowheader", name=name, exact=True)
        return page.locator("#models tr").filter(has=heading)

    facenet = model("20180408-102900")
    expect(facenet).to_contain_text("in use, loaded")
    expect(facenet).to_contain_text("(singers)")
    expect(model("sface")).to_contain_text("the most accurate")
    expect(model("yunet")).to_contain_text("MIT")


def test_who_may_only_look_sees_no_keys_and_no_buttons(
    browser: Browser, guarded: tuple[Server, str], data: Path
) -> None:
    server, admin = guarded
    headers = {"Authorization": f"Bearer {admin}"}
    place = f"{server.url}/v1/collections/default/subjects"
    made = requests.post(place, json={"name": "Ann"}, headers=headers, timeout=60)
    ann = made.json()["id"]
    reader = KeyStore(data).create("reader", "read")[1]
    with watched_page(browser, server.url, locale="en-GB", viewport=SCREEN) as (page, watch):
        sign_in(page, reader)
        expect(page.locator("#figures")).to_contain_text("openvino")
        expect(page.get_by_role("link", name="API keys")).to_have_count(0)
        watch.allowed.add(403)
        for address in ("/status/keys", "/status/settings"):
            page.goto(address)
            expect(page.locator("main")).to_contain_text("Your key does not allow this")
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
        expect(page.get_by_role("link", name="API keys")).to_have_count(0)


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
        expect(page.locator(".tabs a")).to_have_count(3)
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


def test_the_settings_are_shown_and_found(page: Page, gallery: Server) -> None:
    page.goto("/status")
    page.get_by_role("link", name="Settings").click()
    rows = page.locator("#settings > li").filter(visible=True)
    expect(rows).to_have_count(len(Settings.model_fields))
    page.get_by_label("Find a setting").fill("requests_per_minute")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("changed")
    expect(rows).to_contain_text("Default: 3000")
    page.get_by_label("Find a setting").fill("minute")
    shoot(page, "settings")
    page.get_by_label("Find a setting").fill("")
    page.get_by_label("Only what differs").check()
    expect(rows.filter(has_text="FACESERVER_URL_ALLOW_NETWORKS")).to_contain_text("127.0.0.0/8")
    expect(rows.filter(has_text="FACESERVER_MAX_FACES")).to_have_count(0)
    expect(page.locator("#settings input, #settings textarea")).to_have_count(0)
