"""Where CompreFace's clients put their key: ``x-api-key``, or the path of a stored picture."""

from flask import Request

from faceserver.web.protocol import header_key

KEY_VARIABLE = "api_key"
"""Of the addresses that have the key in them."""


def credentials(request: Request) -> str | None:
    """The key of a request, None without one."""
    shown = (request.view_args or {}).get(KEY_VARIABLE)
    return str(shown) if shown else header_key(request)
