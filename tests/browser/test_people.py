"""Looking after people: names, tags, merges, moves, deletions, and faces without a name."""

import re
from collections.abc import Iterator

import numpy as np
import pytest
import requests
from playwright.sync_api import Browser, Locator, Page, expect

from faceserver.store import open_store
from tests.browser.actions import faces, people, register, texts
from tests.browser.axe import issues
from tests.browser.conftest import SCREEN, VIEWS, Watch, shoot, watched_page
from tests.e2e.server import Server
from tests.store.samples import new_face
from tests.store.samples import people as vectors_of
from tests.support.photographs import Photographs

MODEL, DIMS = "20180408-102900", 512
MANY = 1500


def base(server: Server) -> str:
    return f"{server.url}/v1/collections/default"


def id_of(server: Server, name: str) -> str:
    answer = requests.get(f"{base(server)}/subjects", params={"name": name}, timeout=60)
    return str(answer.json()["items"][0]["id"])


def tag(server: Server, name: str, *tags: str) -> None:
    place = f"{base(server)}/subjects/{id_of(server, name)}"
    requests.patch(place, json={"tags": list(tags)}, timeout=60).raise_for_status()


def open_person(page: Page, server: Server, name: str) -> None:
    page.goto(f"/people/{id_of(server, name)}")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def tiles(page: Page) -> Locator:
    return page.locator("#grid > li")


def group(page: Page, count: str) -> Locator:
    """The likely person of so many faces."""
    return page.locator(".likely").filter(has=page.get_by_role("heading", name=count, exact=True))


@pytest.fixture
def known(gallery: Server, photographs: Photographs) -> Server:
    """A gallery with two people, three pictures."""
    register(gallery, photographs["obama.jpg"], photographs["obama2.jpg"], name="Barack Obama")
    register(gallery, photographs["biden.jpg"], name="Joe Biden")
    return gallery


@pytest.fixture
def unnamed(gallery: Server, photographs: Photographs) -> Server:
    """A gallery with four faces of two people, none of whom has a name."""
    pictures = ("obama.jpg", "obama2.jpg", "obama3.jpg", "astronaut.png")
    register(gallery, *(photographs[name] for name in pictures))
    return gallery


