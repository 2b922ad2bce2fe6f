"""How often a caller may ask."""

from typing import cast

from flask import Flask, Response, g, request
from flask_limiter import Limiter, RequestLimit
from flask_limiter.util import get_remote_address

from faceserver.access.addresses import place_of
from faceserver.config import Settings
from faceserver.errors import RateLimited
from faceserver.runtime.admission import JUDGED
from faceserver.web.guard.auth import caller, gate, gate_of, shown_key
from faceserver.web.guard.ratecounts import SharedWindowCounts, WindowCounts

_UNLIMITED = frozenset(
    {
        "static",
        "assets.file",
        "health.health",
        "health.live",
        "health.ready",
        "v1_faces.thumbnail",
    }
)
"""What a supervisor or a page asks for, a page many times over, and what is cheap to answer."""


_SIGN_IN = "signin.sign_in"
_FORM_BYTES = 16_384


def limit_rate(app: Flask, settings: Settings) -> None:
    """Refuse callers that ask too often; the counts live in this process, or where servers share.

    A caller is a key, or an address where no key came. Who is refused learns from ``Retry-After``
    when to come back.
    """
    if settings.requests_per_minute == 0:
        return

    @app.after_request
    def tell_only_who_has_to_wait(response: Response) -> Response:
        if response.status_code != 429:  # the library tells everybody when the minute ends
            response.headers.pop("Retry-After", None)
        if "retry_after" in g:
            response.headers["Retry-After"] = str(g.retry_after)
        return response

    counts = gate_of(app).counts
    limiter = Limiter(
        _who,
        application_limits=[f"{settings.requests_per_minute} per minute"],
        application_limits_exempt_when=_is_free,
        storage_uri=f"{(SharedWindowCounts if counts else WindowCounts).STORAGE_SCHEME[0]}://",
        storage_options=cast("dict[str, str | int]", {"counts": counts} if counts else {}),
        headers_enabled=True,
        on_breach=_refuse,
    )
    limiter.init_app(app)


def _is_free() -> bool:
    return request.endpoint in _UNLIMITED or bool(request.environ.get(JUDGED))


def _who() -> str:
    """Whose requests are counted together.

    Who signs in with a good key counts as that key, and the others by their address, apart from
    what else comes from there: so a flood of bad keys locks nobody out, not even of those who seem
    to have the same address.
    """
    place = place_of(get_remote_address())
    if request.endpoint != _SIGN_IN:
        return caller().key_id or place
    key = gate().keys.find(shown_key()) if (request.content_length or 0) <= _FORM_BYTES else None
    return key.id if key else f"sign-in {place}"


def _refuse(limit: RequestLimit) -> None:
    raise RateLimited(f"more than {limit.limit.amount} requests in a minute")
