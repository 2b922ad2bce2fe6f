"""Behind a proxy, the client's address takes the place of the proxy's."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from faceserver.access.addresses import Proxies


class ClientAddresses:
    """A WSGI application around another one; sets ``REMOTE_ADDR``."""

    def __init__(self, app: WSGIApplication, proxies: Proxies) -> None:
        """Take the application inside, and whose headers are believed."""
        self._app = app
        self._proxies = proxies

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request under its client's address."""
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
        peer = environ.get("REMOTE_ADDR", "")
        environ["REMOTE_ADDR"] = self._proxies.client(peer, forwarded)
        return self._app(environ, start_response)
