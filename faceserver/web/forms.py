"""What comes in forms, whatever the protocol: texts, and files within the limits."""

from flask import request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from faceserver.errors import FileTooLarge, InvalidRequest, RequestTooLarge
from faceserver.web.context import backend
from faceserver.web.multipart import form_problem


def form() -> tuple[MultiDict[str, str], MultiDict[str, FileStorage]]:
    """The texts and files of the current request's form.

    Raises:
        InvalidRequest: it cannot be read.
        RequestTooLarge: it is over its limit.
    """
    try:
        fields, files = request.form, request.files
    except RequestEntityTooLarge as error:
        raise RequestTooLarge("the form is too large, or has too many parts") from error
    problem = form_problem(request)
    if problem:
        raise InvalidRequest(problem)
    return fields, files


def file_bytes(file: FileStorage) -> bytes:
    """The content of an uploaded picture.

    Raises:
        FileTooLarge: it has too many bytes.
    """
    return within_limit(file.stream.read(backend().settings.max_file_bytes + 1))


def within_limit(data: bytes) -> bytes:
    """A picture's bytes, however they came, if they are not too many.

    Raises:
        FileTooLarge: they are.
    """
    most = backend().settings.max_file_bytes
    if len(data) > most:
        raise FileTooLarge(f"the picture has more than {most} bytes")
    return data
