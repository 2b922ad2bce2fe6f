"""Where clients of the original protocol put their key: in a header, as those of the API do.

The original app knew no keys, so that nothing of its own has to be kept.
"""

from faceserver.web.protocol import header_key

credentials = header_key
