"""What holds on every page: everybody can use it, it fits, and it keeps to its own policy."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.actions import COMPARE, REGISTER, RETRIEVE, choose, register
from tests.browser.axe import issues
from tests.browser.conftest import PHONE, SCREEN, shoot, watched_page
from tests.e2e.server import Server
from tests.support.photographs import Photographs

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"locale": "en-GB", "viewport": SCREEN, "color_scheme": "light"},
    "dark": {"locale": "en-GB", "viewport": SCREEN, "color_scheme": "dark"},
    "phone": {"locale": "en-GB", "viewport": PHONE, "has_touch": True},
    "chinese": {"locale": "zh-CN", "viewport": SCREEN},
}
SERVER = ("/status/keys", "/status/settings")
"""Pages that are reached from one of the bar."""
BESIDES = ("/docs", "/nothing", *SERVER)


@pytest.fixture(scope="module")
def some_faces(server: Server, photographs: Photographs) -> None:
    register(server, photographs["obama.jpg"], photographs["biden.jpg"])


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(browser: Browser, server: Server, look: str, some_faces: None) -> Iterator[Page]:
    with watched_page(browser, server.url, **LOOKS[look]) as (page, watch):
        watch.allowed = {404}
        yield page


def addresses(page: Page) -> list[str]:
    """The pages of the bar, without the API's, which Swagger UI draws."""
    page.goto("/")
    found = page.locator(".bar .nav-link").evaluate_all("links => links.map((link) => link.href)")
    own = [address for address in found if not address.endswith("/docs")]
    assert len(own) == len(found) - 1
    return own


def opened(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_load_state("networkidle")
    expect(page.locator("main")).to_be_visible()


def test_nobody_is_kept_out(page: Page, look: str, axe: str) -> None:
    for address in [*addresses(page), *SERVER, "/nothing"]:
        opened(page, address)
        assert issues(page, axe) == [], address


def test_nobody_is_kept_out_of_the_results(page: Page, axe: str, photographs: Photographs) -> None:
    page.goto(REGISTER)
    choose(page, "dropzone", photographs["obama.jpg"], photographs["obama2.jpg"])
    expect(page.locator(".notice:visible").first).to_be_visible()
    assert issues(page, axe) == []

    page.goto(RETRIEVE)
    choose(page, "dropzone", photographs["obama3.jpg"])
    page.locator("#take-along summary").click()
    page.locator("#threshold-panel summary").click()
    assert issues(page, axe) == []
    page.locator(".match").first.click()
    expect(page.locator("#lightbox rect")).to_have_count(1)
    page.locator("#lightbox .landmarks summary").click()
    assert issues(page, axe) == []

    page.goto(COMPARE)
    choose(page, "dropzone-a", photographs["obama.jpg"])
    choose(page, "dropzone-b", photographs["obama3.jpg"])
    expect(page.locator("#lines .same")).to_have_count(1)
    assert issues(page, axe) == []


def test_pages_fit_the_screen(page: Page) -> None:
    for address in [*addresses(page), *BESIDES]:
        opened(page, address)
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, address


def test_pages_speak_the_browsers_language(page: Page, look: str) -> None:
    for address in [*addresses(page), *SERVER]:
        opened(page, address)
        expected = "zh-Hans" if look == "chinese" else "en"
        assert page.locator("html").get_attribute("lang") == expected
        heading = page.get_by_role("heading", level=1).inner_text()
        assert heading.isascii() == (look != "chinese")


def test_dark_is_dark(page: Page, look: str) -> None:
    page.goto("/")
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    is_dark = int(colour.removeprefix("rgb(").split(",")[0]) < 128
    assert is_dark == (look == "dark")
    if look in {"dark", "phone", "chinese"}:
        shoot(page, f"register-{look}")
