"""One large picture over the page."""

import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.actions import RETRIEVE, choose, register
from tests.e2e.server import Server
from tests.support.photographs import Photographs


def test_the_picture_over_the_page_is_as_large_as_the_screen_needs(
    page: Page, gallery: Server, photographs: Photographs, tmp_path: Path
) -> None:
    large = tmp_path / "large.jpg"
    with Image.open(photographs["obama.jpg"]) as picture:
        picture.resize((2730, 3411)).save(large, quality=90)
    register(gallery, large, name="Barack Obama")
    page.goto(RETRIEVE)
    choose(page, "dropzone", photographs["obama2.jpg"])
    page.locator(".match").first.click()
    image = page.get_by_role("dialog").locator("img")
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate("image => image.naturalHeight") <= 1600
    share = page.evaluate(
        """() => {
            const picture = document.querySelector("#lightbox img").getBoundingClientRect();
            const box = document.querySelector("#lightbox rect").getBoundingClientRect();
            return box.height / picture.height;
        }"""
    )
    assert 0.25 < share < 0.35, "the box is drawn where the face is in the smaller copy as well"


def test_a_swipe_leads_to_the_next_picture(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    names = ("obama.jpg", "obama3.jpg")
    register(gallery, *(photographs[name] for name in names), name="Barack Obama")
    page.goto("/people")
    page.locator(".tile").click()
    page.get_by_role("button", name="Show the picture obama.jpg").click()
    dialog = page.get_by_role("dialog", name="obama.jpg")
    expect(dialog.locator(".name-tag")).to_have_text("Barack Obama")
    for kind, x in (("pointerdown", 300), ("pointerup", 100)):
        event = {"pointerType": "touch", "clientX": x, "bubbles": True}
        page.locator("#lightbox-content").dispatch_event(kind, event)
    expect(page.get_by_role("dialog", name="obama3.jpg")).to_contain_text("2 of 2")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Show the picture obama.jpg")).to_be_focused()


def test_what_was_told_of_a_face_is_shown_with_it(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    told = "age,gender,quality,pose"
    register(gallery, photographs["obama.jpg"], name="Barack Obama", attributes=told)
    words = re.compile(r"male · about \d\d years old · quality \d+%")
    page.goto("/people")
    page.locator(".tile").click()
    page.get_by_role("button", name="Show the picture obama.jpg").click()
    expect(page.locator("#lightbox-foot")).to_have_text(words)
    page.goto(RETRIEVE)
    choose(page, "dropzone", photographs["obama2.jpg"])
    page.locator(".match").first.click()
    expect(page.locator("#lightbox-foot")).to_contain_text(words)
