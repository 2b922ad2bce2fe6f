"""Behind a proxy, a request is seen as its client sent it: address, scheme, host and sub-path.

The proxies tell these in ``X-Forwarded-For``, ``-Proto``, ``-Host`` and ``-Prefix``. Anybody can
send such headers, so they count from the settings' proxies alone; from others they are dropped.
"""

import re
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.middleware.proxy_fix import ProxyFix

from faceserver.access.addresses import Proxies, place_of
from faceserver.runtime import waiting

_FOR, _PROTO, _HOST, _PREFIX = (
    f"HTTP_X_FORWARDED_{name}" for name in ("FOR", "PROTO", "HOST", "PREFIX")
)
_OTHERS = ("HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_SERVER", "HTTP_FORWARDED")

_FORMS = {
    _PROTO: re.compile(r"https?"),
    _HOST: re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII),
    _PREFIX: re.compile(r"(?:/[\w.~-]+)*", re.ASCII),
}
"""What a value must look like; another one is not taken."""

_ORIGINAL = "werkzeug.proxy_fix.orig"


class TrustedProxies:
    """A WSGI application around another one; puts the client's place, name and path into requests.

    Several proxies in a row are followed as far as they are trusted.
    """

    def __init__(self, app: WSGIApplication, proxies: Proxies) -> None:
        """Take the application inside, and whose headers are believed."""
        self._app = app
        self._proxies = proxies

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request as its client sent it."""
        for name in _OTHERS:
            environ.pop(name, None)
        route = self._proxies.route(str(environ.get("REMOTE_ADDR", "")), str(environ.get(_FOR, "")))
        for name, form in _FORMS.items():
            value = _told(str(environ.pop(name, "")), route.proxies)
            if value is not None and form.fullmatch(value):
                environ[name] = value
        environ[_FOR] = route.client
        if not route.proxies:
            del environ[_FOR]
            return self._app(environ, start_response)
        inside = ProxyFix(self._app, x_for=1, x_proto=1, x_host=1, x_prefix=1)
        token = waiting.place.set(place_of(route.client) if route.is_client_known else "")
        try:
            return inside(environ, start_response)
        finally:
            waiting.place.reset(token)


def own_host(environ: WSGIEnvironment) -> str | None:
    """The ``Host`` that a request came with, before a proxy's word took its place."""
    original = environ.get(_ORIGINAL)
    found = original.get("HTTP_HOST") if original else environ.get("HTTP_HOST")
    return None if found is None else str(found)


def _told(header: str, proxies: int) -> str | None:
    """What the farthest trusted proxy told; those before the server may each have added a value."""
    values = [value.strip() for value in header.split(",")]
    if not proxies or not header:
        return None
    return values[-min(proxies, len(values))].rstrip("/")
