"""The core service knows no keys: ours go where those of our API go."""

from faceserver.web.protocol import header_key

credentials = header_key
