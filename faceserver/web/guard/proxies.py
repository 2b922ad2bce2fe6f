"""Behind a proxy, a request is seen as its client sent it: address, scheme, host and sub-path.

The proxies tell these in ``X-Forwarded-For``, ``-Proto``, ``-Host`` and ``-Prefix``. Anybody can
send such headers, so they count from the settings' proxies alone; from others they are dropped.
"""

import re
from wsgiref.types import WSGIEnvironment

from faceserver.access.addresses import Proxies, Route

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


def believed(environ: WSGIEnvironment, proxies: Proxies) -> Route:
    """Leave in a request what its trusted proxies told, and nothing that anybody else has.

    Several proxies in a row are followed as far as they are trusted.

    Args:
        environ: of the request; each header holds one value afterwards, or is gone.
        proxies: whose headers are believed.

    Returns:
        The way that the request came.
    """
    for name in _OTHERS:
        environ.pop(name, None)
    route = proxies.route(str(environ.get("REMOTE_ADDR", "")), str(environ.pop(_FOR, "")))
    told = {name: str(environ.pop(name, "")) for name in _FORMS}
    if not route.proxies:
        return route
    environ[_FOR] = route.client
    for name, form in _FORMS.items():
        # Of the farthest trusted proxy; those before the server may each have added a value.
        values = told[name].split(",")
        value = values[-min(route.proxies, len(values))].strip().rstrip("/")
        if told[name] and form.fullmatch(value):
            environ[name] = value
    return route


def own_host(environ: WSGIEnvironment) -> str | None:
    """The ``Host`` that a request came with, before a proxy's word took its place."""
    original = environ.get(_ORIGINAL)
    found = original.get("HTTP_HOST") if original else environ.get("HTTP_HOST")
    return None if found is None else str(found)
