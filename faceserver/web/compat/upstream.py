"""Requests that are handed on, as they came, to another server that the settings name."""

from collections.abc import Mapping
from dataclasses import dataclass

import requests
from flask import Request

from faceserver.errors import UpstreamFailed

_SECONDS = (5.0, 120.0)
"""To connect, and between two bytes of the answer: other models may have to be loaded first."""

_MAX_BYTES = 64_000_000
_CHUNK_BYTES = 65_536


@dataclass(frozen=True)
class Answer:
    """What another server has answered."""

    status: int
    content_type: str
    body: bytes


def handed_on(request: Request, url: str) -> Answer:
    """Send a request's body to another server; call it before anything has read the form.

    Of the headers its type alone goes along: no key of ours leaves the house.

    Raises:
        UpstreamFailed: there is no answer, or it is larger than any should be.
    """
    body = request.get_data(parse_form_data=False)
    headers: Mapping[str, str] = {"Content-Type": request.content_type or ""}
    try:
        with requests.Session() as session:
            session.trust_env = False
            with session.request(
                request.method,
                url,
                data=body,
                headers=headers,
                timeout=_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as answer:
                return Answer(
                    answer.status_code,
                    answer.headers.get("Content-Type", "application/octet-stream"),
                    _read(answer),
                )
    except requests.RequestException as error:
        raise UpstreamFailed(f"{url} gives no answer: {type(error).__name__}") from error


def _read(answer: requests.Response) -> bytes:
    parts, size = [], 0
    for part in answer.iter_content(_CHUNK_BYTES):
        size += len(part)
        if size > _MAX_BYTES:
            raise UpstreamFailed("the other server's answer is too large")
        parts.append(part)
    return b"".join(parts)
