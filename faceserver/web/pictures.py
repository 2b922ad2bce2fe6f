"""Stored pictures as answers."""

import os
from io import BytesIO
from typing import IO

from flask import Response, request
from werkzeug.wsgi import wrap_file

from faceserver.pictures import codec
from faceserver.store.results import Link

JPEG = "image/jpeg"
WEBP = "image/webp"

FOR_GOOD = "private, max-age=31536000, immutable"
"""Of what never changes under its address; signing out clears it."""


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


def send_copy(picture: IO[bytes] | Link, *, side: int, version: str) -> Response:
    """Answer with a copy of a stored picture that is no larger than a screen needs.

    The headers ``Picture-Width`` and ``Picture-Height`` tell the size of the picture as it was
    sent, in which the boxes of its faces are told.

    Args:
        picture: its stream, which is closed; a link is followed to the picture as it is.
        side: longest side of the copy in pixels.
        version: the ETag of the picture itself.

    Raises:
        TruncatedImage: the stored picture is damaged.
    """
    if isinstance(picture, Link):
        return send_picture(picture, version=version)
    with picture:
        copy = codec.smaller_copy(picture.read(), side)
    answer = send_picture(BytesIO(copy.content), version=f"{version}-{side}")
    answer.headers["Picture-Width"], answer.headers["Picture-Height"] = (
        str(copy.width),
        str(copy.height),
    )
    return answer
