"""Connections straight to a server that the user has named.

Nothing of the environment takes part: no proxy, which would get pictures, vectors and keys, and no
``.netrc``, whose password would take the key's place. Certificates of one's own are the exception,
which change nothing about who is called.
"""

import os
import re

import requests

from faceserver.errors import InvalidRequest

_MAX_TOLD = 200
_KEY = re.compile(r"[!-~]+")


def direct_session() -> requests.Session:
    """A session without proxies and without passwords of the environment.

    ``REQUESTS_CA_BUNDLE`` names certificates to trust, as everywhere with requests.
    """
    session = requests.Session()
    session.trust_env = False
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
    return session


def checked_key(key: str) -> str:
    """A key as a header can hold it, without blanks or a line break around it.

    Raises:
        InvalidRequest: it holds something else than visible ASCII. The message does not tell the
            key, as the one of requests would.
    """
    key = key.strip()
    if not _KEY.fullmatch(key):
        raise InvalidRequest("the key must consist of visible ASCII characters")
    return key


def led_on(answer: requests.Response) -> str | None:
    """Where a server sends its callers instead of answering; None if it does not.

    Nobody follows it by themselves: the other address would get the key, and the pictures.
    """
    return answer.headers.get("Location", "")[:_MAX_TOLD] if answer.is_redirect else None
