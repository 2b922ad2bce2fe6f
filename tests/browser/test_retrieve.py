"""Finding a face again."""

from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.actions import REGISTER, RETRIEVE, card, choose, register, texts
from tests.browser.conftest import SCREEN, Watch, shoot, watched_page
from tests.browser.pictures import side_by_side
from tests.e2e.server import Server
from tests.support.photographs import Photographs


def headings(page: Page) -> list[str]:
    return list(texts(page.locator("#groups h3")))


def set_threshold(page: Page, value: str) -> None:
    page.get_by_role("slider", name="Maximum distance").fill(value)


def test_matches_come_by_person_nearest_first(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    register(gallery, photographs["biden.jpg"], name="Joe Biden")
    register(gallery, photographs["obama.jpg"], photographs["obama3.jpg"], name="Barack Obama")
    page.goto(RETRIEVE)
    choose(page, "dropzone", photographs["obama2.jpg"])
    expect(page.locator("#summary")).to_have_text("1 person · 2 faces")
    assert headings(page) == ["Barack Obama"]
    expect(page.locator("#threshold-meaning")).to_contain_text("False match rate: at most 3.1%")
    matches = page.locator(".match")
    expect(matches).to_have_count(2)
    distances = [float(text) for text in texts(matches.locator(".match-small"))]
    assert distances == sorted(distances)
    shoot(page, "retrieve")

    matches.first.press("Enter")
    whole = page.get_by_role("dialog", name="Barack Obama")
    expect(whole.locator("rect")).to_have_count(1)
    expect(whole.locator("img")).to_have_js_property("complete", True)
    expect(whole).to_contain_text("similarity 9")


def test_the_slider_filters_at_once_and_asks_nobody(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    register(gallery, photographs["biden.jpg"], name="Joe Biden")
    register(gallery, photographs["obama.jpg"], name="Barack Obama")
    page.goto(RETRIEVE)
    choose(page, "dropzone", photographs["obama2.jpg"])
    expect(page.locator("#groups h3")).to_have_text(["Barack Obama"])
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    set_threshold(page, "1.7")
    expect(page.locator("#groups h3")).to_have_text(["Barack Obama", "Joe Biden"])
    expect(page.locator("#threshold-meaning")).to_contain_text("more than 27% of 263,405")
    set_threshold(page, "0.3")
    expect(page.locator("#groups h3")).to_have_count(0)
    expect(page.locator("#threshold-meaning")).to_contain_text("at most 0.0008% of 263,405")
    expect(page.get_by_text("No registered face is this close")).to_be_visible()
    page.get_by_role("button", name="Reset to the model’s threshold").click()
    expect(page.locator("#groups h3")).to_have_text(["Barack Obama"])
    expect(page.get_by_role("slider", name="Maximum distance")).to_be_focused()
    assert [url for url in asked if "/v1/" in url and "/crop" not in url] == []


def test_each_face_of_a_picture_can_be_chosen_with_the_keyboard(
    page: Page, gallery: Server, photographs: Photographs, tmp_path: Path
) -> None:
    register(gallery, photographs["biden.jpg"], name="Joe Biden")
    register(gallery, photographs["obama.jpg"], name="Barack Obama")
    group = side_by_side(tmp_path / "two.jpg", photographs["obama2.jpg"], photographs["biden.jpg"])
    page.goto(RETRIEVE)
    choose(page, "dropzone", group)
    expect(page.locator("#probe-hint")).to_contain_text("2 faces found. Choose the one")
    choices = page.get_by_role("radiogroup", name="Face to search for").get_by_role("radio")
    expect(choices).to_have_count(2)
    expect(choices.first).to_be_checked()
    expect(page.locator("#groups h3")).to_have_text(["Barack Obama"])
    choices.first.press("ArrowRight")
    expect(choices.nth(1)).to_be_focused()
    expect(page.locator("#groups h3")).to_have_text(["Joe Biden"])
    choices.first.click()
    expect(page.locator("#groups h3")).to_have_text(["Barack Obama"])
    shoot(page, "retrieve-group")


def test_who_is_not_found_can_be_registered(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    page.goto(RETRIEVE)
    choose(page, "dropzone", photographs["astronaut.png"])
    expect(page.locator("#summary")).to_have_text("No face closer than 0.85")
    page.get_by_role("button", name="Register this picture").click()
    page.wait_for_url(f"**{REGISTER}")
    expect(card(page, "astronaut.png").get_by_text("1 face registered")).to_be_visible()
    page.reload()
    expect(page.locator("#health-text")).to_have_text("1 face")


def test_what_cannot_be_used_gets_a_sentence(
    page: Page, watch: Watch, gallery: Server, photographs: Photographs, tmp_path: Path
) -> None:
    watch.allowed = {404, 415, 422}
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(photographs["obama.jpg"].read_bytes()[:20_000])
    empty = tmp_path / "empty.jpg"
    empty.touch()
    page.goto(RETRIEVE)
    problem = page.get_by_role("alert").filter(has_text="The file")
    choose(page, "dropzone", damaged)
    expect(problem).to_contain_text("damaged or incomplete. Save it again")
    choose(page, "dropzone", empty)
    expect(problem).to_contain_text("is empty. Choose another one")
    page.goto(f"{RETRIEVE}?face=nonsense&threshold=wide")
    expect(page.locator("#problem")).to_have_text("This does not exist, or no longer does.")
    expect(page.get_by_role("slider", name="Maximum distance")).to_have_value("0.85")
    page.goto(f"{RETRIEVE}?face={'0' * 32}")
    expect(page.locator("#problem")).to_have_text("This does not exist, or no longer does.")


def test_a_search_has_a_link_that_outlives_the_server(
    browser: Browser, tmp_path: Path, photographs: Photographs
) -> None:
    with Server(tmp_path) as server:
        port = int(server.url.rsplit(":", 1)[1])
        register(server, photographs["obama.jpg"], name="Barack Obama")
        (probe,) = register(server, photographs["obama2.jpg"])
        with watched_page(browser, server.url, locale="en-GB", viewport=SCREEN) as (page, watch):
            page.goto(REGISTER)
            page.goto(f"{RETRIEVE}?face={probe}")
            expect(page.locator("#groups h3")).to_have_text(["Barack Obama"])
            set_threshold(page, "0.7")
            page.get_by_role("button", name="Copy the link").click()
            expect(page.locator("#copied")).to_have_text("Copied.")
            link = page.url
            assert link.endswith(f"?face={probe}&threshold=0.70")

            watch.allowed = {404, 503}
            server.__exit__(None, None, None)
            with Server(tmp_path, port=str(port)):
                page.goto(link)
                expect(page.get_by_role("slider", name="Maximum distance")).to_have_value("0.7")
                expect(page.locator("#groups h3")).to_have_text(["Barack Obama"])
                expect(page.locator("#probe rect")).to_have_count(1)
