"""Requests out, answers in, and what can go wrong between."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from time import sleep
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar
from uuid import UUID

import requests
from pydantic import BaseModel, ValidationError

from faceserver.api.base import PageOf, Problem
from faceserver.api.faces import SearchFilter
from faceserver.api.pictures import UrlPicture
from faceserver.errors import FaceServerError
from faceserver.pictures.direct import checked_key, direct_session, led_on

Picture = Path | bytes | str | UrlPicture
"""A file, its bytes, a URL, or a URL with what its host asks for."""

Answer = TypeVar("Answer", bound=BaseModel)
Item = TypeVar("Item")

_TIMEOUT = 60.0
_BUSY = 503
_TRIES = 6
"""Times that a request is sent to a server that has too much to do and says when to come back."""
_MAX_PAUSE = 10


class ApiError(FaceServerError):
    """The server refused, or could not be reached.

    Attributes:
        code: the problem's; ``unreachable`` without an answer of the server.
        problem: what it said, None if that was no problem of the API.
    """

    def __init__(self, message: str, *, code: str, problem: Problem | None = None) -> None:
        """Take what is known."""
        super().__init__(message)
        self.code = code
        self.problem = problem


class _List(Protocol[Item]):
    """A method that gives a page."""

    def __call__(self, *, limit: int, cursor: str | None) -> PageOf[Item]:
        """Give a page."""
        ...


def every(pages: _List[Item], *, limit: int = 1000) -> Iterator[Item]:
    """All items of a list, page by page: ``every(partial(client.list_faces, "default"))``.

    Raises:
        ApiError: a page cannot be had.
    """
    cursor = None
    while True:
        page = pages(limit=limit, cursor=cursor)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


class Transport:
    """One server and the way to it."""

    def __init__(self, url: str, *, key: str | None = None, timeout: float = _TIMEOUT) -> None:
        """Connect to nothing yet.

        Args:
            url: the server's address, such as ``http://127.0.0.1:8000``.
            key: an API key, if the server wants one.
            timeout: seconds until an answer must begin.

        Raises:
            InvalidRequest: the key cannot be one.
        """
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._session = direct_session()
        if key:
            self._session.headers["Authorization"] = f"Bearer {checked_key(key)}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def send_picture(
        self, kind: type[Answer], path: str, picture: Picture, fields: dict[str, Any]
    ) -> Answer:
        """Send a picture and fields: as a form, or as JSON where the picture is a URL."""
        if isinstance(picture, str | UrlPicture):
            body = {name: json_of(value) for name, value in fields.items()}
            return self.call(kind, "POST", path, json={**body, **link_of(picture)})
        return self.call(kind, "POST", path, files={"file": file_of(picture)}, data=fields)

    def list_of(
        self,
        kind: type[Answer],
        path: str,
        limit: int,
        cursor: str | None,
        only: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Ask for a page of a list."""
        query = {**(only or {}), "limit": limit, "cursor": cursor}
        return self.call(kind, "GET", path, params=query)

    def call(self, kind: type[Answer], method: str, path: str, **arguments: Any) -> Answer:
        """Send a request; give the answer as its model.

        Raises:
            ApiError: the server refused, or could not be reached.
        """
        response = self.ask(method, path, **arguments)
        try:
            return kind.model_validate_json(response.content)
        except ValidationError as error:
            raise ApiError(
                f"{self._url} does not answer like this API: is it another version?",
                code="unexpected_answer",
            ) from error

    def ask(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """Send a request; again, a little later, where the server has too much to do.

        Raises:
            ApiError: the server refused, or could not be reached.
        """
        for _ in range(_TRIES):
            response = self._send(method, path, **arguments)
            seconds = response.headers.get("Retry-After", "")
            if response.status_code != _BUSY or not seconds.isdigit():
                break
            sleep(min(int(seconds), _MAX_PAUSE))  # nothing was begun, so it is safe to send again
        if response.ok:
            return response
        try:
            problem = Problem.model_validate_json(response.content)
        except ValidationError:
            message = f"{self._url} answered with status {response.status_code}"
            raise ApiError(message, code="unexpected_answer") from None
        raise ApiError(problem.detail, code=problem.code, problem=problem)

    def _send(self, method: str, path: str, **arguments: Any) -> requests.Response:
        try:
            answer = self._session.request(
                method,
                f"{self._url}/v1{path}",
                timeout=self._timeout,
                allow_redirects=False,
                **arguments,
            )
        except requests.RequestException as error:
            raise ApiError(f"{self._url} cannot be reached: {error}", code="unreachable") from error
        if (other := led_on(answer)) is not None:
            raise ApiError(
                f"{self._url} leads on to {other}: name that address instead", code="unreachable"
            )
        return answer


def path_of(collection: str) -> str:
    """Where a collection's operations are."""
    return f"/collections/{collection}"


def file_of(picture: Path | bytes) -> tuple[str, bytes]:
    """A picture as a form holds it: name and bytes."""
    if isinstance(picture, bytes):
        return "picture", picture
    return picture.name.encode(errors="replace").decode(), picture.read_bytes()


def link_of(picture: str | UrlPicture) -> dict[str, Any]:
    """A picture that the server fetches, as JSON has it."""
    if isinstance(picture, str):
        return {"url": picture}
    return picture.model_dump(mode="json", exclude_none=True)


def given(**fields: Any) -> dict[str, Any]:
    """The fields that are not None, as JSON has them."""
    return {name: json_of(value) for name, value in fields.items() if value is not None}


def json_of(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, UUID):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def dumped_filter(only: SearchFilter | None) -> dict[str, Any]:
    """What is set of a filter."""
    return only.model_dump(mode="json", exclude_none=True) if only else {}
