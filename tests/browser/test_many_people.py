"""Looking after many people: sorted, counted, several at once, hidden, alike, with a cover."""

import re

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.browser.actions import choose, faces, people, register, texts
from tests.browser.axe import issues
from tests.browser.conftest import VIEWS, Watch, shoot, watched_page
from tests.browser.test_people import base, id_of, open_person, tag, tiles
from tests.e2e.server import Server
from tests.support.photographs import Photographs

NAMES = ("Zoë", "émile", "Ann", "Bob", "Cid")


def make_people(server: Server, *names: str) -> None:
    for name in names:
        requests.post(f"{base(server)}/subjects", json={"name": name}, timeout=60)


def state(server: Server, name: str) -> dict[str, object]:
    answer = requests.get(f"{base(server)}/subjects", params={"name": name}, timeout=60)
    found: dict[str, object] = answer.json()["items"][0]
    return found


def names(page: Page) -> list[str]:
    return list(texts(page.locator(".tile-name")))


def select(page: Page, name: str, *modifiers: str) -> None:
    page.get_by_role("checkbox", name=f"Select {name}", exact=True).click(modifiers=list(modifiers))  # type: ignore[arg-type]


@pytest.fixture
def known(gallery: Server, photographs: Photographs) -> Server:
    """A gallery with two people, three pictures."""
    register(gallery, photographs["obama.jpg"], photographs["obama2.jpg"], name="Barack Obama")
    register(gallery, photographs["biden.jpg"], name="Joe Biden")
    return gallery


@pytest.fixture
def listed(gallery: Server) -> Server:
    make_people(gallery, *NAMES)
    return gallery


def test_people_are_counted_and_sorted(
    page: Page, listed: Server, photographs: Photographs
) -> None:
    register(listed, photographs["biden.jpg"], name="Joe Biden")
    page.goto("/people")
    expect(page.locator("#count")).to_have_text("6 people")
    assert names(page) == ["Ann", "Bob", "Cid", "émile", "Joe Biden", "Zoë"]
    page.get_by_label("Sort by").select_option("Newest first")
    expect(page.locator(".tile-name").first).to_have_text("Joe Biden")
    assert names(page) == ["Joe Biden", "Cid", "Bob", "Ann", "émile", "Zoë"]
    assert page.url.endswith("/people?sort=newest")
    page.reload()
    expect(page.locator(".tile-name").nth(1)).to_have_text("Cid")
    page.get_by_label("Sort by").select_option("Most faces first")
    expect(page.locator(".tile-name").nth(1)).to_have_text("Cid")
    assert names(page)[0] == "Joe Biden"
    page.get_by_role("searchbox", name="Name").fill("EMI")
    expect(page.locator("#count")).to_have_text("1 person")
    assert names(page) == ["émile"]


def test_several_are_selected_with_shift_all_and_keys(page: Page, listed: Server) -> None:
    page.goto("/people")
    bar = page.get_by_role("region", name="Selected people")
    select(page, "Ann")
    expect(bar.get_by_role("status")).to_have_text("1 person selected")
    expect(bar.get_by_role("button", name="Merge")).to_be_disabled()
    select(page, "émile", "Shift")
    expect(bar.get_by_role("status")).to_have_text("4 people selected")
    select(page, "Bob")
    expect(bar.get_by_role("status")).to_have_text("3 people selected")
    bar.get_by_role("button", name="Select all").click()
    expect(bar.get_by_role("status")).to_have_text("5 people selected")
    bar.get_by_role("button", name="Clear selection").click()
    expect(bar).to_be_hidden()

    page.get_by_role("checkbox", name="Select Ann").focus()
    page.keyboard.press("Space")
    expect(bar.get_by_role("status")).to_have_text("1 person selected")
    page.keyboard.press("Control+a")
    expect(bar.get_by_role("status")).to_have_text("5 people selected")
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()


