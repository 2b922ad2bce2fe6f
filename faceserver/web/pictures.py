"""Stored pictures as answers."""

import os
from io import BytesIO
from typing import IO

from flask import Response, request
from werkzeug.wsgi import wrap_file

from faceserver.pictures import codec

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


def send_copy(stream: IO[bytes], *, side: int, version: str) -> Response:
    """Answer with a copy of a stored picture that is no larger than a screen needs.

    The headers ``Picture-Width`` and ``Picture-Height`` tell the size of the picture as it was
    sent, in which the boxes of its faces are told.

    Args:
        stream: the picture; it is closed.
        side: longest side of the copy in pixels.
        version: the ETag of the picture itself.

    Raises:
        TruncatedImage: the stored picture is damaged.
    """
    with stream:
        copy = codec.smaller_copy(stream.read(), side)
    answer = send_picture(BytesIO(copy.content), version=f"{version}-{side}")
    answer.headers["Picture-Width"], answer.headers["Picture-Height"] = (
        str(copy.width),
        str(copy.height),
    )
    return answer