def test_people_are_found_by_name_and_tag(page: Page, known: Server) -> None:
    tag(known, "Barack Obama", "president", "44")
    page.goto("/people")
    expect(page.locator("#count")).to_have_text("2 people")
    expect(page.locator(".tile-name")).to_have_text(["Barack Obama", "Joe Biden"])
    shoot(page, "people")

    page.get_by_role("searchbox", name="Name").fill("BID")
    expect(page.locator(".tile-name")).to_have_text(["Joe Biden"])
    assert page.url.endswith("/people?called=BID")
    page.reload()
    expect(page.locator(".tile-name")).to_have_text(["Joe Biden"])
    page.get_by_role("searchbox", name="Name").fill("Nobody of that name")
    expect(page.locator("#count")).to_contain_text("No matches")

    page.get_by_role("searchbox", name="Name").fill("")
    expect(page.locator("#count")).to_have_text("2 people")
    page.get_by_role("button", name="44", exact=True).click()
    expect(page.locator(".tile-name")).to_have_text(["Barack Obama"])
    assert page.url.endswith("/people?tag=44")
    page.get_by_role("link", name=re.compile("Barack Obama")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Barack Obama")
    expect(tiles(page)).to_have_count(2)


def test_a_person_is_renamed_and_tagged(page: Page, watch: Watch, known: Server) -> None:
    open_person(page, known, "Barack Obama")
    expect(page.locator("#facts")).to_contain_text("2 faces")
    page.get_by_role("button", name="Rename and tag").click()
    editor = page.get_by_role("dialog", name="Rename and tag")
    watch.allowed.add(409)
    editor.get_by_label("Name").fill("joe biden")
    editor.get_by_label("Name").press("Enter")
    expect(editor.get_by_role("alert")).to_contain_text("This name is already in use")

    editor.get_by_label("Name").fill("B. Obama")
    editor.get_by_label("Tags").fill("president, senator")
    editor.get_by_role("button", name="Save").click()
    expect(editor).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_have_text("B. Obama")
    assert list(texts(page.locator("#tags li"))) == ["president", "senator"]
    assert people(known) == {"B. Obama": 2, "Joe Biden": 1}


def test_two_people_are_merged_and_apart_again(page: Page, known: Server) -> None:
    open_person(page, known, "Joe Biden")
    page.get_by_role("button", name="Merge").click()
    picker = page.get_by_role("dialog", name="Merge Joe Biden into which person?")
    expect(picker.get_by_role("status")).to_have_text("1 person")
    picker.get_by_label("Name").fill("obam")
    picker.get_by_role("option", name=re.compile("Barack Obama")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Barack Obama")
    expect(page.locator("#toast")).to_contain_text("Joe Biden is now part of Barack Obama.")
    expect(tiles(page)).to_have_count(3)
    assert people(known) == {"Barack Obama": 3}

    merged = page.get_by_role("list", name="Recently merged")
    expect(merged).to_contain_text("Joe Biden was merged into this person, with 1 face.")
    shoot(page, "person")
    merged.get_by_role("button", name="Undo").click()
    expect(page.locator("#toast")).to_contain_text("Joe Biden is a person again.")
    expect(tiles(page)).to_have_count(2)
    assert people(known) == {"Barack Obama": 2, "Joe Biden": 1}


def test_a_merge_is_undone_from_the_list_of_people(page: Page, known: Server) -> None:
    place = f"{base(known)}/subjects/{id_of(known, 'Joe Biden')}/merge"
    requests.post(place, json={"into": id_of(known, "Barack Obama")}, timeout=60)
    page.goto("/people")
    expect(page.locator("#count")).to_have_text("1 person")
    page.get_by_text("Recently merged").click()
    page.get_by_role("button", name="Undo the merge of Joe Biden").click()
    expect(page.locator("#count")).to_have_text("2 people")
    expect(page.locator("#merges")).to_be_hidden()
    assert people(known) == {"Barack Obama": 2, "Joe Biden": 1}


def test_faces_are_moved_and_brought_back(page: Page, known: Server) -> None:
    open_person(page, known, "Barack Obama")
    page.get_by_label("Select the face from obama2.jpg").check()
    chosen = page.get_by_role("region", name="Selected faces")
    expect(chosen.get_by_role("status")).to_have_text("1 face selected")
    chosen.get_by_role("button", name="Move to a person").click()
    picker = page.get_by_role("dialog", name="Who does 1 face show?")
    picker.get_by_label("Name").fill("Ann")
    picker.get_by_role("option", name="New person: Ann").click()
    expect(page.locator("#toast")).to_contain_text("1 face is now Ann.")
    expect(chosen).to_be_hidden()
    expect(tiles(page)).to_have_count(1)
    assert people(known) == {"Barack Obama": 1, "Joe Biden": 1, "Ann": 1}

    page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(page.locator("#toast")).to_contain_text("1 face moved back.")
    expect(tiles(page)).to_have_count(2)
    page.get_by_label("Select the face from obama2.jpg").check()
    chosen.get_by_role("button", name="Remove the name").click()
    expect(page.locator("#toast")).to_contain_text("1 face is now unnamed.")
    assert (people(known)["Barack Obama"], faces(known)) == (1, 3)


def test_a_face_is_shown_in_its_picture_and_deleted(page: Page, known: Server) -> None:
    open_person(page, known, "Barack Obama")
    page.get_by_role("button", name="Show the picture obama.jpg").click()
    whole = page.get_by_role("dialog", name="obama.jpg")
    expect(whole.locator("rect")).to_have_count(1)
    page.keyboard.press("Escape")

    page.get_by_label("Select the face from obama.jpg").check()
    page.get_by_role("region", name="Selected faces").get_by_role("button", name="Delete").click()
    page.get_by_role("dialog", name="Delete 1 face?").get_by_role("button", name="Delete").click()
    expect(tiles(page)).to_have_count(1)
    assert (people(known)["Barack Obama"], faces(known)) == (1, 2)


def test_who_is_to_be_deleted_is_named_first(page: Page, known: Server) -> None:
    open_person(page, known, "Barack Obama")
    page.get_by_role("button", name="Delete", exact=True).click()
    question = page.get_by_role("dialog", name="Delete Barack Obama?")
    expect(question).to_contain_text("This deletes the name, the tags, 2 faces")
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    assert len(people(known)) == 2

    page.get_by_role("button", name="Delete", exact=True).click()
    question.get_by_role("button", name="Delete permanently").click()
    expect(page.locator("#toast")).to_contain_text("Deleted Barack Obama with 2 faces.")
    expect(page.locator(".tile-name")).to_have_text(["Joe Biden"])
    assert people(known) == {"Joe Biden": 1}


def test_likely_people_get_a_name_in_one_click(page: Page, unnamed: Server) -> None:
    page.goto("/people")
    expect(page.locator("#count")).to_contain_text("There are no people yet")
    page.get_by_text("Unnamed", exact=True).click()
    expect(page.locator("#unnamed-count")).to_contain_text("2 likely people in 4 faces")
    shoot(page, "unnamed")
    several = group(page, "3 faces")
    several.get_by_role("combobox", name="Name").fill("Barack Obama")
    several.get_by_role("button", name="Save").click()
    expect(page.locator("#toast")).to_contain_text("3 faces are now Barack Obama.")
    expect(page.locator(".likely")).to_have_count(1)
    assert people(unnamed) == {"Barack Obama": 3}

    page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(page.locator(".likely")).to_have_count(2)
    assert people(unnamed) == {"Barack Obama": 0}


def test_who_looks_like_somebody_known_is_offered(
    page: Page, known: Server, photographs: Photographs
) -> None:
    register(known, photographs["obama3.jpg"], photographs["astronaut.png"])
    page.goto("/people?view=unnamed")
    expect(page.locator(".likely")).to_have_count(2)
    page.get_by_role("button", name=re.compile("This is Barack Obama")).click()
    expect(page.locator("#toast")).to_contain_text("1 face is now Barack Obama.")
    expect(page.get_by_role("button", name=re.compile("This is"))).to_have_count(0)
    assert people(known) == {"Barack Obama": 3, "Joe Biden": 1}

    page.get_by_role("button", name="Delete these faces").click()
    page.get_by_role("dialog", name="Delete 1 face?").get_by_role("button", name="Delete").click()
    expect(page.locator("#unnamed-count")).to_have_text("Every face has a name.")
    assert faces(known) == 4


def test_what_does_not_belong_is_left_out(page: Page, unnamed: Server) -> None:
    page.goto("/people?view=unnamed")
    several = group(page, "3 faces")
    several.get_by_role("checkbox").nth(2).uncheck()
    expect(page.get_by_role("heading", name="3 faces, 2 of them")).to_be_visible()
    left = page.locator(".likely").filter(has_text="2 of them")
    left.get_by_role("combobox", name="Name").fill("Barack Obama")
    left.get_by_role("combobox", name="Name").press("Enter")
    expect(page.locator("#toast")).to_contain_text("2 faces are now Barack Obama.")
    assert people(unnamed) == {"Barack Obama": 2}


def test_without_a_mouse(page: Page, unnamed: Server) -> None:
    page.goto("/people")
    expect(page.locator("#count")).to_contain_text("There are no people yet")
    page.get_by_role("radio", name="Named", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".likely")).to_have_count(2)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    for expected in ("checkbox", "button", "checkbox", "checkbox", "checkbox", "text"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.type") == expected
    page.keyboard.type("Barack Obama")
    page.keyboard.press("Enter")
    expect(page.locator(".likely")).to_have_count(1)
    assert people(unnamed) == {"Barack Obama": 3}

    page.get_by_role("radio", name="Unnamed", exact=True).focus()
    page.keyboard.press("ArrowLeft")
    link = page.get_by_role("link", name=re.compile("Barack Obama"))
    expect(link).to_be_visible()
    for _ in range(5):
        page.keyboard.press("Tab")
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Delete", exact=True).press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("Deleted ")
    assert people(unnamed) == {}


def test_who_is_gone_is_told(page: Page, watch: Watch, known: Server) -> None:
    watch.allowed.add(404)
    page.goto(f"/people/{'0' * 32}")
    page.goto("/people/00000000-0000-0000-0000-000000000000")
    expect(page.get_by_role("alert").filter(visible=True)).to_have_text(
        "This does not exist, or no longer does."
    )


@pytest.mark.parametrize("kind", VIEWS)
def test_every_view_can_be_used_by_everybody(
    browser: Browser, known: Server, photographs: Photographs, axe: str, kind: str
) -> None:
    register(known, photographs["obama3.jpg"], photographs["astronaut.png"])
    tag(known, "Barack Obama", "president")
    person = f"/people/{id_of(known, 'Barack Obama')}"
    with watched_page(browser, known.url, **VIEWS[kind]) as (page, _):
        page.goto("/people")
        expect(tiles(page)).to_have_count(2)
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text("人物" if kind == "zh" else "People")
        assert issues(page, axe) == []
        page.goto("/people?view=unnamed")
        expect(page.locator(".likely")).to_have_count(2)
        assert issues(page, axe) == []
        page.goto(person)
        expect(tiles(page)).to_have_count(2)
        page.locator("#grid input").first.check()
        assert issues(page, axe) == []
        page.locator("#choose-none").click()
        for button in ("#edit", "#merge", "#delete"):
            page.locator(button).click()
            expect(page.locator("dialog[open]")).to_be_visible()
            assert issues(page, axe) == []
            page.keyboard.press("Escape")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One person with many faces, beside as many people."""
    folder = tmp_path_factory.mktemp("crowd")
    vectors = vectors_of(MANY // 5, each=5, dims=DIMS)
    store = open_store(folder, model=MODEL, dims=DIMS)
    collection = store.collection()
    ann = collection.add_subject("Ann")
    kept = {"picture": None, "subject": ann.id}
    collection.add(
        [new_face(vector, f"{n}.jpg", **kept) for n, vector in enumerate(np.asarray(vectors))]
    )
    for number in range(200):
        collection.add_subject(f"Person {number:03}")
    store.close()
    with Server(folder, requests_per_minute="0") as running:
        yield running


def test_a_long_grid_comes_page_by_page(browser: Browser, crowd: Server) -> None:
    with watched_page(browser, crowd.url, locale="en-GB", viewport=SCREEN) as (page, _):
        open_person(page, crowd, "Ann")
        expect(page.locator("#facts")).to_contain_text("1,500 faces")
        expect(tiles(page)).not_to_have_count(0)
        assert tiles(page).count() < MANY / 2
        style = "getComputedStyle(document.querySelector('#grid > li')).contentVisibility"
        assert page.evaluate(style) == "auto"
        page.wait_for_function(
            "count => { scrollTo(0, document.body.scrollHeight);"
            " return document.querySelectorAll('#grid > li').length === count; }",
            arg=MANY,
        )
        expect(page.get_by_role("button", name="Show more")).to_be_hidden()


def test_many_people_come_page_by_page(browser: Browser, crowd: Server) -> None:
    with watched_page(browser, crowd.url, locale="en-GB", viewport=SCREEN) as (page, _):
        page.goto("/people")
        expect(page.locator("#count")).to_have_text("201 people")
        assert tiles(page).count() < 201
        page.wait_for_function(
            "count => { scrollTo(0, document.body.scrollHeight);"
            " return document.querySelectorAll('#grid > li').length === count; }",
            arg=201,
        )
        expect(page.locator("#count")).to_have_text("201 people")
