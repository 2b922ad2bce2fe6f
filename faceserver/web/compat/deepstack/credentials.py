"""Where DeepStack's clients put their key: in the form, beside what it is about."""

from flask import Request

from faceserver.web.protocol import header_key

FIELD = "api_key"


def credentials(request: Request) -> str | None:
    """The form's ``api_key``, which many clients send empty; else as for our own API."""
    return header_key(request) or request.form.get(FIELD) or None
