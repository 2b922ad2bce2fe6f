"""Stored pictures as answers."""

import os
from typing import IO

from flask import Response, request
from werkzeug.wsgi import wrap_file

JPEG = "image/jpeg"


def send_picture(stream: IO[bytes], *, version: str) -> Response:
    """Answer with a picture, or with the part of it, or the word that it is known, as asked for.

    Args:
        stream: the picture; it is closed with the answer.
        version: its ETag.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    answer = Response(wrap_file(request.environ, stream), mimetype=JPEG, direct_passthrough=True)
    answer.content_length = size
    answer.set_etag(version)
    answer.make_conditional(request.environ, accept_ranges=True, complete_length=size)
    return answer
