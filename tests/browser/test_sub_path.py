"""The pages behind a reverse proxy, below a path of its own: nothing leads out of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from faceserver.access.keys import KeyStore
from tests.browser.actions import card, choose
from tests.browser.conftest import SCREEN, watched_page
from tests.e2e.server import Server
from tests.support.photographs import Photographs
from tests.support.reverse_proxy import reverse_proxy


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The server's address behind the proxy, and a key."""
    key = KeyStore(tmp_path).create("someone", "admin")[1]
    with (
        Server(tmp_path, trusted_proxies="1") as running,
        reverse_proxy(running.url, "/faces") as url,
    ):
        yield f"{url}/", key


def test_a_visit_below_a_path(
    browser: Browser, proxied: tuple[str, str], photographs: Photographs
) -> None:
    url, key = proxied
    # What is asked for outside of the path counts as another host.
    with watched_page(browser, url, locale="en-GB", viewport=SCREEN) as (page, watch):
        watch.allowed = {404}
        page.goto("people")
        page.get_by_label("Key").fill(key)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{url}people")
        _register_and_find(page, url, photographs)
        _look_everywhere(page, url)
        page.get_by_role("button", name="Appearance and language").click()
        page.get_by_role("button", name="中文").click()
        expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
        page.wait_for_load_state()  # until then a click opens no menu
        page.get_by_role("button", name="外观与语言").click()
        page.get_by_role("button", name="English").click()
        page.get_by_role("button", name="Appearance and language").click()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{url}signIn")
        assert page.context.cookies() == [] or {
            cookie["path"] for cookie in page.context.cookies()
        } == {"/faces"}


def _register_and_find(page: Page, url: str, photographs: Photographs) -> None:
    page.get_by_role("link", name="Register", exact=True).click()
    page.wait_for_url(f"{url}faceRegister.html")
    choose(page, "dropzone", photographs["obama.jpg"])
    found = card(page, "obama.jpg")
    expect(found.get_by_text("1 face registered")).to_be_visible()
    found.get_by_role("button", name="Details of Face 1").click()
    found.get_by_role("link", name="Find this face in other pictures").click()
    page.wait_for_url(f"{url}faceRetrieve.html?face=*")
    expect(page.locator("#threshold")).to_be_enabled()


def _look_everywhere(page: Page, url: str) -> None:
    links = page.locator(".bar .nav-link").evaluate_all("all => all.map((link) => link.href)")
    assert links
    for address in [*links, f"{url}docs", f"{url}nothing"]:
        assert address.startswith(url)
        page.goto(address)
        page.wait_for_load_state("networkidle")
        expect(page.locator("main")).to_be_visible()
    page.goto("docs")
    expect(page.locator(".servers select")).to_have_value("/faces")
    page.goto("status")
