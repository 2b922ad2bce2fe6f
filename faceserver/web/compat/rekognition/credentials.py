"""Clients of Rekognition sign their requests; our own headers are taken as well.

As long as no key was ever made, nothing is verified: whoever may come in, may come in unsigned.
"""

from datetime import UTC, datetime, timedelta

from flask import Request

from faceserver.access.base import Keys
from faceserver.access.keys import Key
from faceserver.errors import InvalidSignature, NotAuthenticated
from faceserver.runtime.admission import HEADERS_ALONE
from faceserver.web.compat.rekognition import sigv4
from faceserver.web.protocol import header_key

credentials = header_key

SERVICE = "rekognition"
HEADERS = (
    "X-Amz-Target",
    "X-Amz-Date",
    "X-Amz-Content-Sha256",
    "X-Amz-Security-Token",
    "X-Amz-User-Agent",
    "Amz-Sdk-Invocation-Id",
    "Amz-Sdk-Request",
)
"""What clients sign, and so must be able to send."""

_SKEW = timedelta(minutes=15)
_ALWAYS_SIGNED = ("host", "x-amz-date", "x-amz-target")
"""Without the last one, what is asked for could be exchanged for something else."""


def is_signed(request: Request) -> bool:
    """Whether a request says that it is signed: then its body tells whether that is true."""
    return request.headers.get("Authorization", "").startswith(sigv4.ALGORITHM)


def authenticate(request: Request, keys: Keys) -> Key | None:
    """The key that a request is signed with.

    Judged by its headers alone, a request is refused where they are reason enough; whether the
    signature is good is known once the body is there.

    Raises:
        NotAuthenticated: the access key id is not known.
        InvalidSignature: the signature is malformed, too old, or another one.
    """
    if not is_signed(request) or not keys.any():
        return None
    authorization = sigv4.parse(request.headers["Authorization"])
    if authorization is None:
        raise InvalidSignature("the Authorization header is malformed")
    pair = keys.pair(authorization.access_id)
    if pair is None:
        raise NotAuthenticated("the access key id is unknown, or has been revoked")
    time = request.headers.get("X-Amz-Date", "")
    _check_scope(authorization, time)
    if request.environ.get(HEADERS_ALONE):
        return None
    signed = sigv4.SignedRequest(
        method=request.method,
        path=request.root_path + request.path,
        query=request.query_string.decode("latin-1"),
        header=request.headers.get,
        time=time,
        body=request.get_data(),
    )
    if not sigv4.is_signed_with(pair[1], authorization, signed):
        raise InvalidSignature(
            "the signature does not match: check the secret access key, "
            "and that no proxy changes the path or the Host"
        )
    return pair[0]


def _check_scope(authorization: sigv4.Authorization, time: str) -> None:
    missing = [name for name in _ALWAYS_SIGNED if name not in authorization.signed]
    if missing:
        raise InvalidSignature(f"these headers must be signed: {', '.join(missing)}")
    at = sigv4.parse_time(time)
    if at is None or authorization.day != time[:8] or authorization.service != SERVICE:
        raise InvalidSignature(
            f"the signature must be for the day of X-Amz-Date and the service {SERVICE}"
        )
    now = datetime.now(UTC)
    if abs(now - at) > _SKEW:
        word = "expired" if at < now else "not yet current"
        raise InvalidSignature(
            f"Signature {word}: {time} is more than 15 minutes from {now:{sigv4.TIME_FORM}}"
        )
