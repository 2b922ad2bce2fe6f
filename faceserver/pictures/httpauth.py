"""Signing in where a URL asks for it: Basic (RFC 7617) and Digest (RFC 7616)."""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence

from requests.auth import HTTPDigestAuth
from requests.utils import parse_dict_header

from faceserver.api.pictures import Credentials

_MAX_ANSWERS = 2
"""To a first challenge, and to one that says that the nonce of the first has become stale."""

_MAX_CHALLENGES = 10
_ALGORITHMS = ("SHA-512", "SHA-256", "MD5-SESS", "MD5")
"""Those of digests that are known here, the strongest first."""

_START = re.compile(
    r'"(?:\\.|[^"\\])*"'  # what stands in quotes begins nothing
    r"|(?:^|,)\s*([A-Za-z][\w-]*)(?=\s+[\w-]+\s*=|\s*(?:,|$))"
)

Challenge = tuple[str, Mapping[str, str]]
"""A scheme in lower case, and its parameters."""


class SignIn:
    """Answers what one host asks for while one picture is fetched."""

    def __init__(self, credentials: Credentials) -> None:
        """Take the credentials; :meth:`answer` decides whether they are told."""
        self._credentials = credentials
        self._digest = _Digest(credentials)
        self._answers = 0
        self._basic = False

    def unasked(self) -> str | None:
        """The header ``Authorization`` of a first request, None if it is to wait."""
        return self._basic_header() if self._credentials.scheme == "basic" else None

    def answer(self, headers: Sequence[str], url: str) -> str | None:
        """The header ``Authorization`` that answers a status of 401.

        Args:
            headers: each ``WWW-Authenticate`` of the response.
            url: that was asked, as it went over the wire.

        Returns:
            None where there is nothing (more) to try: the credentials are not good, or of a kind
            that nobody asks for. A password that a digest did not prove is never told after it.
        """
        challenges = list(_challenges(headers))[:_MAX_CHALLENGES]
        if self._credentials.scheme != "basic" and not self._basic:
            header = self._digest_header(challenges, url)
            if header is not None or self._answers:
                return header
        wants_basic = any(scheme == "basic" for scheme, _ in challenges)
        if self._credentials.scheme == "digest" or self._basic or not wants_basic:
            return None
        return self._basic_header()

    def _basic_header(self) -> str:
        self._basic = True
        both = f"{self._credentials.username}:{self._credentials.password}"
        return f"Basic {base64.b64encode(both.encode()).decode()}"

    def _digest_header(self, challenges: Sequence[Challenge], url: str) -> str | None:
        asked = [told for scheme, told in challenges if scheme == "digest" and _is_known(told)]
        if self._answers:
            asked = [told for told in asked if told.get("stale", "").lower() == "true"]
        if not asked or self._answers == _MAX_ANSWERS:
            return None
        self._answers += 1
        return self._digest.header(min(asked, key=_rank), url)


class _Digest(HTTPDigestAuth):
    """The digest of requests, for challenges that are handed to it.

    Its own way needs a session, and reads the whole body of a refusal. What a challenge names as
    its ``domain``, hosts where the same credentials would do, is not heeded.
    """

    def __init__(self, credentials: Credentials) -> None:
        super().__init__(credentials.username, credentials.password)
        self.init_per_thread_state()

    def header(self, challenge: Mapping[str, str], url: str) -> str | None:
        # Of several qualities of protection, "auth" is the one that is made here.
        qop = {"qop": "auth"} if challenge.get("qop") else {}
        self._thread_local.chal = {**challenge, **qop}  # type: ignore[attr-defined]
        header: str | None = self.build_digest_header("GET", url)  # type: ignore[no-untyped-call]
        if header is None:
            return None
        for name, value in (("username", str(self.username)), ("realm", challenge["realm"])):
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            header = header.replace(f'{name}="{value}"', f'{name}="{escaped}"', 1)
        # Headers are bytes, written as latin-1; what is beyond ASCII goes as UTF-8.
        return header.encode().decode("latin-1")


def _challenges(headers: Sequence[str]) -> Iterator[Challenge]:
    """What headers ask for: each may hold several challenges, with commas between and in them."""
    for header in headers:
        starts = [found for found in _START.finditer(header) if found[1]]
        ends = [*(found.start() for found in starts[1:]), len(header)]
        for found, end in zip(starts, ends, strict=False):  # without a start there is only the end
            told: dict[str, str | None] = parse_dict_header(  # type: ignore[no-untyped-call]
                header[found.end() : end]
            )
            parameters = {name.lower(): _text(value or "") for name, value in told.items()}
            yield found[1].lower(), parameters


def _is_known(challenge: Mapping[str, str]) -> bool:
    """Whether a digest is one that can be made."""
    qop = challenge.get("qop")
    return (
        {"realm", "nonce"} <= challenge.keys()
        and challenge.get("algorithm", "MD5").upper() in _ALGORITHMS
        and (not qop or "auth" in (kind.strip() for kind in qop.split(",")))
    )


def _rank(challenge: Mapping[str, str]) -> int:
    return _ALGORITHMS.index(challenge.get("algorithm", "MD5").upper())


def _text(value: str) -> str:
    """A parameter as it was meant: headers are bytes, read as latin-1."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value
