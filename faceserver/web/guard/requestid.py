"""Every request has an id, in the log, in the audit log and in its answer.

A caller may bring one in ``X-Request-ID``, so that a request can be followed through several
programs; one of another form than ours is replaced, for it is written into logs.
"""

import re
from collections.abc import Iterable
from typing import Any
from uuid import uuid4
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from faceserver.runtime import logs

HEADER = "X-Request-ID"

_FORM = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestIds:
    """A WSGI application around another one; sets :data:`faceserver.runtime.logs.request_id`."""

    def __init__(self, app: WSGIApplication) -> None:
        """Take the application inside."""
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request under its id."""
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _FORM.fullmatch(given) else uuid4().hex

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, (HEADER, request_id)], *rest)

        token = logs.request_id.set(request_id)
        try:
            return self._app(environ, start)
        finally:
            logs.request_id.reset(token)