def test_several_are_merged_and_apart_again(page: Page, known: Server) -> None:
    make_people(known, "Ann", "Bob")
    page.goto("/people")
    for name in ("Ann", "Bob", "Barack Obama"):
        select(page, name)
    page.get_by_role("button", name="Merge").click()
    dialog = page.get_by_role("dialog", name="Merge 3 people: who stays?")
    first = dialog.get_by_role("option").first
    expect(first).to_contain_text("Barack Obama")  # who has the most faces
    expect(first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("2 people are now part of Barack Obama.")
    assert people(known) == {"Barack Obama": 2, "Joe Biden": 1}
    page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(page.locator("#toast")).to_contain_text("2 people are back.")
    expect(page.locator("#count")).to_have_text("4 people")
    assert people(known) == {"Ann": 0, "Bob": 0, "Barack Obama": 2, "Joe Biden": 1}


def test_several_get_tags_and_lose_them_again(page: Page, listed: Server) -> None:
    tag(listed, "Ann", "old")
    page.goto("/people")
    select(page, "Ann")
    select(page, "Bob")
    page.get_by_role("region", name="Selected people").get_by_role("button", name="Tag").click()
    question = page.get_by_role("dialog", name="Which tags do 2 people get?")
    question.get_by_label("Tags").fill("family, new")
    question.get_by_label("Tags").press("Enter")
    expect(page.locator("#toast")).to_contain_text("2 people tagged.")
    assert state(listed, "Ann")["tags"] == ["family", "new", "old"]
    assert state(listed, "Bob")["tags"] == ["family", "new"]
    page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(page.locator("#toast")).to_contain_text("The tags are as before.")
    assert (state(listed, "Ann")["tags"], state(listed, "Bob")["tags"]) == (["old"], [])


def test_several_are_hidden_and_shown_on_request(page: Page, listed: Server) -> None:
    page.goto("/people")
    select(page, "Ann")
    select(page, "Bob")
    page.get_by_role("button", name="Hide", exact=True).click()
    expect(page.locator("#toast")).to_contain_text("2 people hidden. Searches still find them.")
    expect(page.locator("#count")).to_have_text("3 people")
    assert names(page) == ["Cid", "émile", "Zoë"]
    page.get_by_label("Show 2 hidden people").check()
    expect(page.locator("#count")).to_have_text("5 people")
    expect(page.locator("#grid [data-hidden]")).to_have_count(2)
    page.reload()
    expect(page.locator("#count")).to_have_text("5 people")
    select(page, "Bob")
    page.get_by_role("button", name="Show again").click()
    expect(page.locator("#toast")).to_contain_text("1 person is shown again.")
    page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(page.locator("#toast")).to_contain_text("As before.")
    assert (state(listed, "Ann")["hidden"], state(listed, "Bob")["hidden"]) == (True, True)


def test_who_goes_with_several_is_named_first(page: Page, known: Server) -> None:
    make_people(known, "Ann")
    page.goto("/people")
    select(page, "Ann")
    select(page, "Barack Obama")
    page.get_by_role("region", name="Selected people").get_by_role("button", name="Delete").click()
    question = page.get_by_role("dialog", name="Delete 2 people?")
    expect(question).to_contain_text("Ann, Barack Obama")
    expect(question).to_contain_text("2 faces")
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    question.get_by_role("button", name="Delete permanently").click()
    expect(page.locator("#toast")).to_contain_text("Deleted 2 people with 2 faces.")
    assert (people(known), faces(known)) == ({"Joe Biden": 1}, 1)


def test_a_person_is_hidden_and_shown_again(page: Page, known: Server) -> None:
    open_person(page, known, "Joe Biden")
    page.get_by_role("button", name="Hide", exact=True).click()
    expect(page.locator("#toast")).to_contain_text("Joe Biden is hidden.")
    expect(page.locator("#hidden-note")).to_be_visible()
    assert state(known, "Joe Biden")["hidden"] is True
    page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(page.locator("#hidden-note")).to_be_hidden()
    assert state(known, "Joe Biden")["hidden"] is False


def test_a_cover_is_chosen(page: Page, known: Server) -> None:
    open_person(page, known, "Barack Obama")
    expect(page.locator("#best-cover")).to_be_hidden()
    automatic = state(known, "Barack Obama")["cover"]
    ids = [face["id"] for face in requests.get(f"{base(known)}/faces", timeout=60).json()["items"]]
    other = next(n for n, face in enumerate(ids[:2]) if face != automatic)
    page.locator("#grid input").nth(other).check()
    page.get_by_role("button", name="Use as cover").click()
    expect(page.locator("#toast")).to_contain_text("This face is the cover now.")
    assert state(known, "Barack Obama")["cover"] == ids[other]
    page.get_by_role("button", name="Let the server choose the cover").click()
    expect(page.locator("#toast")).to_contain_text("The server chooses the cover.")
    assert state(known, "Barack Obama")["cover"] == automatic
    page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(page.locator("#toast")).to_contain_text("As before.")
    assert state(known, "Barack Obama")["cover"] == ids[other]
    page.locator("#grid input").nth(0).check()
    page.locator("#grid input").nth(1).check()
    expect(page.get_by_role("button", name="Use as cover")).to_be_disabled()


def test_a_name_that_somebody_has_offers_the_merge(page: Page, watch: Watch, known: Server) -> None:
    open_person(page, known, "Barack Obama")
    page.get_by_role("button", name="Rename and tag").click()
    editor = page.get_by_role("dialog", name="Rename and tag")
    watch.allowed.add(409)
    editor.get_by_label("Name").fill("joe biden")
    editor.get_by_label("Name").press("Enter")
    editor.get_by_role("button", name="Merge into Joe Biden, who has this name").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Joe Biden")
    assert people(known) == {"Joe Biden": 3}


def test_the_picker_begins_with_who_looks_like_the_face(
    page: Page, known: Server, photographs: Photographs
) -> None:
    make_people(known, "Ann", "Zoë Émile")
    (face,) = register(known, photographs["obama3.jpg"])
    place = f"{base(known)}/faces/move"
    ann = id_of(known, "Ann")
    requests.post(place, json={"faces": [face], "subject": ann}, timeout=60)
    open_person(page, known, "Ann")
    page.locator("#grid input").first.check()
    page.get_by_role("button", name="Move to a person").click()
    picker = page.get_by_role("dialog", name="Who does 1 face show?")
    options = picker.get_by_role("option")
    expect(options).to_have_count(3)
    expect(options.first).to_contain_text("Barack Obama")
    field = picker.get_by_role("combobox", name="Name")
    field.fill("emile")
    expect(options.first).to_contain_text("Zoë Émile")
    field.fill("")
    expect(options).to_have_count(3)
    field.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    field.press("ArrowUp")
    field.press("Enter")
    expect(page.locator("#toast")).to_contain_text("1 face is now Barack Obama.")
    assert people(known)["Barack Obama"] == 3


def test_names_are_completed_by_the_server(
    page: Page, known: Server, photographs: Photographs
) -> None:
    make_people(known, *(f"Person {number:03}" for number in range(520)), "Åsa Öberg")
    register(known, photographs["obama3.jpg"])
    page.goto("/people?view=unnamed")
    field = page.get_by_role("combobox", name="Name")
    field.focus()
    offered = page.get_by_role("listbox", name="Name").get_by_role("option")
    expect(offered.first).to_contain_text("Barack Obama")  # by likeness
    field.press_sequentially("asa")
    expect(offered).to_have_count(1)
    field.press("Escape")
    expect(offered).to_have_count(0)
    field.press("ArrowDown")
    expect(offered).to_have_count(1)
    field.press("ArrowDown")
    expect(offered.first).to_have_attribute("aria-selected", "true")
    field.press("Enter")
    expect(field).to_have_value("Åsa Öberg")
    field.press("Enter")
    expect(page.locator("#toast")).to_contain_text("1 face is now Åsa Öberg.")


def test_people_who_look_alike_are_merged_or_told_apart_for_good(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    register(gallery, photographs["obama.jpg"], photographs["obama2.jpg"], name="Barack Obama")
    register(gallery, photographs["obama3.jpg"], name="Barry")
    register(gallery, photographs["biden.jpg"], name="Joe Biden")
    page.goto("/people")
    page.locator("#alike summary").click()
    pair = page.locator("#alike-list > li")
    expect(pair).to_have_count(1)
    shoot(page, "alike")
    page.get_by_role("button", name=re.compile("^Different people")).click()
    expect(page.locator("#toast")).to_contain_text("You will not be asked again.")
    expect(pair).to_have_count(0)
    page.reload()
    page.locator("#alike summary").click()
    expect(page.locator("#alike-status")).to_have_text("Nobody else looks like the same person.")

    listed = requests.get(f"{base(gallery)}/suggestions/refused", timeout=60).json()["items"]
    requests.delete(f"{base(gallery)}/suggestions/refused/{listed[0]['id']}", timeout=60)
    page.reload()
    page.locator("#alike summary").click()
    page.get_by_role("button", name=re.compile("^Same person")).press("Enter")
    expect(page.locator("#toast")).to_contain_text("Barry is now part of Barack Obama.")
    expect(page.locator("#count")).to_have_text("2 people")
    page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(page.locator("#toast")).to_contain_text("Barry is a person again.")
    expect(pair).to_have_count(1)
    assert people(gallery) == {"Barack Obama": 2, "Barry": 1, "Joe Biden": 1}


def test_a_wrong_likeness_is_refused_and_not_offered_again(
    page: Page, known: Server, photographs: Photographs
) -> None:
    register(known, photographs["obama3.jpg"])
    page.goto("/people?view=unnamed")
    page.get_by_role("button", name="No, this is not Barack Obama").click()
    expect(page.locator("#toast")).to_contain_text("Noted: this is not Barack Obama.")
    page.reload()
    expect(page.locator(".likely")).to_have_count(1)
    expect(page.locator(".guesses")).to_have_count(0)


def test_groups_are_hidden_named_and_deleted_together(
    page: Page, gallery: Server, photographs: Photographs
) -> None:
    register(gallery, *(photographs[name] for name in ("obama.jpg", "astronaut.png", "biden.jpg")))
    page.goto("/people?view=unnamed")
    expect(page.locator(".likely")).to_have_count(3)
    page.get_by_role("button", name="Hide this group").first.click()
    expect(page.locator("#toast")).to_contain_text("The group is hidden.")
    expect(page.locator(".likely")).to_have_count(2)
    page.reload()
    page.get_by_label("Show 1 hidden group").check()
    expect(page.locator(".likely")).to_have_count(3)
    expect(page.get_by_role("button", name="Show this group again")).to_have_count(1)

    boxes = page.get_by_role("checkbox", name="Select this group")
    boxes.first.check()
    boxes.nth(1).check()
    bar = page.get_by_role("region", name="Selected groups")
    expect(bar.get_by_role("status")).to_have_text("2 groups selected")
    bar.get_by_role("button", name="All of one person").click()
    picker = page.get_by_role("dialog", name="Who do 2 faces show?")
    picker.get_by_role("combobox", name="Name").fill("Ann")
    expect(picker.get_by_role("option", name="New person: Ann")).to_be_visible()
    picker.get_by_role("combobox", name="Name").press("Enter")
    expect(page.locator("#toast")).to_contain_text("2 faces are now Ann.")
    page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".likely")).to_have_count(3)
    page.get_by_role("checkbox", name="Select this group").first.check()
    bar.get_by_role("button", name="Select all").click()
    bar.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog", name="Delete 3 faces?").get_by_role("button", name="Delete").click()
    expect(page.locator("#unnamed-count")).to_have_text("Every face has a name.")
    assert faces(gallery) == 0


