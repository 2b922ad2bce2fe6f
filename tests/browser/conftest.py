"""Chromium before a real server with the real models.

Without Chromium these tests are skipped, each by its name; FACESERVER_REQUIRE_BROWSER=1 makes that
a failure. FACESERVER_SCREENSHOTS=1 writes the pictures of the docs.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)

from faceserver.access.keys import KeyStore
from tests.browser.axe import AxeMissing, axe_source
from tests.e2e.server import Server
from tests.support.loopback import Site, send, serve
from tests.support.photographs import Photographs

CHROMIUM = Path("/usr/bin/chromium")
IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
TIMEOUT_MS = 30_000
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]

OpenPage = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a browser where there is none."""
    if CHROMIUM.exists() or os.environ.get("FACESERVER_REQUIRE_BROWSER") == "1":
        return
    skip = pytest.mark.skip(reason=f"{CHROMIUM} is missing (Debian: apt install chromium)")
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory, photographs: Photographs) -> Path:
    """What Chromium takes for its camera: one photograph, over and over."""
    path = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    with Image.open(photographs["astronaut.png"]) as picture:
        picture.convert("RGB").save(path, "JPEG")
    return path


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright, camera: Path) -> Iterator[Browser]:
    arguments = [*ARGUMENTS, f"--use-file-for-fake-video-capture={camera}"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Open to everybody; it may fetch from loopback."""
    data = tmp_path_factory.mktemp("data")
    with Server(data, url_allow_networks="127.0.0.0/8", requests_per_minute="0") as running:
        yield running


@pytest.fixture(scope="session")
def site(photographs: Photographs) -> Iterator[Site]:
    """Photographs on the web."""
    with serve() as running:
        for name, path in photographs.items():
            running.answers[f"/{name}"] = send(path.read_bytes(), Content_Type="image/jpeg")
        yield running


@pytest.fixture
def gallery(server: Server) -> Server:
    """The server, with nobody registered."""
    requests.delete(f"{server.url}/v1/collections/default", timeout=60).raise_for_status()
    return server


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def closing(data: Path) -> Iterator[Server]:
    """A server of its own, on which keys are made."""
    with Server(data, requests_per_minute="0") as running:
        yield running


@pytest.fixture
def guarded(closing: Server, data: Path) -> tuple[Server, str]:
    """The server and the only key of it that is good, an administrator's."""
    keys = KeyStore(data)
    for key in keys.all():
        if key.revoked is None:
            keys.revoke(key.id)
    return closing, keys.create("admin", "admin")[1]


class Watch:
    """Notes what no page may do: write errors, break the policy, ask another host.

    Attributes:
        allowed: statuses of answers that the test expects; a browser writes those as errors.
    """

    def __init__(self, page: Page, own: str) -> None:
        self.allowed: set[int] = set()
        self.faults: list[str] = []
        self._own = own
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        text = message.text
        if message.type == "error" and not any(
            f"status of {code}" in text for code in self.allowed
        ):
            self.faults.append(f"console: {text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self._own, "blob:", "data:")):
            self.faults.append(f"foreign host: {request.url}")


@contextmanager
def watched_page(browser: Browser, url: str, **options: Any) -> Iterator[tuple[Page, Watch]]:
    """A page in a context of its own, and what it did wrong, which must be nothing."""
    context = browser.new_context(base_url=url, **options)
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    watch = Watch(page, url)
    yield page, watch
    context.close()
    assert watch.faults == []


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[tuple[Page, Watch]]:
    """An English page on a screen of usual size."""
    with watched_page(browser, server.url, locale="en-GB", viewport=SCREEN) as found:
        yield found


@pytest.fixture
def page(visit: tuple[Page, Watch]) -> Page:
    return visit[0]


@pytest.fixture
def watch(visit: tuple[Page, Watch]) -> Watch:
    return visit[1]


@pytest.fixture(scope="session")
def axe() -> str:
    try:
        return axe_source()
    except AxeMissing as missing:
        pytest.skip(str(missing))


SCREEN: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 360, "height": 740}
VIEWS: dict[str, dict[str, Any]] = {
    "light": {"viewport": SCREEN, "locale": "en-GB"},
    "dark": {"viewport": SCREEN, "locale": "en-GB", "color_scheme": "dark"},
    "phone": {"viewport": PHONE, "locale": "en-GB"},
    "zh": {"viewport": SCREEN, "locale": "zh-CN"},
}
"""How pages are looked at: options of a browser's context."""


def shoot(page: Page, name: str) -> None:
    """Write a picture for the docs, if they are asked for."""
    if os.environ.get("FACESERVER_SCREENSHOTS") != "1":
        return
    page.mouse.move(0, 0)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_load_state("networkidle")
    shot = page.screenshot(full_page=True, animations="disabled")
    with Image.open(BytesIO(shot)) as picture:  # a fifth of the size of Chromium's PNG
        picture.save(IMAGES / f"{name}.webp", quality=85, method=6)
