"""Where a key stands: Immich sends none, but a URL may hold a password."""

from faceserver.web.protocol import basic_key

credentials = basic_key
"""Who comes without one needs a listener; see docs/protocols.md."""
