"""What keeps other sites out, and the headers that every answer carries.

As long as no API key exists, the server changes state without asking who calls, so a page of
another site must not be able to call it through a visitor's browser: neither by posting to it
(refused by ``Sec-Fetch-Site`` and ``Origin``) nor by pointing a name of its own at a loopback
address (refused by ``Host``). Programs that are no browsers send neither header and are served; so
are the pages of origins that the settings name.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, Response, request

from faceserver.config import Settings
from faceserver.errors import FaceServerError
from faceserver.web.doors import listener_of
from faceserver.web.guard.proxies import own_host

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:{pictures}; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    # With "no-referrer" a browser would send our own forms with the origin "null".
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class CrossOrigin(FaceServerError):
    """A page of another site made a browser send this request."""

    code = "cross_origin"


class UntrustedHost(FaceServerError):
    """The request calls the server by a name that is not its own."""

    code = "untrusted_host"


def guard(app: Flask, settings: Settings) -> None:
    """Check every request, and put the headers on every answer.

    Args:
        app: to be guarded.
        settings: where it listens, what it is called, and which sites may call it.
    """
    names, origins = trusted_names(settings.host), frozenset(settings.cors_origins)
    headers = {"Content-Security-Policy": _policy(settings.s3_public_endpoint), **_HEADERS}
    if names is not None:
        names |= {name.lower() for name in settings.host_names}

    @app.before_request
    def refuse() -> None:
        listener = listener_of(request.environ)
        known = names if listener is None else trusted_names(listener.host)
        if known is not None:
            _refuse_untrusted_host(known)
        if request.method not in _SAFE_METHODS and request.headers.get("Origin") not in origins:
            _refuse_other_sites()

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(headers)
        # Nothing of a gallery stays behind in a browser, unless its view says so.
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _policy(pictures: str | None) -> str:
    """What pages may load; pictures also from where the settings have them led to."""
    if pictures is None:
        return _POLICY.format(pictures="")
    url = urlsplit(pictures)
    return _POLICY.format(pictures=f" {url.scheme}://{url.netloc}")


def trusted_names(host: str) -> frozenset[str] | None:
    """The names that a server listening on ``host`` may be called by; None when any will do.

    Only a server on a loopback address knows all of its names.
    """
    if host == "localhost":
        return _LOOPBACK_NAMES
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return _LOOPBACK_NAMES | {str(address)} if address.is_loopback else None


def _refuse_untrusted_host(names: frozenset[str]) -> None:
    # A page that comes here by a name of its own can say that it is a proxy: both are looked at.
    for header in (own_host(request.environ), request.headers.get("Host")):
        # Without the header it is HTTP/1.0, which no browser speaks.
        if header is not None and _hostname(f"//{header}") not in names:
            expected = ", ".join(sorted(names))
            raise UntrustedHost(f"this server is known as {expected}, not as {header!r}")


def _refuse_other_sites() -> None:
    if request.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}:
        raise CrossOrigin("pages of other sites may not use this server")
    origin = request.headers.get("Origin")
    if origin is not None and _netloc(origin) != request.headers.get("Host", "").lower():
        raise CrossOrigin(f"pages of {origin} may not use this server")


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _netloc(url: str) -> str | None:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return None
