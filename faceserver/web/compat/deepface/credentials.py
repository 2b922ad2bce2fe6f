"""Where the key stands: in ``Authorization: Bearer``, as DeepFace's own."""

from faceserver.web.protocol import header_key

credentials = header_key
