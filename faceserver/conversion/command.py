"""What every command here does with an error: one line, and a status that is not zero."""

import sys
from collections.abc import Callable

from faceserver.errors import FaceServerError


def run(main: Callable[[], None]) -> None:
    """Run a command; what it raises on purpose ends it with one line."""
    try:
        main()
    except FaceServerError as error:
        sys.exit(f"error: {error}")
    except OSError as error:  # a folder that cannot be written, a full disk
        sys.exit(f"error: {error.filename or 'a file'}: {error.strerror or error}")
