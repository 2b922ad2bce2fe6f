"""Single files that are to be imported."""

from pathlib import Path

from faceserver.errors import FileTooLarge, InputError, InvalidRequest
from faceserver.services.outcomes import NewPicture


def read_file(path: Path, *, max_bytes: int) -> bytes:
    """A picture's bytes.

    Raises:
        FileTooLarge: there are more than ``max_bytes``.
        InvalidRequest: it is no file, or the system does not let us read it.
    """
    try:
        if not path.is_file():  # a pipe or a device may never end
            raise InvalidRequest("there is no such file")
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise InvalidRequest(f"it cannot be read: {error.strerror or error}") from error
    if len(data) > max_bytes:
        raise FileTooLarge(f"the file has more than {max_bytes} bytes")
    return data


def refused(name: str, error: InputError) -> NewPicture:
    """A picture of which is known already that it cannot be had."""

    def fail() -> bytes:
        raise error

    return NewPicture(name, fail)
