"""Registering many pictures: failures, names, repetitions, folders; leaving and coming back."""

import zipfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.actions import (
    REGISTER,
    RETRIEVE,
    card,
    choose,
    faces,
    hold,
    people,
    register,
    save_name,
)
from tests.browser.conftest import Watch
from tests.browser.pictures import saved_again, side_by_side
from tests.e2e.server import Server
from tests.support.loopback import Site
from tests.support.photographs import Photographs


def test_what_failed_comes_first_and_can_be_looked_at_alone(
    page: Page, watch: Watch, gallery: Server, photographs: Photographs, tmp_path: Path
) -> None:
    watch.allowed = {415}
    text = tmp_path / "notes.jpg"
    text.write_text("no picture")
    page.goto(REGISTER)
    choose(page, "dropzone", photographs["obama.jpg"], photographs["biden.jpg"], text)
    expect(page.locator("#summary")).to_have_text("2 pictures registered · 1 picture failed")
    titles = page.locator("#cards .card-name")
    expect(titles.first).to_have_text("notes.jpg")
    page.get_by_label("Failed").check()
    expect(titles.filter(visible=True)).to_have_text(["notes.jpg"])
    page.get_by_label("Without a name").check()
    expect(titles.filter(visible=True)).to_have_text(["obama.jpg", "biden.jpg"])
    page.get_by_label("To check").check()
    expect(page.get_by_text("No picture is of this kind.")).to_be_visible()


def test_all_names_are_saved_at_once(page: Page, gallery: Server, photographs: Photographs) -> None:
    register(gallery, photographs["biden.jpg"], name="Joe Biden")
    page.goto(REGISTER)
    choose(page, "dropzone", photographs["obama.jpg"], photographs["astronaut.png"])
    expect(page.locator("#summary")).to_have_text("2 pictures registered")
    bar = page.get_by_role("region", name="Unsaved names")
    expect(bar).to_be_hidden()
    card(page, "obama.jpg").get_by_label("Name").fill("Barack Obama")
    card(page, "astronaut.png").get_by_label("Name").fill("Eileen Collins")
    expect(bar).to_contain_text("2 names are not saved yet")
    bar.get_by_role("button", name="Save all").click()
    expect(bar).to_be_hidden()
    assert people(gallery) == {"Joe Biden": 1, "Barack Obama": 1, "Eileen Collins": 1}


