"""Where CompreFace's clients put their key: ``x-api-key``, or the path of a stored picture."""

from flask import Request

from faceserver.web.protocol import KEY_VARIABLE, header_key


def credentials(request: Request) -> str | None:
    """The key of a request, None without one."""
    shown = header_key(request)
    if shown is None and KEY_VARIABLE in (request.view_args or {}):
        return str((request.view_args or {})[KEY_VARIABLE])
    return shown
