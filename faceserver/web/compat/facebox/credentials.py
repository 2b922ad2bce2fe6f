"""Where a key stands: it is the password of HTTP basic authentication, whoever the user."""

from faceserver.web.protocol import basic_key

credentials = basic_key
"""Who is set to no password needs a listener; see docs/protocols.md."""
