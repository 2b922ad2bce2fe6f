"""AWS Signature Version 4, checked: who signed a request knows the secret of an access key id.

What is signed is the request in a canonical form, with a key that is derived from the secret for
one day, region and service. See AWS's "Create a signed AWS API request".
"""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"
TIME_FORM = "%Y%m%dT%H%M%SZ"
_TERMINATOR = "aws4_request"
_UNRESERVED = "-_.~"
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_HEADER_NAME = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True)
class Authorization:
    """What the header ``Authorization`` of a signed request says.

    Attributes:
        access_id: the access key id.
        day: of the derived key, as YYYYMMDD.
        region: likewise.
        service: likewise.
        signed: the names of the signed headers, in small letters.
        signature: 64 hexadecimal digits.
    """

    access_id: str
    day: str
    region: str
    service: str
    signed: tuple[str, ...]
    signature: str

    @property
    def scope(self) -> str:
        """What the derived key is good for."""
        return "/".join((self.day, self.region, self.service, _TERMINATOR))


@dataclass(frozen=True)
class SignedRequest:
    """What of a request is signed.

    Attributes:
        method: of HTTP.
        path: decoded.
        query: as it was sent, without the question mark.
        header: gives a header's value by its name, None if there is none.
        time: when it was signed, in the form of ``X-Amz-Date``.
        body: its bytes.
    """

    method: str
    path: str
    query: str
    header: Callable[[str], str | None]
    time: str
    body: bytes


def parse(header: str) -> Authorization | None:
    """What an ``Authorization`` header says; None if it has another form."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme != ALGORITHM:
        return None
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    scope = fields.get("Credential", "").split("/")
    signed = tuple(fields.get("SignedHeaders", "").split(";"))
    signature = fields.get("Signature", "")
    if len(scope) != 5 or scope[-1] != _TERMINATOR or not _SIGNATURE.fullmatch(signature):
        return None
    if not all(_HEADER_NAME.fullmatch(name) for name in signed):
        return None
    access_id, day, region, service, _ = scope
    return Authorization(access_id, day, region, service, signed, signature)


def parse_time(text: str) -> datetime | None:
    """A time as ``X-Amz-Date`` has it, in UTC; None if it has another form."""
    try:
        return datetime.strptime(text, TIME_FORM).replace(tzinfo=UTC)
    except ValueError:
        return None


def is_signed_with(secret: str, authorization: Authorization, request: SignedRequest) -> bool:
    """Whether a request's signature was made with a secret."""
    expected = signature(secret, authorization, request)
    return hmac.compare_digest(expected, authorization.signature)


def signature(secret: str, authorization: Authorization, request: SignedRequest) -> str:
    """The signature that a request must have, in hexadecimal digits."""
    canonical = canonical_request(request, authorization.signed)
    text = "\n".join(
        (ALGORITHM, request.time, authorization.scope, sha256(canonical.encode()).hexdigest())
    )
    key = f"AWS4{secret}".encode()
    for part in authorization.scope.split("/"):
        key = _hmac(key, part)
    return _hmac(key, text).hex()


def canonical_request(request: SignedRequest, signed: tuple[str, ...]) -> str:
    """A request in the form that is signed; the payload's hash is always the body's own."""
    headers = "".join(f"{name}:{_trimmed(request.header(name))}\n" for name in signed)
    return "\n".join(
        (
            request.method,
            _canonical_path(request.path),
            "&".join(sorted(_canonical_parameters(request.query))),
            headers,
            ";".join(signed),
            sha256(request.body).hexdigest(),
        )
    )


def _canonical_path(path: str) -> str:
    """The path, encoded twice: of every service but S3, what was sent is encoded once more."""
    return quote(quote(path, safe=f"/{_UNRESERVED}"), safe=f"/{_UNRESERVED}") or "/"


def _canonical_parameters(query: str) -> list[str]:
    return [part if "=" in part else f"{part}=" for part in query.split("&") if part]


def _trimmed(value: str | None) -> str:
    return " ".join((value or "").split())


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), sha256).digest()
