"""Which gallery a shared place for pictures belongs to.

A gallery removes pictures that none of its faces shows. A place outside the data folder could be
named by the settings of two galleries, and each would remove the other's pictures. So each gallery
has an id, and leaves it at the place.
"""

from pathlib import Path
from uuid import uuid4

from faceserver.layout import GALLERY_ID
from faceserver.runtime.atomic_files import file_errors, make_folder, write_atomically


def gallery_id(data_folder: Path) -> str:
    """The id of a data folder's gallery, which it gets when it is first asked for.

    Raises:
        StoreError: the system refused.
    """
    path = data_folder / GALLERY_ID
    with file_errors(path):
        if path.is_file():
            return path.read_text(encoding="ascii", errors="replace").strip()
    made = uuid4().hex
    make_folder(data_folder)
    write_atomically(path, f"{made}\n".encode())
    return made