def test_photos_are_added_from_the_page_of_a_person(
    page: Page, known: Server, photographs: Photographs
) -> None:
    open_person(page, known, "Barack Obama")
    page.get_by_role("link", name="Add photos").click()
    expect(page.locator("#all-of")).to_contain_text("You are adding photos of Barack Obama.")
    expect(page.locator("#all-name")).to_have_value("Barack Obama")
    choose(page, "dropzone", photographs["obama3.jpg"])
    expect(page.locator("li.picture-card[data-state=done]")).to_have_count(1)
    page.get_by_role("link", name="All pictures of this person").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Barack Obama")
    expect(tiles(page)).to_have_count(3)
    assert people(known) == {"Barack Obama": 3, "Joe Biden": 1}


@pytest.mark.parametrize("kind", VIEWS)
def test_what_is_done_with_many_can_be_used_by_everybody(
    browser: Browser, known: Server, photographs: Photographs, axe: str, kind: str
) -> None:
    register(known, photographs["obama3.jpg"], name="Barry")
    register(known, photographs["astronaut.png"])
    requests.patch(
        f"{base(known)}/subjects/{id_of(known, 'Joe Biden')}", json={"hidden": True}, timeout=60
    )
    with watched_page(browser, known.url, **VIEWS[kind]) as (page, _):
        page.goto("/people?hidden=true")
        expect(tiles(page)).to_have_count(3)
        page.locator("#alike summary").click()
        expect(page.locator("#alike-list > li")).to_have_count(1)
        page.locator("#grid input").first.check()
        page.locator("#grid input").nth(1).check()
        assert issues(page, axe) == []
        for button in ("#merge-people", "#tag-people", "#delete-people"):
            page.locator(button).click()
            expect(page.locator("dialog[open]")).to_be_visible()
            assert issues(page, axe) == []
            page.keyboard.press("Escape")
        page.goto("/people?view=unnamed")
        page.locator(".likely .choose input").first.check()
        page.locator(".likely input.form-control").first.focus()
        expect(page.locator(".names [role=option]")).not_to_have_count(0)
        assert issues(page, axe) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
