"""What was done on a page, as a program does it: the code that is shown is run."""

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from faceserver.access.keys import KeyStore
from tests.browser.actions import COMPARE, REGISTER, RETRIEVE, choose, faces, register, sign_in
from tests.browser.conftest import SCREEN, watched_page
from tests.browser.pictures import saved_again
from tests.e2e.server import Server
from tests.support.photographs import Photographs


def code(page: Page, language: str) -> str:
    """The code that is shown, in one of its languages."""
    box = page.locator("#take-along")
    expect(box).to_be_visible()
    if box.get_attribute("open") is None:
        box.locator("summary").click()
    box.get_by_text(language, exact=True).click()
    return box.locator("#take-along-code").inner_text()


def run(language: str, text: str, folder: Path, key: str = "") -> str:
    """Run code where the pictures are, and return what it writes."""
    commands = {
        "curl": ["sh", "-c", f"{text} --silent --show-error --fail"],
        "Python": [sys.executable, "-c", text],
        "JavaScript": ["node", "--input-type=module", "-e", text],
    }
    environment = {"PATH": "/usr/bin:/bin", "FACESERVER_KEY": key}
    program = commands[language][0]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run(
        commands[language],
        check=False,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("language", ["curl", "Python", "JavaScript"])
def test_the_code_does_what_the_page_did(
    page: Page, gallery: Server, photographs: Photographs, tmp_path: Path, language: str
) -> None:
    picture = tmp_path / "it's a picture.jpg"
    picture.write_bytes(photographs["obama.jpg"].read_bytes())
    page.goto(REGISTER)
    page.get_by_role("textbox", name="Tags").fill("president, 2009")
    choose(page, "dropzone", picture)
    expect(page.locator("#summary")).to_have_text("1 picture registered")
    saved_again(picture, photographs["obama.jpg"])  # the very same file would be known
    run(language, code(page, language), tmp_path)
    assert faces(gallery) == 2

    page.goto(RETRIEVE)
    choose(page, "dropzone", picture)
    expect(page.locator("#answer-title")).to_contain_text("Registered, but without a name")
    found = run(language, code(page, language), tmp_path)
    assert "probes" in found
    assert "president" in found

    page.goto(COMPARE)
    choose(page, "dropzone-a", picture)
    choose(page, "dropzone-b", picture)
    expect(page.locator("#summary")).to_contain_text("Same person")
    assert "pairs" in run(language, code(page, language), tmp_path)

    page.goto("/status")
    assert "collections" in run(language, code(page, language), tmp_path)


def test_the_key_is_left_out_and_taken_from_the_environment(
    browser: Browser, tmp_path: Path, photographs: Photographs
) -> None:
    with Server(tmp_path, requests_per_minute="0") as server:
        register(server, photographs["obama.jpg"], name="Barack Obama")
        key = KeyStore(tmp_path).create("admin", "admin")[1]
        with watched_page(browser, server.url, locale="en-GB", viewport=SCREEN) as (page, _):
            sign_in(page, key, "/people")
            expect(page.locator(".tile")).to_have_count(1)
            for language in ("curl", "Python"):
                text = code(page, language)
                assert key not in text
                assert "Barack Obama" in run(language, text, tmp_path, key)


def test_results_are_saved_as_csv(
    page: Page, gallery: Server, photographs: Photographs, tmp_path: Path
) -> None:
    register(gallery, photographs["obama.jpg"], name='=A1 "Barack", Obama')
    page.goto(RETRIEVE)
    choose(page, "dropzone", photographs["obama2.jpg"])
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as CSV").click()
    assert saved.value.suggested_filename == "search.csv"
    with saved.value.path().open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["person"] == '\'=A1 "Barack", Obama', "no spreadsheet takes it for a formula"
    assert row["answer"] == "known"
    assert 0 < float(row["distance"]) < 1

    page.goto(REGISTER)
    choose(page, "dropzone", photographs["biden.jpg"])
    expect(page.locator("#summary")).to_have_text("1 picture registered")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as CSV").click()
    with saved.value.path().open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["picture"], row["state"], row["name"]) == ("biden.jpg", "done", "")
