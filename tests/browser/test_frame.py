"""The bar: appearance, language, signing in; and a visit without a mouse."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.actions import REGISTER, RETRIEVE, card, choose
from tests.browser.axe import issues
from tests.browser.conftest import PHONE, SCREEN, Watch, shoot, watched_page
from tests.e2e.server import Server
from tests.support.photographs import Photographs


def preferences(page: Page) -> None:
    page.get_by_role("button", name="Appearance and language").click()


def test_the_appearance_is_chosen_and_kept(page: Page) -> None:
    page.goto(REGISTER)
    root = page.locator("html")
    expect(root).to_have_attribute("data-bs-theme", "light")
    preferences(page)
    page.get_by_label("Dark").check()
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.goto(RETRIEVE)
    expect(root).to_have_attribute("data-bs-theme", "dark")
    preferences(page)
    page.get_by_label("System").check()
    expect(root).to_have_attribute("data-bs-theme", "light")
    page.emulate_media(color_scheme="dark")
    expect(root).to_have_attribute("data-bs-theme", "dark")


def test_the_language_is_chosen_and_kept(page: Page, gallery: Server) -> None:
    page.goto(f"{REGISTER}?a=b")
    preferences(page)
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("登记人脸")
    expect(page.locator("#health-text")).to_have_text("0 张人脸")
    assert page.url.endswith(f"{REGISTER}?a=b")
    page.goto(RETRIEVE)
    expect(page.get_by_role("heading", level=1)).to_have_text("检索人脸")
    page.get_by_role("button", name="外观与语言").click()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Retrieve a face")


def test_a_phone_has_a_menu(browser: Browser, server: Server) -> None:
    with watched_page(browser, server.url, locale="en-GB", viewport=PHONE) as (page, _):
        page.goto(REGISTER)
        link = page.get_by_role("link", name="Retrieve")
        expect(link).to_be_hidden()
        page.get_by_role("button", name="Menu").click()
        link.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Retrieve a face")


def test_a_visit_without_a_mouse(page: Page, gallery: Server, photographs: Photographs) -> None:
    page.on("filechooser", lambda chooser: chooser.set_files(photographs["obama.jpg"]))
    page.goto(REGISTER)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("Name of the person"))
    page.keyboard.type("Barack Obama")
    tab_to(page, page.locator("#dropzone .dropzone-label input"))
    page.keyboard.press("Enter")
    expect(card(page, "obama.jpg").get_by_text("1 face registered")).to_be_visible()
    tab_to(page, page.get_by_role("button", name="Details of Face 1"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("link", name="Find this face in other pictures"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/faceRetrieve.html?face=*")
    tab_to(page, page.locator("#threshold-panel summary"))
    page.keyboard.press("Enter")
    slider = page.get_by_role("slider", name="Maximum distance")
    expect(slider).to_be_enabled()
    tab_to(page, slider)
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", "0.84")


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{target} is out of the keyboard's reach")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A server that asks for a key, and a key that may write."""
    data = tmp_path_factory.mktemp("guarded")
    command = [sys.executable, "-m", "faceserver", "keys", "create", "--name", "desk"]
    with Server(data) as server:
        made = subprocess.run(
            [*command, "--scope", "write"],
            env={"FACESERVER_DATA_DIR": str(data), "PATH": ""},
            cwd=Path(__file__).resolve().parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        yield server, made.stdout.split()[-1]


@pytest.fixture
def signed_out(browser: Browser, guarded: tuple[Server, str]) -> Iterator[tuple[Page, Watch, str]]:
    server, key = guarded
    with watched_page(browser, server.url, locale="en-GB", viewport=SCREEN) as (page, watch):
        yield page, watch, key


def test_signing_in_leads_back_and_out_again(
    signed_out: tuple[Page, Watch, str], photographs: Photographs, axe: str
) -> None:
    page, watch, key = signed_out
    watch.allowed = {401, 404}
    page.goto(f"{RETRIEVE}?face=0123")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert issues(page, axe) == []
    shoot(page, "sign-in")
    page.get_by_label("Key").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="not valid")).to_be_visible()
    page.get_by_label("Key").fill(key)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{RETRIEVE}?face=0123")

    page.goto(REGISTER)
    choose(page, "dropzone", photographs["obama.jpg"])
    expect(card(page, "obama.jpg").get_by_text("1 face registered")).to_be_visible()

    preferences(page)
    expect(page.get_by_text("Signed in as desk")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_who_was_signed_out_meanwhile_is_told(
    signed_out: tuple[Page, Watch, str], photographs: Photographs
) -> None:
    page, watch, key = signed_out
    watch.allowed = {401}
    page.goto(REGISTER)
    page.get_by_label("Key").fill(key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Register faces")
    page.wait_for_load_state("load")
    page.context.clear_cookies()
    choose(page, "dropzone", photographs["obama.jpg"])
    expect(card(page, "obama.jpg")).to_contain_text("You are signed out. Reload the page")
