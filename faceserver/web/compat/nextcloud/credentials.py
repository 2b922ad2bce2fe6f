"""Where the key stands: in ``x-api-key``; the app calls it ``external_model_api_key``."""

from faceserver.web.protocol import header_key

credentials = header_key
