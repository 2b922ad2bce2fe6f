"""How the pages feel: nothing jumps, nothing is asked for twice, and Back is at once where one was.

``make bench-pages`` measures the same, and more, with ten thousand people.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.browser.actions import register, sign_in
from tests.browser.conftest import ARGUMENTS, CHROMIUM, PHONE, SCREEN, TIMEOUT_MS, watched_page
from tests.e2e.server import Server
from tests.support.photographs import Photographs

MOST_SHIFT = 0.02
SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
PAGES = (
    "/faceRegister.html",
    "/faceRetrieve.html",
    "/live",
    "/faceCompare.html",
    "/people",
    "/people?view=unnamed",
    "/jobs",
    "/status",
    "/status/keys",
    "/status/settings",
    "/collections",
)
SIZES: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": SCREEN, "locale": "en-GB"},
    "phone": {"viewport": PHONE, "locale": "en-GB"},
    "chinese": {"viewport": SCREEN, "locale": "zh-CN"},
}
SENT = """() => performance.getEntriesByType("resource")
  .filter((entry) => entry.transferSize > 0)
  .map((entry) => new URL(entry.name).pathname)"""


@pytest.fixture(scope="module")
def some_people(server: Server, photographs: Photographs) -> None:
    register(server, photographs["obama.jpg"], name="Feel Obama")
    register(server, photographs["biden.jpg"])


@pytest.fixture(scope="module")
def real(playwright: Playwright) -> Iterator[Browser]:
    """A browser that keeps pages for Back, which Playwright switches off."""
    without = ["--disable-back-forward-cache"]
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM, args=ARGUMENTS, ignore_default_args=without
    )
    yield browser
    browser.close()


@pytest.mark.parametrize("size", SIZES)
def test_nothing_jumps(browser: Browser, server: Server, some_people: None, size: str) -> None:
    with watched_page(browser, server.url, **SIZES[size]) as (page, _):
        page.add_init_script(SHIFTS)
        shifts = {}
        for address in PAGES:
            page.goto(address)
            page.wait_for_load_state("networkidle")
            shifts[address] = page.evaluate("window.shifts")
        assert {place: shift for place, shift in shifts.items() if shift >= MOST_SHIFT} == {}


def test_a_second_visit_asks_for_data_alone(page: Page, some_people: None) -> None:
    for _ in range(2):
        page.goto("/people")
        expect(page.locator(".tile img").first).to_be_visible()
        page.wait_for_load_state("networkidle")
    sent = page.evaluate(SENT)
    assert [path for path in sent if "/static/" in path or path.endswith("/thumbnail")] == []


def test_back_is_where_one_was(real: Browser, server: Server, some_people: None) -> None:
    context = real.new_context(base_url=server.url, viewport=PHONE, locale="en-GB")
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    page.goto("/people")
    expect(page.locator(".tile").first).to_be_visible()
    page.evaluate("scrollTo(0, 120); window.wasHere = true")
    page.locator(".tile").first.evaluate("tile => tile.click()")  # without scrolling to it
    expect(page.locator("#name")).not_to_be_empty()
    page.evaluate("history.back()")  # go_back waits for a load, which there is none of
    expect(page).to_have_url(f"{server.url}/people")
    expect(page.locator(".tile").first).to_be_visible()
    assert page.evaluate("[window.wasHere, scrollY]") == [True, 120]
    context.close()


def test_back_shows_nothing_to_who_has_signed_out(
    real: Browser, guarded: tuple[Server, str], data: Path
) -> None:
    server, key = guarded
    context = real.new_context(base_url=server.url, viewport=SCREEN, locale="en-GB")
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    sign_in(page, key, "/people")
    expect(page.get_by_role("heading", level=1)).to_have_text("People")
    page.get_by_role("link", name="Jobs").click()
    page.get_by_role("button", name="Appearance and language").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    for _ in range(2):
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    context.close()
