"""Pages of other sites that may call the server: none, unless the settings name their origins.

Such a page shows a key; cookies are never allowed along.
"""

from collections.abc import Set

from flask import Flask, Response, request

from faceserver.web.protocol import current

_METHODS = "GET, POST, PUT, PATCH, DELETE"
_HEADERS = "Authorization, X-Api-Key, Content-Type, Idempotency-Key, X-Request-ID"
_EXPOSED = "X-Request-ID, Retry-After, Location"
_SECONDS_KEPT = "600"


def allow(app: Flask, origins: Set[str]) -> None:
    """Answer browsers that ask whether a page of one of these origins may call."""
    if not origins:
        return

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.vary.add("Origin")
        origin = request.headers.get("Origin")
        if origin not in origins:
            return response
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = _METHODS
            response.headers["Access-Control-Allow-Headers"] = ", ".join(
                (_HEADERS, *current().headers)
            )
            response.headers["Access-Control-Max-Age"] = _SECONDS_KEPT
        return response
