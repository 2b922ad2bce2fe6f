"""Registering faces, as people do it."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.actions import (
    REGISTER,
    card,
    choose,
    faces,
    hold,
    people,
    register,
    save_name,
)
from tests.browser.conftest import Watch, shoot
from tests.browser.pictures import saved_again, side_by_side
from tests.e2e.server import Server
from tests.support.loopback import Site
from tests.support.photographs import Photographs


def test_many_files_and_a_name_for_each_face(
    page: Page, watch: Watch, gallery: Server, photographs: Photographs, tmp_path: Path
) -> None:
    watch.allowed = {415}
    text = tmp_path / "notes.jpg"
    text.write_text("no picture")
    page.goto(REGISTER)
    names = ["obama.jpg", "biden.jpg", "astronaut.png"]
    choose(page, "dropzone", *(photographs[name] for name in names), text)
    expect(page.locator("#summary")).to_have_text("3 pictures registered · 1 picture failed")
    expect(card(page, "notes.jpg")).to_contain_text("cannot be read as a picture")
    for name in names:
        found = card(page, name)
        expect(found.get_by_text("1 face registered")).to_be_visible()
        expect(found.locator(".enlarge svg rect")).to_have_count(1)
    details = card(page, "biden.jpg").get_by_role("button", name="Details of Face 1")
    details.press("Enter")
    expect(details).to_have_attribute("aria-expanded", "true")
    expect(card(page, "biden.jpg").get_by_text("Detector score")).to_be_visible()
    details.press("Enter")
    save_name(card(page, "obama.jpg"), "Barack Obama")
    save_name(card(page, "biden.jpg"), "Joe Biden")
    assert people(gallery) == {"Barack Obama": 1, "Joe Biden": 1}
    expect(page.locator("#health-text")).to_have_text("3 faces")
    shoot(page, "register")


def test_the_picture_is_enlarged_and_closed_with_the_keyboard(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    page.goto(REGISTER)
    choose(page, "dropzone", photographs["obama.jpg"])
    expect(card(page, "obama.jpg").get_by_text("1 face registered")).to_be_visible()
    enlarge = card(page, "obama.jpg").get_by_role("button", name="Enlarge obama.jpg")
    enlarge.press("Enter")
    dialog = page.get_by_role("dialog", name="obama.jpg")
    expect(dialog.locator("rect")).to_have_count(1)
    points = dialog.locator("circle")
    expect(points).to_have_count(5)
    expect(points.first).to_be_hidden()
    dialog.get_by_text("Landmarks").click()
    expect(points.first).to_be_visible()
    expect(dialog.get_by_text("right corner of the mouth")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(enlarge).to_be_focused()


def test_a_name_and_tags_for_all(page: Page, gallery: Server, photographs: Photographs) -> None:
    page.goto(REGISTER)
    page.get_by_label("Name of the person").fill("Barack Obama")
    page.get_by_role("textbox", name="Tags").fill("president, 2009")
    choose(page, "dropzone", photographs["obama.jpg"], photographs["obama2.jpg"])
    expect(page.locator("#summary")).to_have_text("2 pictures registered")
    assert people(gallery) == {"Barack Obama": 2}
    expect(card(page, "obama2.jpg").get_by_label("Name")).to_have_value("Barack Obama")
    card(page, "obama2.jpg").get_by_role("button", name="Details of Face 1").click()
    expect(card(page, "obama2.jpg").get_by_label("Tags")).to_have_value("2009, president")


def test_one_name_is_not_given_to_several_faces(
    page: Page, gallery: Server, photographs: Photographs, tmp_path: Path
) -> None:
    group = side_by_side(tmp_path / "two.jpg", photographs["obama.jpg"], photographs["biden.jpg"])
    page.goto(REGISTER)
    page.get_by_label("Name of the person").fill("Barack Obama")
    choose(page, "dropzone", group)
    expect(card(page, "two.jpg")).to_contain_text("none was named Barack Obama")
    expect(card(page, "two.jpg").locator(".name-tag")).to_have_text(["1", "2"])
    assert people(gallery) == {}

    page.get_by_label("Only the largest face").check()
    choose(page, "dropzone", photographs["obama.jpg"])
    expect(card(page, "obama.jpg").get_by_text("1 face registered")).to_be_visible()
    assert people(gallery) == {"Barack Obama": 1}


def test_somebody_of_another_name_is_warned_of(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    register(gallery, photographs["obama.jpg"], name="Barack Obama")
    page.goto(REGISTER)
    choose(page, "dropzone", photographs["obama2.jpg"])
    found = card(page, "obama2.jpg")
    expect(found.get_by_role("button", name="It is Barack Obama")).to_contain_text("9")
    save_name(found, "Somebody Else")
    expect(found.locator(".notice")).to_contain_text("a different person: Barack Obama")
    found.get_by_role("button", name="It is Barack Obama").click()
    expect(found.locator(".notice")).to_have_count(0)
    assert people(gallery)["Barack Obama"] == 2


def test_the_very_same_picture_is_known(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    register(gallery, photographs["obama.jpg"], name="Barack Obama")
    page.goto(REGISTER)
    choose(page, "dropzone", photographs["obama.jpg"])
    found = card(page, "obama.jpg")
    expect(found.locator(".state")).to_have_text("Already registered")
    expect(found.locator(".notice")).to_have_text(
        "This face is already registered as Barack Obama."
    )
    expect(found.get_by_label("Name")).to_have_value("Barack Obama")
    assert faces(gallery) == 1


def test_a_face_that_is_in_already_can_be_removed(
    page: Page, gallery: Server, photographs: Photographs, tmp_path: Path
) -> None:
    register(gallery, photographs["obama.jpg"], name="Barack Obama")
    page.goto(REGISTER)
    choose(page, "dropzone", saved_again(tmp_path / "obama.jpg", photographs["obama.jpg"]))
    found = card(page, "obama.jpg")
    expect(found.locator(".notice")).to_contain_text("already registered as Barack Obama")
    found.get_by_role("button", name="Remove this copy").click()
    expect(found).to_contain_text("Face 1 removed.")
    assert faces(gallery) == 1


def test_uploads_are_cancelled_and_tried_again(
    page: Page, watch: Watch, gallery: Server, photographs: Photographs
) -> None:
    watch.allowed = {503}
    address = "**/v1/collections/default/faces"
    page.goto(REGISTER)
    page.route(address, hold)
    names = ["obama.jpg", "biden.jpg", "obama2.jpg"]
    choose(page, "dropzone", *(photographs[name] for name in names))
    expect(card(page, "obama2.jpg")).to_contain_text("Waiting")
    page.get_by_role("button", name="Cancel obama.jpg").click()
    expect(card(page, "obama.jpg")).to_contain_text("Cancelled")
    page.get_by_role("button", name="Cancel all").click()
    expect(page.locator("#summary")).to_have_text("3 pictures failed")

    page.unroute(address)
    page.route(address, lambda route: route.fulfill(status=503, json={"code": "shutting_down"}))
    page.get_by_role("button", name="Retry biden.jpg").click()
    expect(card(page, "biden.jpg")).to_contain_text("The server is stopping. Try again soon.")

    page.unroute(address)
    page.get_by_role("button", name="Retry all failed").click()
    expect(page.locator("#summary")).to_have_text("3 pictures registered")
    assert faces(gallery) == 3


def test_urls_become_a_job(
    page: Page, gallery: Server, site: Site, photographs: Photographs
) -> None:
    page.goto(REGISTER)
    page.get_by_text("From the web").click()
    field = page.get_by_label("Picture URLs")
    field.fill("not an address")
    page.get_by_role("button", name="Register").click()
    expect(page.locator("#url-hint")).to_have_text("This is not a URL: not an address")
    expect(field).to_be_focused()

    urls = [site.url(path) for path in ("/obama.jpg", "/biden.jpg", "/nothing.jpg")]
    field.fill("\n".join([*urls, "", urls[0]]))
    expect(page.locator("#url-hint")).to_have_text("3 URLs")
    page.get_by_role("button", name="Register").click()
    job = page.locator(".job-group")
    expect(job).to_contain_text("2 registered, 1 failed")
    expect(card(page, urls[0]).locator(".enlarge rect").first).to_be_visible()
    expect(card(page, urls[2])).to_contain_text("could not be downloaded")
    save_name(card(page, urls[1]), "Joe Biden")
    assert people(gallery) == {"Joe Biden": 1}
    shoot(page, "register-urls")


def test_pictures_are_pasted_and_dropped(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    page.goto(REGISTER)
    give(page, photographs["obama.jpg"], "paste", "clipboardData", "body")
    expect(card(page, "given.jpg").get_by_text("1 face registered")).to_be_visible()
    give(page, photographs["biden.jpg"], "drop", "dataTransfer", "#dropzone")
    expect(page.locator("#summary")).to_have_text("2 pictures registered")
    assert faces(gallery) == 2


def test_a_picture_is_taken_with_the_camera(page: Page, gallery: Server) -> None:
    page.goto(REGISTER)
    page.get_by_role("button", name="Use the camera").click()
    dialog = page.get_by_role("dialog", name="Take a picture")
    dialog.get_by_role("button", name="Take the picture").click()
    expect(dialog).to_be_hidden()
    expect(card(page, "camera.jpg").get_by_text("1 face registered")).to_be_visible()
    assert faces(gallery) == 1


def give(page: Page, photograph: Path, event: str, holder: str, selector: str) -> None:
    """Paste or drop a file, which needs an event with files in it."""
    arguments = [list(photograph.read_bytes()), event, holder, selector]
    page.evaluate(
        """([bytes, event, holder, selector]) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], "given.jpg", { type: "image/jpeg" }));
            const kind = holder === "clipboardData" ? ClipboardEvent : DragEvent;
            const made = new kind(event, { [holder]: files, bubbles: true, cancelable: true });
            document.querySelector(selector).dispatchEvent(made);
        }""",
        arguments,
    )
