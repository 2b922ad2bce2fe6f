"""The first start, and the way on after registering."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.actions import REGISTER, card, choose, faces, people, register
from tests.browser.axe import issues
from tests.browser.conftest import VIEWS, shoot, watched_page
from tests.e2e.server import Server
from tests.support.photographs import Photographs

STEPS = "#first-steps"


def test_the_sample_is_tried_and_removed(page: Page, gallery: Server) -> None:
    page.goto(REGISTER)
    expect(page.locator(STEPS).get_by_role("listitem")).to_have_count(3)
    shoot(page, "first-start")
    page.get_by_role("button", name="Try the sample picture").click()
    expect(card(page, "eileen-collins.jpg").get_by_text("1 face registered")).to_be_visible()
    assert people(gallery) == {"Eileen Collins": 1}
    page.get_by_role("link", name="Search with another copy of it").click()
    expect(page.locator("#answer-title")).to_contain_text("Eileen Collins")
    page.go_back()
    page.get_by_role("button", name="Remove the sample").click()
    expect(page.get_by_role("button", name="Try the sample picture")).to_be_enabled()
    assert (faces(gallery), people(gallery)) == (0, {})


def test_the_sample_goes_and_what_else_there_is_stays(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    page.goto(REGISTER)
    page.get_by_role("button", name="Try the sample picture").click()
    expect(card(page, "eileen-collins.jpg").get_by_text("1 face registered")).to_be_visible()
    choose(page, "dropzone", photographs["obama.jpg"])
    expect(card(page, "obama.jpg").get_by_text("1 face registered")).to_be_visible()
    expect(page.locator("#steps")).to_be_hidden()
    page.get_by_role("button", name="Remove the sample").click()
    expect(page.locator(STEPS)).to_be_hidden()
    expect(card(page, "eileen-collins.jpg")).to_have_count(0)
    assert (faces(gallery), people(gallery)) == (1, {})


def test_who_has_no_name_is_one_click_away(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    page.goto(REGISTER)
    choose(page, "dropzone", photographs["obama.jpg"], photographs["obama2.jpg"])
    way = page.locator("#way-on")
    expect(way).to_have_text("2 faces, about 1 person, without a name: name them")
    way.get_by_role("link", name="name them").click()
    expect(page.get_by_role("radio", name="Unnamed")).to_be_checked()
    expect(page.locator(".likely")).to_have_count(1)


def test_with_all_named_the_way_leads_to_everybody(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    page.goto(REGISTER)
    page.get_by_label("Name of the person").fill("Barack Obama")
    choose(page, "dropzone", photographs["obama.jpg"])
    way = page.locator("#way-on")
    expect(way).to_have_text("Every face has a name. See everybody")
    way.get_by_role("link").click()
    expect(page.locator(".tile-name")).to_have_text("Barack Obama")


def test_what_was_known_is_not_told_as_registered(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    register(gallery, photographs["obama.jpg"])
    page.goto(REGISTER)
    choose(page, "dropzone", photographs["obama.jpg"])
    expect(page.locator("#summary")).to_have_text("1 picture was already registered")
    choose(page, "dropzone", photographs["biden.jpg"])
    expect(page.locator("#summary")).to_have_text(
        "1 picture registered · 1 picture was already registered"
    )


def test_a_match_leads_to_its_person(page: Page, gallery: Server, photographs: Photographs) -> None:
    pictures = photographs["obama.jpg"], photographs["obama2.jpg"]
    face, _ = register(gallery, *pictures, name="Barack Obama")
    page.goto(f"/faceRetrieve.html?face={face}")
    page.locator(".match").first.click()
    page.get_by_role("link", name="All pictures of Barack Obama").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Barack Obama")
    page.get_by_role("button", name="Show the picture obama.jpg").click()
    page.get_by_role("link", name="Search with this face").click()
    page.wait_for_url(f"**/faceRetrieve.html?face={face}")
    expect(page.locator("#answer-title")).to_contain_text("Barack Obama")


@pytest.mark.parametrize("view", VIEWS)
def test_the_first_start_looks_right_everywhere(
    browser: Browser, gallery: Server, view: str, axe: str
) -> None:
    with watched_page(browser, gallery.url, **VIEWS[view]) as (page, _):
        page.goto(REGISTER)
        expect(page.locator(STEPS)).to_be_visible()
        assert issues(page, axe) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
