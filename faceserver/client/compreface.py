"""Reads what a running CompreFace holds: its subjects, and the pictures by which it knows them."""

from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import requests
from pydantic import BaseModel, ValidationError

from faceserver.client.transport import ApiError
from faceserver.errors import EmptyFile, FileTooLarge, UrlFailed
from faceserver.pictures.direct import checked_key, direct_session, led_on

_ROOT = "/api/v1/recognition"
_PAGE = 1_000
_TIMEOUT = 60.0
_CHUNK_BYTES = 64 * 1024
_MAX_LIST_BYTES = 64_000_000
_MAX_TOLD = 200
"""Characters of what the other side says about an error."""

Answer = TypeVar("Answer", bound=BaseModel)


class _Example(BaseModel):
    image_id: UUID
    subject: str


class _Page(BaseModel):
    faces: list[_Example]
    total_pages: int


class _Subjects(BaseModel):
    subjects: list[str]


class _Problem(BaseModel):
    message: str


@dataclass(frozen=True)
class Example:
    """A picture by which a subject is known.

    Attributes:
        image_id: its id, as 32 hexadecimal digits.
        subject: whom it shows.
        url: where the picture is; without the key.
    """

    image_id: str
    subject: str
    url: str


class Compreface:
    """One recognition service of a CompreFace. Safe to use from several threads at once."""

    def __init__(self, url: str, *, key: str, max_bytes: int, timeout: float = _TIMEOUT) -> None:
        """Connect to nothing yet.

        Args:
            url: the server's address, such as ``http://127.0.0.1:8000``.
            key: of the recognition service.
            max_bytes: largest picture.
            timeout: seconds until an answer must begin.

        Raises:
            InvalidRequest: the key cannot be one.
        """
        self._url = url.rstrip("/")
        self._headers = {"x-api-key": checked_key(key)}
        self._max_bytes = max_bytes
        self._timeout = timeout

    def subjects(self) -> list[str]:
        """The names of all subjects.

        Raises:
            ApiError: they cannot be had.
        """
        return self._read(_Subjects, "/subjects").subjects

    def examples(self) -> list[Example]:
        """All examples, each once.

        Raises:
            ApiError: they cannot be had.
        """
        found: dict[str, Example] = {}
        number = 0
        while True:
            page = self._read(_Page, "/faces", page=number, size=_PAGE)
            for face in page.faces:
                url = f"{self._url}{_ROOT}/faces/{face.image_id}/img"
                found[face.image_id.hex] = Example(face.image_id.hex, face.subject, url)
            number += 1
            if number >= page.total_pages or not page.faces:
                return list(found.values())

    def picture(self, example: Example) -> bytes:
        """The picture of an example.

        Raises:
            UrlFailed: the server does not give it.
            EmptyFile: it keeps none.
            FileTooLarge: it has too many bytes.
            ApiError: the server cannot be reached.
        """
        status, data = self._ask(example.url, self._max_bytes)
        if status != requests.codes.ok:
            raise UrlFailed(f"CompreFace answered with status {status}")
        if not data:
            raise EmptyFile("CompreFace has no picture of this example")
        return data

    def _read(self, kind: type[Answer], path: str, **query: int) -> Answer:
        status, data = self._ask(f"{self._url}{_ROOT}{path}", _MAX_LIST_BYTES, **query)
        if status != requests.codes.ok:
            raise ApiError(f"{self._url}: {_told(status, data)}", code="unexpected_answer")
        try:
            return kind.model_validate_json(data)
        except ValidationError as error:
            raise ApiError(
                f"{self._url} does not answer like CompreFace", code="unexpected_answer"
            ) from error

    def _ask(self, url: str, most: int, **query: Any) -> tuple[int, bytes]:
        """The status and the body of an answer."""
        try:
            with (
                direct_session() as session,
                session.get(
                    url,
                    params=query,
                    headers=self._headers,
                    timeout=self._timeout,
                    stream=True,
                    allow_redirects=False,
                ) as response,
            ):
                if (other := led_on(response)) is not None:
                    raise ApiError(
                        f"{self._url} leads on to {other}: name that address instead",
                        code="unreachable",
                    )
                data = bytearray()
                for chunk in response.iter_content(_CHUNK_BYTES):
                    data += chunk
                    if len(data) > most:
                        raise FileTooLarge(f"the answer has more than {most} bytes")
                return response.status_code, bytes(data)
        except requests.RequestException as error:
            raise ApiError(f"{self._url} cannot be reached: {error}", code="unreachable") from error


def _told(status: int, data: bytes) -> str:
    try:
        return _Problem.model_validate_json(data).message[:_MAX_TOLD]
    except ValidationError:
        return f"status {status}"
