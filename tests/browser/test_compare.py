"""Two pictures side by side."""

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.actions import COMPARE, choose, texts
from tests.browser.conftest import PHONE, Watch, shoot
from tests.browser.pictures import side_by_side
from tests.e2e.server import Server
from tests.support.photographs import Photographs


@pytest.fixture(autouse=True)
def _nobody_is_needed(gallery: Server) -> None:
    """Comparing stores nothing and needs nobody."""


def compare(page: Page, first: Path, second: Path) -> None:
    page.goto(COMPARE)
    choose(page, "dropzone-a", first)
    choose(page, "dropzone-b", second)


def test_the_same_person_is_joined_by_a_line(page: Page, photographs: Photographs) -> None:
    compare(page, photographs["obama.jpg"], photographs["obama2.jpg"])
    expect(page.locator("#summary")).to_contain_text("Same person, 9")
    verdict = page.locator("#verdict").bounding_box()
    pictures = page.locator("#compare").bounding_box()
    assert verdict
    assert pictures
    assert verdict["y"] < pictures["y"], "the answer comes first"
    expect(page.locator("#lines line.same")).to_have_count(1)
    assert line_touches_both_boxes(page)
    shoot(page, "compare")
    page.set_viewport_size(PHONE)
    assert line_touches_both_boxes(page)


def test_different_people_are_told_apart(page: Page, photographs: Photographs) -> None:
    compare(page, photographs["obama.jpg"], photographs["biden.jpg"])
    expect(page.locator("#summary")).to_contain_text("Different people, 98% sure")
    expect(page.locator("#lines line.different")).to_have_count(1)
    expect(page.locator("#pairs")).to_contain_text("threshold 0.85")


def test_groups_are_matched_one_to_one(
    page: Page, photographs: Photographs, tmp_path: Path
) -> None:
    first = side_by_side(tmp_path / "a.jpg", photographs["obama.jpg"], photographs["biden.jpg"])
    second = side_by_side(
        tmp_path / "b.jpg",
        photographs["astronaut.png"],
        photographs["biden.jpg"],
        photographs["obama2.jpg"],
    )
    compare(page, first, second)
    expect(page.locator("#summary")).to_have_text("2 people are in both pictures")
    expect(page.locator("#pairs li")).to_have_count(2)
    expect(page.locator("#lines line.same")).to_have_count(2)
    said = list(texts(page.locator("#pairs strong")))
    assert len(set(said)) == 2
    shoot(page, "compare-group")


def test_a_picture_without_a_face_gets_a_sentence(
    page: Page, watch: Watch, photographs: Photographs, tmp_path: Path
) -> None:
    watch.allowed = {422}
    wall = tmp_path / "wall.png"
    Image.new("RGB", (300, 300), "white").save(wall)
    compare(page, photographs["obama.jpg"], wall)
    expect(page.get_by_role("alert").filter(has_text="No face was found")).to_be_visible()
    choose(page, "dropzone-b", photographs["obama3.jpg"])
    expect(page.locator("#summary")).to_contain_text("Same person")
    expect(page.get_by_role("alert").filter(has_text="No face was found")).to_be_hidden()


def line_touches_both_boxes(page: Page) -> bool:
    """Whether the line goes from box to box, once the layout has settled."""
    return bool(
        page.evaluate(
            """async () => {
                for (let frames = 0; frames < 3; frames += 1) {
                    await new Promise(requestAnimationFrame);
                }
                const near = (one, other) => Math.abs(one - other) < 2;
                const line = document.querySelector("#lines line.same").getBoundingClientRect();
                const [a, b] = ["a", "b"].map((side) =>
                    document.querySelector(`#picture-${side} rect`).getBoundingClientRect());
                return near(line.left, a.right) && near(line.right, b.left);
            }"""
        )
    )
