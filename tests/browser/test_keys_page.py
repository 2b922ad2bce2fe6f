"""API keys: made, shown once, revoked."""

from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, expect

from tests.browser.actions import sign_in
from tests.browser.axe import issues
from tests.browser.conftest import SCREEN, VIEWS, shoot, watched_page
from tests.e2e.server import Server

KEYS = "/status/keys"


def test_the_first_key_closes_the_server(browser: Browser, tmp_path: Path) -> None:
    with (
        Server(tmp_path, requests_per_minute="0") as server,
        watched_page(browser, server.url, **VIEWS["light"]) as (page, watch),
    ):
        page.goto(KEYS)
        expect(page.get_by_text("No key exists yet")).to_be_visible()
        expect(page.get_by_label("Scope")).to_be_disabled()
        expect(page.get_by_label("Scope")).to_have_value("admin")
        page.get_by_label("Name").fill("founder")
        expect(page.get_by_text("No API key exists")).to_be_visible()
        watch.allowed.add(401)
        page.get_by_role("button", name="Create key").click()
        token = page.get_by_role("textbox", name="The key of founder").input_value()
        assert requests.get(f"{server.url}/v1/status", timeout=60).status_code == 401
        expect(page.get_by_text("No API key exists")).to_have_count(0)
        expect(page.get_by_text("No key exists yet")).to_be_hidden()
        page.get_by_role("link", name="Sign in with it").click()
        page.get_by_label("Key").fill(token)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(f"{server.url}/status/keys")
        expect(page.get_by_role("row", name="founder")).to_contain_text("current")


def test_a_key_is_made_shown_once_and_revoked(
    browser: Browser, guarded: tuple[Server, str]
) -> None:
    server, admin = guarded
    with watched_page(browser, server.url, locale="en-GB", viewport=SCREEN) as (page, watch):
        sign_in(page, admin, KEYS)
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
        sign_in(page, admin, KEYS)
        page.get_by_role("button", name="Revoke the key of admin").click()
        question = page.get_by_role("dialog", name="Revoke the key of admin?")
        expect(question).to_contain_text("You are signed in with this key")
        expect(question).to_contain_text("It is the last administrator key")
        watch.allowed.add(401)
        question.get_by_role("button", name="Revoke").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


@pytest.mark.parametrize("kind", VIEWS)
def test_the_page_can_be_used_by_everybody(
    browser: Browser, guarded: tuple[Server, str], axe: str, kind: str
) -> None:
    server, admin = guarded
    with watched_page(browser, server.url, **VIEWS[kind]) as (page, _):
        page.goto(f"/signIn?next={KEYS}")
        page.locator("#key").fill(admin)
        page.locator("#key").press("Enter")
        expect(page.locator("#key-list tr")).to_have_count(1)
        assert issues(page, axe) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if kind == "light":
            shoot(page, "keys")
