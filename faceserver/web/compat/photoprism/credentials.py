"""Where the key stands: in ``Authorization: Bearer``, as ``Key`` of a model in ``vision.yml``."""

from faceserver.web.protocol import header_key

credentials = header_key
