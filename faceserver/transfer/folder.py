"""Where a gallery lies in a data folder."""

from pathlib import Path

from faceserver.errors import NotFound
from faceserver.layout import FACES
from faceserver.store.sqlite.leftovers import is_restore_cut_off


def database_in(data_dir: Path) -> Path:
    """SQLite's file of a data folder.

    Raises:
        NotFound: there is no gallery in the folder.
    """
    path = data_dir / FACES
    if not path.is_file():
        if is_restore_cut_off(data_dir):
            raise NotFound(
                f"a restore into {data_dir} was interrupted: start the server, or run `faceserver "
                "restore` again; either first restores the previous state"
            )
        raise NotFound(f"{data_dir} holds no gallery: is FACESERVER_DATA_DIR the right folder?")
    return path
