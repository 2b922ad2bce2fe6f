"""Where a key stands: these clients know none, so that ours may come as our own API takes it."""

from faceserver.web.protocol import header_key

credentials = header_key
"""Who cannot send a header needs a listener or a key in the path; see docs/protocols.md."""
