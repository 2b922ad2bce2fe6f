"""What people do on the pages."""

from collections.abc import Iterable
from pathlib import Path

import requests
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.server import Server

REGISTER, RETRIEVE, COMPARE = "/faceRegister.html", "/faceRetrieve.html", "/faceCompare.html"


def register(
    server: Server, *photographs: Path, name: str | None = None, attributes: str = ""
) -> list[str]:
    """Store pictures by the API; return the ids of their faces."""
    base = f"{server.url}/v1/collections/default"
    fields = {"attributes": attributes}
    if name is not None:
        made = requests.post(f"{base}/subjects", json={"name": name}, timeout=60)
        made.raise_for_status()
        fields["subject"] = made.json()["id"]
    ids = []
    for photograph in photographs:
        files = {"file": (photograph.name, photograph.read_bytes())}
        answer = requests.post(f"{base}/faces", files=files, data=fields, timeout=60)
        answer.raise_for_status()
        ids += [face["id"] for face in answer.json()["faces"]]
    return ids


def sign_in(page: Page, key: str, there: str = "/status") -> None:
    """Show a key, and go on to a page."""
    page.goto(f"/signIn?next={there}")
    page.get_by_label("Key").fill(key)
    page.get_by_role("button", name="Sign in").click()


def people(server: Server) -> dict[str, int]:
    """How many faces each person has."""
    answer = requests.get(f"{server.url}/v1/collections/default/subjects", timeout=60)
    return {item["name"]: item["faces"] for item in answer.json()["items"]}


def faces(server: Server) -> int:
    """How many faces are stored."""
    answer = requests.get(f"{server.url}/v1/collections/default", timeout=60)
    return int(answer.json()["faces"])


def choose(page: Page, zone: str, *files: Path) -> None:
    """Choose files in a drop zone."""
    page.locator(f"#{zone} .dropzone-label input").set_input_files(list(files))


def card(page: Page, title: str) -> Locator:
    """The card of a picture."""
    return page.locator("li.picture-card").filter(
        has=page.get_by_role("heading", name=title, exact=True)
    )


def save_name(row: Locator, name: str) -> None:
    """Name a face of a card with the keyboard."""
    row.get_by_label("Name").fill(name)
    row.get_by_label("Name").press("Enter")
    expect(row.get_by_text("Saved")).to_be_visible()


def texts(found: Locator) -> Iterable[str]:
    """What elements say."""
    return [text.strip() for text in found.all_inner_texts()]


def hold(route: Route) -> None:
    """Let a request wait for good."""
