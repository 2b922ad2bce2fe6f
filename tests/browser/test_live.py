"""The camera's picture with names on it, before a camera that shows real photographs."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page, Playwright, Request, expect

from tests.browser.actions import people, register
from tests.browser.axe import issues
from tests.browser.conftest import ARGUMENTS, CHROMIUM, VIEWS, Watch, shoot, watched_page
from tests.e2e.server import Server
from tests.support.photographs import Photographs

LIVE = "/live"
SIZE = (640, 480)
FRAMES = 60
"""Of each photograph, one after the other and over and over: two seconds each."""

NO_FACE = 422


def film(path: Path, *photographs: Path) -> Path:
    """What Chromium takes for a camera's picture: a stream of JPEGs, all of one size."""
    with path.open("wb") as stream:
        for photograph in photographs:
            with Image.open(photograph) as picture:
                frame = ImageOps.pad(picture.convert("RGB"), SIZE)
            jpeg = BytesIO()
            frame.save(jpeg, "JPEG", quality=88)
            stream.write(jpeg.getvalue() * FRAMES)
    return path


@pytest.fixture(scope="module")
def filming(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory, photographs: Photographs
) -> Iterator[Browser]:
    """A browser whose camera sees one man, then another, then a woman."""
    seen = (photographs[name] for name in ("obama2.jpg", "biden.jpg", "astronaut.png"))
    path = film(tmp_path_factory.mktemp("film") / "film.mjpeg", *seen)
    arguments = [*ARGUMENTS, f"--use-file-for-fake-video-capture={path}"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
    yield browser
    browser.close()


@pytest.fixture
def known(gallery: Server, photographs: Photographs) -> Server:
    register(gallery, photographs["obama.jpg"], name="Barack Obama")
    register(gallery, photographs["biden.jpg"], name="Joe Biden")
    return gallery


@contextmanager
def live(browser: Browser, server: Server, kind: str = "light") -> Iterator[tuple[Page, Watch]]:
    with watched_page(browser, server.url, **VIEWS[kind]) as (page, watch):
        watch.allowed = {NO_FACE}  # between two photographs nobody may be seen
        page.goto(LIVE)
        yield page, watch


def test_whoever_is_before_the_camera_is_named(filming: Browser, known: Server) -> None:
    with live(filming, known) as (page, _):
        page.get_by_role("button", name="Start the camera").press("Enter")
        expect(page.locator("#names .name-tag")).to_have_text(["Barack Obama"])
        expect(page.locator("#faces rect")).to_have_count(1)
        assert box_is_on_the_video(page)
        expect(page.locator("#names .name-tag")).to_have_text(["Joe Biden"])
        expect(page.locator("#names .name-tag")).to_have_text(["Unknown"])
        seen = page.locator("#seen > li")
        expect(seen).to_have_count(3)
        expect(seen.filter(has_text="Barack Obama")).to_contain_text("similarity 9")
        expect(page.locator("#pace")).to_contain_text("pictures a second")
        shoot(page, "live")
        with page.expect_download() as saved:
            page.get_by_role("button", name="Save as CSV").click()
        table = saved.value.path().read_text(encoding="utf-8-sig").splitlines()
        assert table[0] == "person,id,from,to,similarity"
        assert {line.split(",")[0] for line in table[1:]} >= {"Barack Obama", "Joe Biden", ""}


def test_one_request_is_under_way_at_a_time(filming: Browser, known: Server) -> None:
    with live(filming, known) as (page, _):
        under_way: set[Request] = set()
        most = [0]

        def begun(request: Request) -> None:
            if request.url.endswith("/search"):
                under_way.add(request)
                most.append(len(under_way))

        def ended(request: Request) -> None:
            under_way.discard(request)

        page.on("request", begun)
        page.on("requestfinished", ended)
        page.on("requestfailed", ended)
        page.get_by_role("button", name="Start the camera").click()
        expect(page.locator("#seen > li").filter(has_text="Barack Obama")).to_be_visible()
        expect(page.locator("#seen > li").filter(has_text="Joe Biden")).to_be_visible()
        assert len(most) > 3, "several pictures were looked at"
        assert max(most) == 1


def test_the_page_asks_the_v1_api_alone_and_stops(filming: Browser, known: Server) -> None:
    with live(filming, known) as (page, _):
        page.wait_for_load_state("networkidle")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url.removeprefix(known.url)))
        page.get_by_role("button", name="Start the camera").click()
        expect(page.locator("#seen > li").first).to_be_visible()
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("button", name="Start the camera")).to_be_focused()
        assert page.locator("#video").evaluate("video => video.srcObject") is None
        others = {url for url in asked if not url.startswith(("/v1/", "/health", "/static/"))}
        assert others == set()


def test_a_stranger_is_registered_in_place(filming: Browser, known: Server) -> None:
    with live(filming, known) as (page, _):
        page.get_by_role("button", name="Start the camera").click()
        stranger = page.locator("#seen > li").filter(has_text="Unknown")
        stranger.get_by_role("combobox").fill("Eileen Collins")
        stranger.get_by_role("combobox").press("Enter")
        expect(page.get_by_text("Registered.")).to_be_visible()
        expect(page.locator("#names .name-tag")).to_have_text(["Eileen Collins"])
        assert people(known)["Eileen Collins"] == 1
        expect(page.locator("#seen > li").filter(has_text="Eileen Collins")).to_have_count(1)


def test_a_server_without_anybody_says_so(filming: Browser, gallery: Server) -> None:
    with live(filming, gallery) as (page, _):
        expect(page.get_by_text("Nobody is registered yet")).to_be_visible()


def test_a_camera_that_is_not_allowed_gets_a_sentence(browser: Browser, known: Server) -> None:
    with live(browser, known) as (page, _):
        page.evaluate(
            "() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error()); }"
        )
        page.get_by_role("button", name="Start the camera").click()
        expect(page.get_by_role("alert")).to_contain_text("The camera cannot be used. Allow it")


@pytest.mark.parametrize("kind", VIEWS)
def test_the_page_can_be_used_by_everybody(
    filming: Browser, known: Server, axe: str, kind: str
) -> None:
    with live(filming, known, kind) as (page, _):
        page.locator("#start").press("Enter")
        expect(page.locator("#seen > li")).to_have_count(3)
        page.locator("#stop").press("Enter")
        assert issues(page, axe) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def box_is_on_the_video(page: Page) -> bool:
    return bool(
        page.evaluate(
            """() => {
                const video = document.querySelector("#video").getBoundingClientRect();
                const box = document.querySelector("#faces rect").getBoundingClientRect();
                return box.width > 20 && box.left >= video.left && box.right <= video.right
                    && box.top >= video.top && box.bottom <= video.bottom;
            }"""
        )
    )
