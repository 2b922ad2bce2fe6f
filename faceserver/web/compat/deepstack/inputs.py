"""What DeepStack's clients send: forms, whose files may have any names."""

import math
import re

from faceserver.config import Settings
from faceserver.errors import InvalidRequest, NoFile, NotFound, TooManyItems
from faceserver.services.outcomes import NewPicture
from faceserver.services.relaying import FormFile
from faceserver.web.compat.deepstack.credentials import FIELD
from faceserver.web.forms import file_bytes, form

DETECTED = 0.4
"""What DeepStack asks of its detector where a client asks for nothing."""

RECOGNISED = 0.67
"""The similarity from which two faces are the same person there, if a client names none."""

_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


def picture() -> bytes:
    """The picture of a form: the file ``image``, or else the first.

    Raises:
        NoFile: there is none.
        FileTooLarge: it has too many bytes.
    """
    _, files = form()
    found = files.get("image") or next(iter(files.values()), None)
    if found is None:
        raise NoFile("send the picture as a file of the form, in `image`")
    return file_bytes(found)


def two_pictures() -> tuple[bytes, bytes]:
    """The two pictures of a form, in the order of their fields' names.

    Raises:
        NoFile: there is none.
        InvalidRequest: there is one, or there are more than two.
        FileTooLarge: one has too many bytes.
    """
    _, files = form()
    found = sorted(files.items(multi=True), key=lambda item: item[0])
    if not found:
        raise NoFile("send two pictures as files of the form, in `image1` and `image2`")
    if len(found) == 1:
        raise InvalidRequest("expected two image files, only one found")
    if len(found) > 2:
        raise InvalidRequest("only two images allowed")
    return file_bytes(found[0][1]), file_bytes(found[1][1])


def portraits(settings: Settings) -> list[NewPicture]:
    """All pictures of a form, whatever their fields are called.

    Raises:
        NoFile: there is none.
        TooManyItems: there are more than one call takes.
        FileTooLarge: one has too many bytes.
    """
    _, files = form()
    found = list(files.items(multi=True))
    if not found:
        raise NoFile("send at least one picture as a file of the form")
    if len(found) > settings.max_files:
        raise TooManyItems(f"at most {settings.max_files} pictures are allowed")
    return [NewPicture.of_bytes(file.filename or name, file_bytes(file)) for name, file in found]


def user_id() -> str:
    """Whom a form is about.

    Raises:
        InvalidRequest: it does not say.
    """
    found = form()[0].get("userid", "").strip()
    if not found:
        raise InvalidRequest("userid not specified")
    return found


def min_confidence(otherwise: float) -> float:
    """The bar that a form sets, 0 to 1.

    Raises:
        InvalidRequest: it is no such number.
    """
    text = form()[0].get("min_confidence", "").strip()
    if not text:
        return otherwise
    try:
        found = float(text)
    except ValueError as error:
        raise InvalidRequest("Invalid value for min_confidence") from error
    if math.isnan(found) or found < 0:
        raise InvalidRequest("Invalid value for min_confidence")
    if found > 1:
        raise InvalidRequest("min_confidence cannot be greater than 1")
    return found


def to_hand_on() -> tuple[list[tuple[str, str]], list[FormFile]]:
    """The texts and files of a form that another server is to have; our key stays here."""
    fields, files = form()
    texts = [(name, text) for name, text in fields.items(multi=True) if name != FIELD]
    return texts, [
        FormFile(name, file.filename or "image", file.stream)
        for name, file in files.items(multi=True)
    ]


def plain_path(path: str) -> str:
    """What stands behind ``/v1/vision/``, if it leads nowhere else.

    Raises:
        NotFound: it is about faces, which are answered here, or it is no plain path.
    """
    if not _PATH.fullmatch(path) or path.partition("/")[0] == "face":
        raise NotFound("there is no such endpoint")
    return path
