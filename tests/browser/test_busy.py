"""A server that has too much to do: the pages come back to it by themselves."""

from playwright.sync_api import Page, Route, expect

from tests.browser.actions import COMPARE, REGISTER, card, choose, people
from tests.browser.conftest import Watch
from tests.e2e.server import Server
from tests.support.photographs import Photographs


def refuse_first(page: Page, address: str, times: int) -> list[str]:
    """Answer so many requests with 503; lends the addresses that were asked."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) > times:
            route.continue_()
        else:
            route.fulfill(status=503, json={"code": "busy"}, headers={"Retry-After": "0"})

    page.route(address, answer)
    return asked


def test_an_upload_is_sent_again(
    page: Page, watch: Watch, gallery: Server, photographs: Photographs
) -> None:
    watch.allowed = {503}
    page.goto(REGISTER)
    asked = refuse_first(page, "**/faces", 2)
    choose(page, "dropzone", photographs["obama.jpg"])
    expect(card(page, "obama.jpg").get_by_text("1 face registered")).to_be_visible()
    assert len(asked) == 3
    assert sum(people(gallery).values()) == 0


def test_a_call_is_sent_again(
    page: Page, watch: Watch, gallery: Server, photographs: Photographs
) -> None:
    watch.allowed = {503}
    page.goto(COMPARE)
    asked = refuse_first(page, "**/compare", 2)
    choose(page, "dropzone-a", photographs["obama.jpg"])
    choose(page, "dropzone-b", photographs["obama2.jpg"])
    expect(page.locator("#summary")).to_contain_text("Same person")
    assert len(asked) == 3


def test_it_does_not_come_back_for_ever(
    page: Page, watch: Watch, gallery: Server, photographs: Photographs
) -> None:
    watch.allowed = {503}
    page.goto(REGISTER)
    asked = refuse_first(page, "**/faces", 1000)
    choose(page, "dropzone", photographs["obama.jpg"])
    expect(card(page, "obama.jpg")).to_contain_text("The server is busy")
    assert len(asked) == 6
