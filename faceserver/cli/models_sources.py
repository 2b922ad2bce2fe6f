"""Brings what ``faceserver models add`` is given to hand: from an address, out of a zip."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from faceserver.config import Settings

CONVERTED_FILES = (".pb", ".pt", ".pth", ".h5", ".keras")
"""How files end that hold one network and are converted."""

_FETCH_SECONDS = 1800
_MOST_BYTES = 4 << 30
_UNPACKED = {".onnx", ".toml", ".prototxt", ".caffemodel", ".npy", *CONVERTED_FILES}


@contextmanager
def at_hand(source: str, settings: Settings, sha256: str | None) -> Iterator[Path]:
    """The source as a file or folder of this machine; a zip's files in a folder of their own."""
    from faceserver.conversion.readers.kinds import Kind, kind_of
    from faceserver.errors import ModelError, NotFound
    from faceserver.models.files import sha256_of

    with TemporaryDirectory() as folder:
        path = Path(source)
        if source.lower().startswith(("http://", "https://")):
            path = Path(folder, source.split("?", 1)[0].rstrip("/").rsplit("/", 1)[-1] or "model")
            path.write_bytes(_fetched(source, settings))
        if not path.exists():
            raise NotFound(f"there is no file or folder {source!r}")
        if sha256 and (path.is_dir() or sha256_of(path) != sha256.lower()):
            raise ModelError(f"{path.name} does not have the sha256 {sha256}")
        if path.is_file() and kind_of(path) is Kind.ZIP:
            yield _unpacked(path, Path(folder, "files"))
        else:
            yield path


def _fetched(url: str, settings: Settings) -> bytes:
    from faceserver.pictures.fetch import Fetcher

    fetcher = Fetcher(
        timeout=_FETCH_SECONDS,
        max_bytes=_MOST_BYTES,
        allow_networks=settings.url_allow_networks,
    )
    return fetcher.fetch(url)


def _unpacked(archive: Path, folder: Path) -> Path:
    """A zip's networks and descriptions, in one folder by their names alone."""
    from faceserver.errors import ModelError

    folder.mkdir()
    try:
        with zipfile.ZipFile(archive) as packed:
            for member in packed.infolist():
                place = folder / Path(member.filename).name
                if place.suffix not in _UNPACKED:
                    continue
                if place.exists() or member.file_size > _MOST_BYTES:
                    raise ModelError(f"{archive.name}: {member.filename} cannot be extracted")
                with packed.open(member) as file, place.open("wb") as target:
                    while part := file.read(1 << 20):
                        target.write(part)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError) as error:
        raise ModelError(f"{archive.name} cannot be unpacked: {error}") from error
    return folder
