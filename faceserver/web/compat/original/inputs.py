"""Strict parsing: what comes out is pictures as bytes, and URLs, within the limits."""

from flask import Flask, Request
from pydantic import ValidationError
from werkzeug.datastructures import FileStorage, ImmutableMultiDict
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from faceserver.api.base import Request as ApiRequest
from faceserver.api.pictures import Credentials
from faceserver.config import Settings
from faceserver.errors import FileTooLarge, InvalidRequest, NoFile, RequestTooLarge, TooManyItems
from faceserver.services.outcomes import NewPicture, Refused
from faceserver.services.registering import Link
from faceserver.web.forms import file_bytes
from faceserver.web.guard.bodies import check_values
from faceserver.web.jsontext import strict_json, utf8_json
from faceserver.web.multipart import form_problem

_TEXT_BYTES = 500_000
_URL_BYTES = 8_192
_SPARE_PARTS = 100

Fields = ImmutableMultiDict[str, str]
Files = ImmutableMultiDict[str, FileStorage]


class _UrlItem(ApiRequest):
    """A picture to fetch; whether its URL is one is found out when it is fetched."""

    url: str
    auth: Credentials | None = None


def set_limits(app: Flask, settings: Settings) -> None:
    """Bound what Flask reads before anything here sees it."""
    app.config.update(
        MAX_CONTENT_LENGTH=settings.max_request_bytes,
        MAX_FORM_MEMORY_SIZE=_TEXT_BYTES,
        # A few more than are taken, so that who sends slightly too many learns what the limit is.
        MAX_FORM_PARTS=settings.max_files + _SPARE_PARTS,
    )


def pictures(request: Request, settings: Settings) -> list[NewPicture | Refused]:
    """The pictures of a form, in order.

    The field ``names`` lists the file fields, each followed by ``*``; without it, every file
    field counts.

    Returns:
        For each picture its bytes, or why it cannot be taken: it is too large, or the field that
        ``names`` lists is not there.

    Raises:
        NoFile: there is none at all.
        TooManyItems: there are more than one call takes.
        RequestTooLarge: the form is over its limit.
    """
    fields, files = _form(request, settings)
    # A field that is listed twice still holds its files once.
    listed = dict.fromkeys(filter(None, fields.get("names", "").split("*")))
    found = [(name, files.getlist(name)) for name in listed or files]
    count = sum(max(1, len(group)) for _, group in found)
    if count == 0:
        told = form_problem(request) or "send multipart/form-data with a file field for each"
        raise NoFile(f"no picture was sent: {told}")
    if count > settings.max_files:
        raise TooManyItems(f"{count} pictures are too many: at most {settings.max_files}")
    return [item for name, group in found for item in _field_items(name, group)]


def one_picture(request: Request, settings: Settings) -> bytes:
    """The single picture of a form; the field ``name``, if there is one, names its file field.

    Raises:
        NoFile: there is none, or none of that name.
        TooManyItems: there are several.
        FileTooLarge: it has too many bytes.
        RequestTooLarge: the form is over its limit.
    """
    fields, files = _form(request, settings)
    name = fields.get("name")
    found = files.getlist(name) if name else [file for _, file in files.items(multi=True)]
    if not found:
        wanted = f"a file field {name!r}" if name else "a file field"
        told = form_problem(request) or f"send multipart/form-data with {wanted}"
        raise NoFile(f"no picture was sent: {told}")
    if len(found) > 1:
        raise TooManyItems(f"{len(found)} pictures were sent: send exactly one")
    return file_bytes(found[0])


def urls(request: Request, settings: Settings) -> list[Link]:
    """The list ``urls`` of a JSON object, in order: texts, or objects with ``url`` and ``auth``.

    Raises:
        UnsupportedMediaType: the body is not declared as JSON.
        InvalidRequest: it is no such object, or the list is empty.
        TooManyItems: there are more URLs than one call takes.
        RequestTooLarge: the body is over its limit.
    """
    if not request.is_json:
        raise UnsupportedMediaType("send JSON, with Content-Type: application/json")
    body = _json(request, settings)
    found = body.get("urls") if isinstance(body, dict) else None
    if not isinstance(found, list):
        raise InvalidRequest('send a JSON object with a list of texts: {"urls": ["http://..."]}')
    if not found:
        raise InvalidRequest("the list of URLs is empty")
    if len(found) > settings.max_urls:
        raise TooManyItems(f"{len(found)} URLs are too many: at most {settings.max_urls}")
    return [_link(item) for item in found]


def includes_path(request: Request) -> bool:
    """Whether ``?include=path`` asks for the stored pictures' paths.

    Raises:
        InvalidRequest: something else is asked for.
    """
    include = request.args.get("include")
    if include not in {None, "path"}:
        raise InvalidRequest(f"include can be 'path', not {include!r}")
    return include == "path"


def _form(request: Request, settings: Settings) -> tuple[Fields, Files]:
    try:
        fields, files = request.form, request.files
    except RequestEntityTooLarge as error:
        raise RequestTooLarge(
            f"the form is too large: at most {settings.max_request_bytes} bytes "
            f"and {settings.max_files} pictures"
        ) from error
    return fields, files


def _field_items(name: str, group: list[FileStorage]) -> list[NewPicture | Refused]:
    if not group:
        return [Refused(name, NoFile(f"the form has no file field {name!r}"))]
    return [_item(file) for file in group]


def _item(file: FileStorage) -> NewPicture | Refused:
    name = file.filename or file.name or ""
    try:
        return NewPicture.of_bytes(name, file_bytes(file))
    except FileTooLarge as error:
        return Refused(name, error)


def _link(item: object) -> Link:
    try:
        known = _UrlItem(url=item) if isinstance(item, str) else _UrlItem.model_validate(item)
    except ValidationError as error:  # of which nothing is told back: it may be a password
        raise InvalidRequest(
            'each of the URLs is a text, or {"url": "http://...", "auth": {"username": "...", '
            '"password": "...", "scheme": "auto"}}'
        ) from error
    return Link(known.url, known.auth)


def _json(request: Request, settings: Settings) -> object:
    limit = min(settings.max_request_bytes, settings.max_urls * _URL_BYTES)
    request.max_content_length = limit
    try:
        text = utf8_json(request.get_data())
        check_values(text)
        body = strict_json(text)
    except RequestEntityTooLarge as error:
        raise RequestTooLarge(f"the body is too large: at most {limit} bytes") from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("the body is not valid JSON") from error
    return body
