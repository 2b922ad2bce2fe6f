"""The pages in the browser's language, and catalogues that lack nothing."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from flask.testing import FlaskClient

from faceserver.web.errors import STATUS
from faceserver.web.pages.sentences import SENTENCES
from tests.test_docs import ABSTRACT, NEVER_OVER_HTTP

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "faceserver/translations/zh/LC_MESSAGES/messages.po"


def title(client: FlaskClient, **headers: str) -> str:
    page = client.get("/faceRetrieve.html", headers=headers).text
    found = re.search(r"<title>(.*)</title>", page)
    assert found
    return found[1]


def choose(client: FlaskClient, **fields: str) -> Any:
    return client.post("/language", data=fields)


@pytest.mark.parametrize(
    "liked", ["zh-CN,zh;q=0.9,en;q=0.8", "zh", "zh-TW", "fr,zh;q=0.5,en;q=0.4"]
)
def test_chinese_browsers_get_chinese(client: FlaskClient, liked: str) -> None:
    assert title(client, accept_language=liked).startswith("检索人脸")


@pytest.mark.parametrize("liked", ["en-GB,en;q=0.9,zh;q=0.8", "fr", "*", "", "not a language!"])
def test_all_others_get_english(client: FlaskClient, liked: str) -> None:
    assert title(client, accept_language=liked).startswith("Retrieve a face")


def test_what_was_chosen_counts_more_than_the_browser(client: FlaskClient) -> None:
    answer = choose(client, language="zh", next="/faceRetrieve.html?face=ab-12")
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        "/faceRetrieve.html?face=ab-12",
    )
    assert title(client, accept_language="en").startswith("检索人脸")
    choose(client, language="en")
    assert title(client, accept_language="zh").startswith("Retrieve a face")


def test_a_language_that_is_not_there_is_refused(client: FlaskClient) -> None:
    assert choose(client, language="xx").status_code == 400
    client.set_cookie("faceserver_language", "../../etc")
    assert title(client, accept_language="zh").startswith("检索人脸")


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example/", "/\\evil.example", ""])
def test_choosing_leads_to_no_other_site(client: FlaskClient, path: str) -> None:
    assert choose(client, language="zh", next=path).headers["Location"] == "/"


def test_scripts_get_their_texts_in_the_page(client: FlaskClient) -> None:
    page = client.get("/faceRetrieve.html", headers={"Accept-Language": "zh"}).text
    assert 'lang="zh-Hans"' in page
    assert r"\u5c31\u7eea" in page  # Ready, as JSON in ASCII


def test_every_error_has_a_sentence() -> None:
    codes = STATUS.keys() - ABSTRACT - NEVER_OVER_HTTP
    assert codes - SENTENCES.keys() == set()
    assert SENTENCES.keys() - STATUS.keys() == {"method_not_allowed", "unsupported_media_type"}


def messages() -> list[Message]:
    with CATALOGUE.open("rb") as file:
        return [message for message in read_po(file, locale="zh") if message.id]


def test_every_text_is_translated() -> None:
    assert [message.id for message in messages() if not all(_forms(message))] == []
    assert [message.id for message in messages() if message.fuzzy] == []


def test_translations_keep_the_places_of_values() -> None:
    for message in messages():
        english = message.id if isinstance(message.id, str) else message.id[-1]
        for form in _forms(message):
            assert sorted(_places(form)) == sorted(_places(english)), message.id


def test_the_catalogue_has_what_the_code_has(tmp_path: Path) -> None:
    template = tmp_path / "messages.pot"
    command = re.search(
        r"\.venv/bin/pybabel.* extract (?:.|\\\n)*? \.\n", (ROOT / "scripts/texts").read_text()
    )
    assert command
    arguments = command[0].replace("\\\n", " ").replace('"$template"', str(template)).split()
    subprocess.run([str(ROOT / arguments[0]), *arguments[1:]], cwd=ROOT, check=True)
    with template.open("rb") as file:
        found = {message.id for message in read_po(file) if message.id}
    assert found == {message.id for message in messages()}, "run `make texts`"


def _forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or [""])


def _places(text: str) -> list[str]:
    return re.findall(r"%\(\w+\)s", text)
