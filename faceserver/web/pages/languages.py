"""The languages of the pages: which one a browser gets, and where its texts come from.

Every text is written in English where it is used, in a template, a script or a module. Its other
languages stand in one catalogue each, ``translations/<language>/LC_MESSAGES/messages.po``, which is
read as it is: there is no compiled copy that could differ from it. ``make texts`` brings the
catalogues up to date with the code.
"""

import io
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Blueprint, Flask, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import Babel, Domain, get_locale

from faceserver.errors import InvalidRequest
from faceserver.web.guard.scopes import scope

LANGUAGES: Mapping[str, str] = {"en": "English", "zh": "中文"}
"""Each language's name in itself, by its code in the catalogue's path."""

COOKIE = "faceserver_language"

blueprint = Blueprint("languages", __name__)

_SOURCE = "en"
_TAGS = {"zh": "zh-Hans"}
"""What HTML calls a language, where that is more exact than its code."""

_FOLDER = Path(__file__).resolve().parents[2] / "translations"
_YEAR = 365 * 24 * 3600
_OWN_ADDRESS = re.compile(r"/(?:[\w.-]+/)*[\w.-]*(?:\?[\w.~%&=+-]*)?", re.ASCII)
"""A path on this server with its query: no scheme, no host, no second slash that begins one."""


class _Catalogues(Domain):  # type: ignore[misc] # it has no types
    """The texts out of the ``.po`` files."""

    def get_translations(self) -> NullTranslations:
        return _translations(_code())


class _Languages(Babel):  # type: ignore[misc] # it has no types
    domain_instance = _Catalogues()


def register(app: Flask) -> None:
    """Answer each request in its language."""
    _Languages(app, locale_selector=_selected)
    app.context_processor(
        lambda: {
            "language": _code(),
            "language_tag": _TAGS.get(_code(), _code()),
            "languages": LANGUAGES,
        }
    )


def own_address(address: str) -> str | None:
    """The address, if it leads to a page of this server; None otherwise."""
    return address if _OWN_ADDRESS.fullmatch(address) else None


def cookie_path() -> str:
    """Where our cookies are sent: below the address of this server, which may be a sub-path."""
    return request.script_root or "/"


def script_texts() -> Mapping[str, str | list[str]]:
    """The texts that the scripts use, by their English.

    Returns:
        What stands for each in the request's language: one text, or one for each number where it
        differs by number. English needs none: it is what the scripts are written in.
    """
    return _script_texts(_code())


@blueprint.post("/language")
@scope("public", body="small")
def choose() -> ResponseReturnValue:
    """Show the pages in another language from now on."""
    language = request.form.get("language", "")
    if language not in LANGUAGES:
        raise InvalidRequest(f"language can be {' or '.join(LANGUAGES)}, not {language!r}")
    back = own_address(request.form.get("next", "")) or url_for("pages.home")
    answer = make_response(redirect(back, 303))
    answer.set_cookie(
        COOKIE, language, path=cookie_path(), max_age=_YEAR, httponly=True, samesite="Strict"
    )
    return answer


def _selected() -> str:
    """What was chosen on a page, or what the browser likes best."""
    chosen = request.cookies.get(COOKIE, "")
    return chosen if chosen in LANGUAGES else _liked()


def _liked() -> str:
    return request.accept_languages.best_match(list(LANGUAGES), default=_SOURCE) or _SOURCE


def _code() -> str:
    locale = get_locale()
    return locale.language if locale else _SOURCE


@cache
def _catalog(language: str) -> Catalog:
    path = _FOLDER / language / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        return read_po(file, locale=language)


@cache
def _translations(language: str) -> NullTranslations:
    if language == _SOURCE:
        return NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, _catalog(language))
    compiled.seek(0)
    return Translations(compiled)


@cache
def _script_texts(language: str) -> Mapping[str, str | list[str]]:
    if language == _SOURCE:
        return {}
    texts: dict[str, str | list[str]] = {}
    for message in _catalog(language):
        if message.id and any(path.endswith(".js") for path, _ in message.locations):
            english = message.id if isinstance(message.id, str) else message.id[0]
            texts[english] = (
                message.string if isinstance(message.string, str) else list(message.string or ())
            )
    return texts
