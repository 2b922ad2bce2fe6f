"""Stored pictures as answers."""

import os
from typing import IO

from flask import Response, request
from werkzeug.wsgi import wrap_file

from faceserver.store.results import Link

JPEG = "image/jpeg"


def send_picture(picture: IO[bytes] | Link, *, version: str) -> Response:
    """Answer with a picture, or with the part of it, or the word that it is known, as asked for.

    Where there is a link to it, the answer leads there.

    Args:
        picture: its stream, which is closed with the answer; or the link.
        version: its ETag.
    """
    if isinstance(picture, Link):
        return Response(status=302, headers={"Location": picture.url})
    size = picture.seek(0, os.SEEK_END)
    picture.seek(0)
    answer = Response(wrap_file(request.environ, picture), mimetype=JPEG, direct_passthrough=True)
    answer.content_length = size
    answer.set_etag(version)
    answer.make_conditional(request.environ, accept_ranges=True, complete_length=size)
    return answer
