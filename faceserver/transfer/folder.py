"""Where a gallery lies in a data folder."""

from pathlib import Path

from faceserver.errors import NotFound

DATABASE = "faces.sqlite"
PICTURES = "uploadImages"


def database_in(data_dir: Path) -> Path:
    """SQLite's file of a data folder.

    Raises:
        NotFound: there is no gallery in the folder.
    """
    path = data_dir / DATABASE
    if not path.is_file():
        raise NotFound(f"{data_dir} holds no gallery: is FACESERVER_DATA_DIR the right folder?")
    return path
