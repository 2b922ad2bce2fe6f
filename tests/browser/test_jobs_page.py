"""Jobs: live progress, reasons, cancelling."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.axe import issues
from tests.browser.conftest import VIEWS, shoot, watched_page
from tests.e2e.server import Server
from tests.support.loopback import Site, send


def jobs(server: Server) -> str:
    return f"{server.url}/v1/collections/default/jobs"


def submit(server: Server, *urls: str) -> str:
    items = [{"url": url} for url in urls]
    answer = requests.post(jobs(server), json={"items": items}, timeout=60)
    answer.raise_for_status()
    return str(answer.json()["id"])


def state(card: Locator) -> Locator:
    return card.locator(".state-badge")


def cards(page: Page) -> Locator:
    return page.locator("#jobs > li")


@contextmanager
def held(site: Site, path: str, body: bytes = b"no picture") -> Iterator[threading.Event]:
    """An address that answers when the event is set, at the latest when the context ends."""
    going_on = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        going_on.wait()
        send(body)(handler)

    site.answers[path] = answer
    try:
        yield going_on
    finally:
        going_on.set()


@pytest.fixture
def empty(gallery: Server) -> Server:
    """No faces and no jobs."""
    for job in requests.get(jobs(gallery), timeout=60).json()["items"]:
        requests.delete(f"{jobs(gallery)}/{job['id']}", timeout=60)
    return gallery


def test_without_jobs_the_page_says_how_they_come(page: Page, empty: Server) -> None:
    page.goto("/jobs")
    expect(page.get_by_text("There are no jobs.")).to_be_visible()
    page.get_by_role("link", name="Register pictures").click()
    expect(page).to_have_url(f"{empty.url}/faceRegister.html")


def test_progress_is_live_and_each_refusal_has_its_reason(
    page: Page, empty: Server, site: Site
) -> None:
    site.answers["/text"] = send(b"this is text")
    with held(site, "/slow") as going_on:
        page.goto("/jobs")
        expect(page.get_by_text("There are no jobs.")).to_be_visible()
        names = ("/obama.jpg", "/missing.jpg", "/text", "/slow")
        submit(empty, *(site.url(name) for name in names))
        card = cards(page).first
        expect(state(card)).to_have_text("Running")
        expect(page.get_by_text("There are no jobs.")).to_be_hidden()
        expect(card.get_by_role("progressbar")).to_be_visible()
        going_on.set()
        expect(state(card)).to_have_text("Partly done")
    expect(card.get_by_role("status")).to_have_text("1 picture stored · 1 face · 3 rejected")
    card.get_by_text("Why 3 pictures were rejected").click()
    expect(card.locator(".source")).to_have_text([site.url(name) for name in names[1:]])
    expect(card.locator(".why").nth(0)).to_contain_text("could not be downloaded")
    expect(card.locator(".why").nth(1)).to_contain_text("cannot be read as a picture")
    shoot(page, "jobs")


def test_a_job_is_cancelled_and_taken_off_the_list(page: Page, empty: Server, site: Site) -> None:
    with held(site, "/never") as going_on:
        submit(empty, *(site.url("/never") for _ in range(30)))
        page.goto("/jobs")
        card = cards(page).first
        expect(state(card)).to_have_text("Running")
        card.get_by_role("button", name="Cancel").press("Enter")
        expect(state(card)).to_have_text("Cancelled")
        going_on.set()
    # Nothing is asked of the job any more once it is known whether it can be tried again.
    expect(card.get_by_role("button", name="Try again")).to_be_visible()
    card.get_by_role("button", name="Remove from the list").press("Enter")
    expect(page.get_by_text("There are no jobs.")).to_be_visible()
    assert requests.get(jobs(empty), timeout=60).json()["items"] == []


def test_the_newest_stands_first(page: Page, empty: Server, site: Site) -> None:
    submit(empty, site.url("/missing.jpg"))
    submit(empty, site.url("/missing.jpg"), site.url("/missing2.jpg"))
    page.goto("/jobs")
    expect(cards(page).get_by_role("heading")).to_have_text(["2 pictures", "1 picture"])


@pytest.mark.parametrize("kind", VIEWS)
def test_the_page_can_be_used_by_everybody(
    browser: Browser, empty: Server, site: Site, axe: str, kind: str
) -> None:
    submit(empty, site.url("/missing.jpg"))
    with watched_page(browser, empty.url, **VIEWS[kind]) as (page, _):
        page.goto("/jobs")
        expect(state(cards(page).first)).to_have_text("失败" if kind == "zh" else "Failed")
        expect(cards(page).first.get_by_role("status")).not_to_contain_text("0")
        page.locator(".refused summary").click()
        expect(page.locator(".why")).to_be_visible()
        assert issues(page, axe) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