def test_proposed_names_are_entered_together(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    register(gallery, photographs["obama.jpg"], name="Barack Obama")
    register(gallery, photographs["biden.jpg"], name="Joe Biden")
    page.goto(REGISTER)
    choose(page, "dropzone", photographs["obama2.jpg"], photographs["obama3.jpg"])
    page.get_by_role("button", name="Enter all proposed names").click()
    for name in ("obama2.jpg", "obama3.jpg"):
        expect(card(page, name).get_by_label("Name")).to_have_value("Barack Obama")
    page.get_by_role("button", name="Save all").click()
    expect(page.locator(".face-status")).to_have_text(["Saved", "Saved"])
    assert people(gallery)["Barack Obama"] == 3


def test_a_repeated_picture_is_told_once(
    page: Page, gallery: Server, photographs: Photographs, tmp_path: Path
) -> None:
    group = side_by_side(tmp_path / "two.jpg", photographs["obama.jpg"], photographs["biden.jpg"])
    register(gallery, group)
    page.goto(REGISTER)
    (tmp_path / "copy").mkdir()
    group = saved_again(tmp_path / "copy" / "two.jpg", group)
    choose(page, "dropzone", group)
    found = card(page, "two.jpg")
    expect(found.locator(".notice")).to_have_count(1)
    expect(found.locator(".notice")).to_contain_text("This picture is already registered.")
    choose(page, "dropzone", group)
    expect(page.locator("#summary")).to_have_text("1 picture registered · 1 repeated file left out")
    found.get_by_role("button", name="Remove this copy").click()
    expect(found).to_contain_text("0 faces left")
    assert faces(gallery) == 2


def test_what_is_no_face_is_removed_in_one_click(
    page: Page, gallery: Server, photographs: Photographs, tmp_path: Path
) -> None:
    group = side_by_side(tmp_path / "two.jpg", photographs["obama.jpg"], photographs["biden.jpg"])
    page.goto(REGISTER)
    choose(page, "dropzone", group)
    found = card(page, "two.jpg")
    expect(found.locator(".face")).to_have_count(2)
    found.get_by_role("button", name="Remove Face 1").click()
    expect(found).to_contain_text("Face 1 removed. 1 face left")
    expect(found.locator(".enlarge svg rect")).to_have_count(1)
    expect(found.get_by_label("Name")).to_be_focused()
    assert faces(gallery) == 1


def test_a_picture_is_seen_while_it_is_sent(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    page.goto(REGISTER)
    page.route("**/v1/collections/default/faces", hold)
    choose(page, "dropzone", photographs["obama.jpg"])
    picture = card(page, "obama.jpg").locator(".card-preview img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    expect(card(page, "obama.jpg").get_by_role("progressbar")).to_be_visible()


def test_leaving_is_warned_of_while_pictures_are_sent(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    page.goto(REGISTER)
    page.route("**/v1/collections/default/faces", hold)
    choose(page, "dropzone", photographs["obama.jpg"])
    expect(card(page, "obama.jpg").get_by_role("progressbar")).to_be_visible()
    with page.expect_event("dialog") as warned:
        page.evaluate("setTimeout(() => location.assign('/people'))")
    assert warned.value.type == "beforeunload"
    warned.value.dismiss()
    page.get_by_role("button", name="Cancel all").click()
    expect(card(page, "obama.jpg")).to_contain_text("Cancelled")
    page.goto("/people")  # and without a question
    expect(page.get_by_role("heading", level=1)).to_have_text("People")


def test_back_finds_everything_as_it_was(
    page: Page, watch: Watch, gallery: Server, photographs: Photographs, tmp_path: Path
) -> None:
    watch.allowed = {415}
    text = tmp_path / "notes.jpg"
    text.write_text("no picture")
    page.goto(REGISTER)
    choose(page, "dropzone", photographs["obama.jpg"], photographs["biden.jpg"], text)
    expect(page.locator("#summary")).to_have_text("2 pictures registered · 1 picture failed")
    save_name(card(page, "obama.jpg"), "Barack Obama")
    page.on("dialog", lambda dialog: dialog.accept())
    card(page, "biden.jpg").get_by_label("Name").fill("Joe Bid")
    page.goto(RETRIEVE)
    page.go_back()
    expect(card(page, "notes.jpg")).to_contain_text("cannot be read as a picture")
    expect(card(page, "obama.jpg").get_by_label("Name")).to_have_value("Barack Obama")
    expect(card(page, "obama.jpg").locator(".enlarge rect")).to_have_count(1)
    expect(card(page, "biden.jpg").get_by_label("Name")).to_have_value("Joe Bid")
    expect(page.get_by_role("region", name="Unsaved names")).to_be_visible()
    assert faces(gallery) == 2
    page.goto(REGISTER)
    expect(page.locator("#results")).to_be_hidden()


def test_a_job_that_failed_is_tried_again_with_its_addresses(
    page: Page, gallery: Server, site: Site
) -> None:
    page.goto(REGISTER)
    page.get_by_text("From the web").click()
    field = page.get_by_label("Picture URLs")
    field.fill(site.url("/nothing.jpg"))
    page.get_by_role("button", name="Register").click()
    job = page.locator(".job-group")
    expect(job).to_contain_text("1 picture failed, none registered")
    expect(job).to_have_attribute("data-state", "failed")
    job.get_by_role("button", name="Try again").click()
    expect(field).to_be_focused()
    expect(field).to_have_value(site.url("/nothing.jpg"))
    page.goto("/jobs")
    page.get_by_role("button", name="Try again").first.click()
    page.wait_for_url(f"**{REGISTER}")
    expect(field).to_have_value(site.url("/nothing.jpg"))


def test_a_zip_becomes_a_job(
    page: Page, gallery: Server, photographs: Photographs, tmp_path: Path
) -> None:
    archive = tmp_path / "people.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.write(photographs["obama.jpg"], "people/Barack Obama/a.jpg")
        zipped.write(photographs["biden.jpg"], "people/Joe Biden/b.jpg")
    page.goto(REGISTER)
    choose(page, "dropzone", archive)
    expect(page.locator(".job-group")).to_contain_text("2 pictures registered")
    assert people(gallery) == {"Barack Obama": 1, "Joe Biden": 1}


def test_folders_name_the_people_in_them(
    page: Page, gallery: Server, photographs: Photographs, tmp_path: Path
) -> None:
    for name, photograph in (("Barack Obama", "obama.jpg"), ("Joe Biden", "biden.jpg")):
        folder = tmp_path / "people" / name
        folder.mkdir(parents=True)
        (folder / photograph).write_bytes(photographs[photograph].read_bytes())
    (tmp_path / "people" / "notes.txt").write_text("no picture, and no failure")
    (tmp_path / "people" / ".hidden.jpg").write_text("a system's")
    page.goto(REGISTER)
    page.get_by_label("Folders are named after the people").check()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(tmp_path / "people")
    expect(page.locator("#summary")).to_have_text("2 pictures registered")
    expect(card(page, "obama.jpg").get_by_label("Name")).to_have_value("Barack Obama")
    assert people(gallery) == {"Barack Obama": 1, "Joe Biden": 1}


def test_a_folder_is_dropped(page: Page, gallery: Server, photographs: Photographs) -> None:
    page.goto(REGISTER)
    page.get_by_label("Folders are named after the people").check()
    page.evaluate(
        """(bytes) => {
            const file = (name) => ({ isFile: true, name,
                file: (tell) => tell(new File([new Uint8Array(bytes)], name)) });
            const folder = (name, ...children) => {
                const told = [children, []];
                return { isDirectory: true, name,
                    createReader: () => ({ readEntries: (tell) => tell(told.shift()) }) };
            };
            const root = folder("people",
                folder("Joe Biden", file("biden.jpg"), file("notes.txt"), file("._biden.jpg")),
                folder("__MACOSX", file("biden.jpg")));
            DataTransferItem.prototype.webkitGetAsEntry = () => root;
            const dropped = new DataTransfer();
            dropped.items.add(new File([], "people"));
            const event = new DragEvent("drop", { dataTransfer: dropped, bubbles: true });
            document.querySelector("#dropzone").dispatchEvent(event);
        }""",
        list(photographs["biden.jpg"].read_bytes()),
    )
    expect(page.locator("#summary")).to_have_text("1 picture registered")
    expect(card(page, "biden.jpg").get_by_label("Name")).to_have_value("Joe Biden")
    assert people(gallery) == {"Joe Biden": 1}
