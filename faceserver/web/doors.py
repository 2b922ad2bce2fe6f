"""How a request comes in: what it brings along, and what its way says of who sent it.

Every request has an id, in the log, in the audit log and in its answer. A caller may bring one in
``X-Request-ID``, so that a request can be followed through several programs; one of another form
than ours is replaced, for it is written into logs.

Some programs can be told a host and a port, or a URL, and nothing else. For those without a key
there are listeners: sockets beside the server's own, each for one protocol, one collection and one
scope. Those that take a URL may have the key in it: ``/key/KEY/v1/vision/face`` is
``/v1/vision/face`` with a key.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args
from urllib.parse import parse_qsl
from uuid import uuid4
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.middleware.proxy_fix import ProxyFix

from faceserver.access.addresses import Proxies, place_of
from faceserver.access.keys import KeyScope
from faceserver.errors import InvalidSetting
from faceserver.runtime import deadline, logs, waiting
from faceserver.store.results import DEFAULT
from faceserver.web.guard.proxies import believed

REQUEST_ID_HEADER = "X-Request-ID"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

_LISTENER = "faceserver.listener"
_PATH_KEY = "faceserver.path_key"
_KEY_PREFIX = re.compile(r"/key/([^/]+)(/.*)")
_SETTING = "FACESERVER_COMPAT_LISTEN"
_FORM = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:=]+):(?P<port>[0-9]{1,5})"
    r"=(?P<protocol>[a-z-]+)(?:\?(?P<options>.*))?"
)
_LARGEST_PORT = 65_535


@dataclass(frozen=True)
class Listener:
    """An address of its own for clients of one protocol.

    Attributes:
        host: where it listens.
        port: likewise; 0 for a free one.
        protocol: the only one that is spoken there, as if at the root.
        collection: the only one that is reached from there.
        scope: what whoever comes there may do.
    """

    host: str
    port: int
    protocol: str
    collection: str = DEFAULT
    scope: KeyScope = "read"

    @property
    def name(self) -> str:
        """What it is called in logs."""
        return f"{self.host}:{self.port}={self.protocol}"


def parse_listeners(texts: Sequence[str], protocols: Sequence[str]) -> list[Listener]:
    """The listeners that a setting describes.

    Args:
        texts: each ``HOST:PORT=PROTOCOL?collection=NAME&scope=SCOPE``; what follows the protocol
            may be left out.
        protocols: those that there are.

    Raises:
        InvalidSetting: one has another form, or names what there is not.
    """
    return [_parsed(text, protocols) for text in texts]


def at_listener(app: WSGIApplication, listener: Listener) -> WSGIApplication:
    """What is served at a listener: its protocol, and nothing else of the application."""
    prefix = f"/as/{listener.protocol}"

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[_LISTENER] = listener
        environ["PATH_INFO"] = f"{prefix}{environ.get('PATH_INFO', '')}"
        return app(environ, start_response)

    return serve


def listener_of(environ: WSGIEnvironment) -> Listener | None:
    """The listener that a request came to, None where that is the server's own address."""
    return cast("Listener | None", environ.get(_LISTENER))


class Entrance:
    """A WSGI application around another one; tells it what each request comes with.

    That is an id, which the answer has as well; the client's address, host and path, as trusted
    proxies tell them; the key that stood in the path, so that no log has it; and when the request's
    time is over.
    """

    def __init__(self, app: WSGIApplication, proxies: Proxies, seconds: float) -> None:
        """Take the application inside, whose headers are believed, and how long work may take."""
        self._app = app
        self._behind_proxies = ProxyFix(app, x_for=1, x_proto=1, x_host=1, x_prefix=1)
        self._proxies = proxies
        self._seconds = seconds

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request as its client sent it."""
        given = str(environ.get("HTTP_X_REQUEST_ID", ""))
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, (REQUEST_ID_HEADER, request_id)], *rest)

        route = believed(environ, self._proxies)
        key = _KEY_PREFIX.fullmatch(str(environ.get("PATH_INFO", "")))
        if key is not None:
            environ[_PATH_KEY], environ["PATH_INFO"] = key.groups()
        place = waiting.place.get()
        if route.proxies:
            place = place_of(route.client) if route.is_client_known else ""
        tokens = logs.request_id.set(request_id), waiting.place.set(place)
        try:
            with deadline.deadline(self._seconds):
                return (self._behind_proxies if route.proxies else self._app)(environ, start)
        finally:
            logs.request_id.reset(tokens[0])
            waiting.place.reset(tokens[1])


def path_key(environ: WSGIEnvironment) -> str | None:
    """The key that stood in the path of a request, None if none did."""
    return cast("str | None", environ.get(_PATH_KEY))


def _parsed(text: str, protocols: Sequence[str]) -> Listener:
    form = _FORM.fullmatch(text)
    if form is None or int(form["port"]) > _LARGEST_PORT:
        raise _wrong(text, "it must have the form HOST:PORT=PROTOCOL?collection=NAME&scope=SCOPE")
    if form["protocol"] not in protocols:
        raise _wrong(text, f"there is no such protocol; there are: {', '.join(protocols)}")
    options = dict(parse_qsl(form["options"] or "", keep_blank_values=True))
    collection, scope = options.pop("collection", DEFAULT), options.pop("scope", "read")
    if options:
        raise _wrong(text, f"there is no option {min(options)!r}; there are: collection, scope")
    if scope not in get_args(KeyScope):
        raise _wrong(text, f"there is no scope {scope!r}; there are: read, write, admin")
    host = form["host"].strip("[]")
    return Listener(host, int(form["port"]), form["protocol"], collection, cast("KeyScope", scope))


def _wrong(text: str, reason: str) -> InvalidSetting:
    return InvalidSetting(f"{_SETTING}: {text!r}: {reason}")
