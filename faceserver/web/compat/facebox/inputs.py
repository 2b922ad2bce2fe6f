"""What Facebox's clients send: JSON, forms and queries, in any mixture."""

from collections.abc import Mapping
from typing import Any

from flask import request

from faceserver.config import Settings
from faceserver.errors import FileTooLarge, InvalidRequest, NoFile
from faceserver.services.outcomes import NewPicture
from faceserver.web.compat.bodies import base64_bytes, json_object
from faceserver.web.compat.facebox import faceprints
from faceserver.web.compat.facebox.faceprints import Faceprint
from faceserver.web.context import backend, services
from faceserver.web.forms import file_bytes, form, within_limit

_TRUE = frozenset({"1", "true", "yes"})
_MOST_SIMILAR = 100
_MOST_FACEPRINTS = 400
_BESIDE = 65_536


def allow_large_texts() -> None:
    """Let texts of forms be as large as pictures in base64: the Go client sends them so."""
    request.max_form_memory_size = backend().settings.max_file_bytes * 4 // 3 + _BESIDE


def fields() -> dict[str, Any]:
    """What the current request says, wherever: in its query, and in its JSON or its form.

    Raises:
        InvalidRequest: its body cannot be read.
        RequestTooLarge: it is over its limit.
    """
    told: Mapping[str, Any] = json_object(request) if request.is_json else form()[0]
    return {**request.args, **told}


def picture(told: Mapping[str, Any]) -> bytes:
    """The picture of the current request: a file, base64 or behind a URL.

    Raises:
        NoFile: there is none.
        FileTooLarge: it has too many bytes.
        FetchError: its URL gives none, or must not be asked.
        InvalidRequest: it is no base64.
    """
    if not request.is_json and form()[1]:
        return file_bytes(next(iter(form()[1].values())))
    if told.get("base64"):
        return within_limit(base64_bytes(told["base64"]))
    if told.get("url"):
        return services().analysis.fetch(text(told, "url"))
    raise NoFile("no picture was sent: send a file, base64 or a url")


def state_file(told: Mapping[str, Any], settings: Settings) -> bytes:
    """The backup of the current request: a file, or behind a URL.

    Raises:
        NoFile: there is none.
        FileTooLarge: it has too many bytes.
        FetchError: its URL gives none, or must not be asked.
    """
    file = None if request.is_json else next(iter(form()[1].values()), None)
    if file is None:
        return picture(told)
    data = file.stream.read(settings.max_request_bytes + 1)
    if len(data) > settings.max_request_bytes:
        raise FileTooLarge(f"the state has more than {settings.max_request_bytes} bytes")
    return data


def lesson(told: Mapping[str, Any]) -> NewPicture:
    """A picture that is to be taught, with its name and its id.

    Raises:
        InvalidRequest: it has no name.
        NoFile: there is none.
        FileTooLarge: it has too many bytes.
        FetchError: its URL gives none, or must not be asked.
    """
    name = text(told, "name")
    data = picture(told)
    own = example(told)
    return NewPicture(own, lambda: data, person=name, external_id=own)


def example(told: Mapping[str, Any]) -> str:
    """The id that something is taught with; without one, the name.

    Raises:
        InvalidRequest: there is neither.
    """
    return text(told, "id") if told.get("id") else text(told, "name")


def text(told: Mapping[str, Any], name: str) -> str:
    """A field that must be there.

    Raises:
        InvalidRequest: it is not, or is empty, or no text.
    """
    found = told.get(name)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    if not isinstance(found, str) or not found.strip():
        raise InvalidRequest(f"{name} required")
    return found.strip()


def wants_faceprints(told: Mapping[str, Any]) -> bool:
    """Whether the answer shall have faceprints."""
    return str(told.get("faceprint", "")).lower() in _TRUE


def faceprint(told: Mapping[str, Any]) -> Faceprint | None:
    """The faceprint that comes instead of a picture, None if none does.

    Raises:
        InvalidEmbedding: it is none.
    """
    found = told.get("faceprint")
    if not found or wants_faceprints(told):
        return None
    return faceprints.decoded(found)


def all_faceprints(told: Mapping[str, Any]) -> list[Faceprint]:
    """The list of faceprints.

    Raises:
        InvalidRequest: there is none, or it is too long.
        InvalidEmbedding: something in it is none.
    """
    found = told.get("faceprints")
    if not isinstance(found, list) or not 1 <= len(found) <= _MOST_FACEPRINTS:
        raise InvalidRequest(f"faceprints required: a list of 1 to {_MOST_FACEPRINTS} texts")
    return [faceprints.decoded(item) for item in found]


def limit(told: Mapping[str, Any], otherwise: int) -> int:
    """How many similar faces are wanted.

    Raises:
        InvalidRequest: it is no number that can be.
    """
    found = str(told.get("limit", otherwise))
    if not found.isascii() or not found.isdecimal() or not 1 <= int(found) <= _MOST_SIMILAR:
        raise InvalidRequest(f"limit must be a number from 1 to {_MOST_SIMILAR}")
    return int(found)
