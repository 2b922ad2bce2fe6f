"""Finding a face again."""

from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from faceserver.access.keys import KeyStore
from tests.browser.actions import (
    REGISTER,
    RETRIEVE,
    card,
    choose,
    faces,
    people,
    register,
    texts,
)
from tests.browser.conftest import PHONE, SCREEN, Watch, shoot, watched_page
from tests.browser.pictures import side_by_side
from tests.e2e.server import Server
from tests.support.photographs import Photographs


def headings(page: Page) -> list[str]:
    return list(texts(page.locator("#groups h3")))


def set_threshold(page: Page, value: str) -> None:
    page.get_by_role("slider", name="Maximum distance").fill(value)


def show_slider(page: Page) -> None:
    page.get_by_text("How close is close enough?").click()


def test_matches_come_by_person_nearest_first(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    register(gallery, photographs["biden.jpg"], name="Joe Biden")
    register(gallery, photographs["obama.jpg"], photographs["obama3.jpg"], name="Barack Obama")
    page.goto(RETRIEVE)
    choose(page, "dropzone", photographs["obama2.jpg"])
    answer = page.locator("#answer-title")
    expect(answer).to_contain_text("Barack Obama, 9")
    expect(page.locator("#probe .name-tag")).to_contain_text("Barack Obama 9")
    expect(page.locator("#summary")).to_have_text("1 person · 2 faces")
    assert headings(page) == ["Barack Obama"]
    expect(page.get_by_role("slider", name="Maximum distance")).to_be_hidden()
    show_slider(page)
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
    expect(whole.locator(".name-tag")).to_have_text("Barack Obama")
    expect(whole).to_contain_text("1 of 2")
    first = whole.locator("img").get_attribute("src")
    page.keyboard.press("ArrowRight")
    expect(whole).to_contain_text("2 of 2")
    expect(whole.locator("img")).not_to_have_attribute("src", first or "")
    expect(whole.get_by_role("button", name="Next picture")).to_be_disabled()
    whole.get_by_role("button", name="Previous picture").click()
    expect(whole.locator("img")).to_have_attribute("src", first or "")
    page.keyboard.press("Escape")
    answer.get_by_role("link", name="Barack Obama").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Barack Obama")
    page.go_back()
    expect(answer).to_contain_text("Barack Obama, 9")


def test_the_slider_filters_at_once_and_asks_nobody(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    register(gallery, photographs["biden.jpg"], name="Joe Biden")
    register(gallery, photographs["obama.jpg"], name="Barack Obama")
    page.goto(RETRIEVE)
    choose(page, "dropzone", photographs["obama2.jpg"])
    expect(page.locator("#groups h3")).to_have_text(["Barack Obama"])
    show_slider(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    set_threshold(page, "1.7")
    expect(page.locator("#groups h3")).to_have_text(["Barack Obama", "Joe Biden"])
    expect(page.locator("#threshold-meaning")).to_contain_text("more than 27% of 283,155")
    set_threshold(page, "0.3")
    expect(page.locator("#groups h3")).to_have_count(0)
    expect(page.locator("#threshold-meaning")).to_contain_text("at most 0.0007% of 283,155")
    expect(page.locator("#answer-title")).to_have_text("Unknown")
    expect(page.get_by_text("Raise the maximum distance")).to_be_visible()
    page.get_by_role("button", name="Reset to the model’s threshold").click()
    expect(page.locator("#groups h3")).to_have_text(["Barack Obama"])
    expect(page.get_by_role("slider", name="Maximum distance")).to_be_focused()
    assert [url for url in asked if "/v1/" in url and "/thumbnail" not in url] == []


def test_each_face_of_a_picture_can_be_chosen_with_the_keyboard(
    page: Page, gallery: Server, photographs: Photographs, tmp_path: Path
) -> None:
    register(gallery, photographs["biden.jpg"], name="Joe Biden")
    register(gallery, photographs["obama.jpg"], name="Barack Obama")
    group = side_by_side(tmp_path / "two.jpg", photographs["obama2.jpg"], photographs["biden.jpg"])
    page.goto(RETRIEVE)
    choose(page, "dropzone", group)
    expect(page.locator("#answer-title")).to_have_text("Barack Obama and Joe Biden")
    expect(page.locator("#probe .name-tag")).to_have_text(["Barack Obama", "Joe Biden"])
    expect(page.locator("#everybody > li")).to_have_count(2)
    choices = page.get_by_role("radiogroup", name="Face to search for").get_by_role("radio")
    expect(choices).to_have_count(2)
    expect(choices.first).to_be_checked()
    expect(page.locator("#groups h3")).to_have_text(["Barack Obama"])
    choices.first.press("ArrowRight")
    expect(choices.nth(1)).to_be_focused()
    expect(page.locator("#groups h3")).to_have_text(["Joe Biden"])
    page.get_by_role("button", name="Show the matches of Face 1").click()
    expect(page.locator("#groups h3")).to_have_text(["Barack Obama"])
    shoot(page, "retrieve-group")


def test_who_is_not_found_can_be_registered(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    page.goto(RETRIEVE)
    choose(page, "dropzone", photographs["astronaut.png"])
    expect(page.locator("#summary")).to_have_text("No face closer than 0.85")
    page.get_by_role("button", name="Register the whole picture").click()
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
    expect(page.locator("#threshold")).to_have_value("0.85")
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
            show_slider(page)
            set_threshold(page, "0.7")
            page.get_by_role("button", name="Copy the link").click()
            expect(page.locator("#copied")).to_have_text("Copied.")
            link = page.url
            assert link.endswith(f"?face={probe}&threshold=0.70")

            watch.allowed = {404, 503}
            server.__exit__(None, None, None)
            with Server(tmp_path, port=str(port)):
                page.goto(link)
                expect(page.locator("#threshold")).to_have_value("0.7")
                expect(page.locator("#groups h3")).to_have_text(["Barack Obama"])
                expect(page.locator("#probe rect")).to_have_count(1)


def test_without_anybody_the_page_leads_to_registering(page: Page, gallery: Server) -> None:
    page.goto(RETRIEVE)
    expect(page.get_by_role("heading", name="Nobody is registered yet")).to_be_visible()
    expect(page.get_by_role("slider", name="Maximum distance")).to_be_hidden()
    page.get_by_role("link", name="Register pictures").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Register faces")


def test_each_face_is_named_or_registered_in_place(
    page: Page, gallery: Server, photographs: Photographs, tmp_path: Path
) -> None:
    register(gallery, photographs["obama.jpg"])  # without a name
    names = ("obama2.jpg", "biden.jpg", "astronaut.png")
    group = side_by_side(tmp_path / "three.jpg", *(photographs[name] for name in names))
    page.goto(RETRIEVE)
    choose(page, "dropzone", group)
    expect(page.locator("#answer-title")).to_have_text("Nobody known in 3 faces")
    rows = page.locator("#everybody > li")
    unnamed = rows.filter(has_text="Registered, but without a name")
    unnamed.get_by_role("combobox").fill("Barack Obama")
    unnamed.get_by_role("button", name="Name this face").click()
    expect(page.locator("#answer-title")).to_have_text("Barack Obama and 2 faces without a name")
    assert people(gallery) == {"Barack Obama": 1}

    stranger = rows.filter(has_text="Unknown").first
    stranger.get_by_role("combobox").fill("Somebody")
    stranger.get_by_role("combobox").press("Enter")
    expect(page.get_by_text("Registered as Somebody")).to_be_visible()
    expect(page.locator("#probe .name-tag", has_text="Somebody")).to_have_count(1)
    assert people(gallery) == {"Barack Obama": 1, "Somebody": 1}

    page.get_by_role("button", name="Add this face to Barack Obama").click()
    expect(page.get_by_text("Registered as Barack Obama")).to_be_visible()
    assert people(gallery) == {"Barack Obama": 2, "Somebody": 1}
    assert faces(gallery) == 3


def test_boxes_end_at_the_edge_of_the_picture(
    page: Page, gallery: Server, photographs: Photographs, tmp_path: Path
) -> None:
    half = tmp_path / "half.jpg"
    with Image.open(photographs["obama.jpg"]) as picture:
        picture.crop((380, 100, 598, 410)).save(half, quality=95)
    register(gallery, half)
    page.goto(RETRIEVE)
    choose(page, "dropzone", half)
    expect(page.locator("#probe rect")).to_have_count(1)
    outside = page.evaluate(
        """() => {
            const picture = document.querySelector("#probe img").getBoundingClientRect();
            const box = document.querySelector("#probe rect").getBoundingClientRect();
            const tag = document.querySelector("#probe .name-tag").getBoundingClientRect();
            const beyond = ({ left, top, right, bottom }) => Math.max(picture.left - left,
                picture.top - top, right - picture.right, bottom - picture.bottom);
            return Math.max(beyond(box), beyond(tag));
        }"""
    )
    assert outside <= 3, "half of a line's width is drawn beyond"


def test_on_a_phone_the_page_goes_to_the_answer(
    browser: Browser, gallery: Server, photographs: Photographs
) -> None:
    register(gallery, photographs["obama.jpg"], name="Barack Obama")
    options = {"locale": "en-GB", "viewport": PHONE, "reduced_motion": "reduce"}
    with watched_page(browser, gallery.url, **options) as (page, _):
        page.goto(RETRIEVE)
        choose(page, "dropzone", photographs["obama2.jpg"])
        expect(page.locator("#answer-title")).to_contain_text("Barack Obama, 9")
        expect(page.locator("#answer-title")).to_be_in_viewport()


def test_who_may_only_look_is_offered_nothing_else(
    browser: Browser, tmp_path: Path, photographs: Photographs
) -> None:
    with Server(tmp_path, requests_per_minute="0") as server:
        register(server, photographs["obama.jpg"], name="Barack Obama")
        KeyStore(tmp_path).create("admin", "admin")
        reader = KeyStore(tmp_path).create("reader", "read")[1]
        with watched_page(browser, server.url, locale="en-GB", viewport=SCREEN) as (page, _):
            page.goto("/signIn")
            page.get_by_label("Key").fill(reader)
            page.keyboard.press("Enter")
            expect(page.get_by_role("heading", level=1)).to_have_text("Retrieve a face")
            choose(page, "dropzone", photographs["obama2.jpg"])
            expect(page.locator("#answer-title")).to_contain_text("Barack Obama, 9")
            expect(page.get_by_role("button", name="Add this face")).to_have_count(0)
            page.goto(REGISTER)
            expect(page.get_by_role("heading", name="Your key can view")).to_be_visible()
            expect(page.locator("input[type=file]")).to_have_count(0)
            page.get_by_role("link", name="find out who is in a picture").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Retrieve a face")
