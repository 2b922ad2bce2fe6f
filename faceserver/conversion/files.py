"""Files that appear whole or not at all."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its final place and move it there; its folder is made if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(
        dir=path.parent, prefix=".", suffix=f".{path.name}", delete=False
    ) as file:
        try:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.replace(file.name, path)  # noqa: PTH105
        except BaseException:
            with suppress(FileNotFoundError):
                Path(file.name).unlink()
            raise


def write_together(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write several files of one folder, which is made if missing: all of them or none.

    They are written in full before the first is moved to its place, the last one last. Should a
    move fail all the same, those that were moved are taken back.

    Raises:
        IsADirectoryError: a folder is where a file is to be.
    """
    created = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    moved: list[str] = []
    try:
        with TemporaryDirectory(dir=folder, prefix=".") as staging:
            new, old = Path(staging) / "new", Path(staging) / "old"
            new.mkdir()
            old.mkdir()
            for name, content in contents.items():
                write_whole(new / name, content)
            try:
                for name in contents:
                    if (folder / name).is_file():
                        os.replace(folder / name, old / name)  # noqa: PTH105
                    os.replace(new / name, folder / name)  # noqa: PTH105 - fails on a folder
                    moved.append(name)
            except BaseException:
                for name in moved:
                    (folder / name).unlink()
                for path in old.iterdir():
                    os.replace(path, folder / path.name)  # noqa: PTH105
                raise
    except BaseException:
        if created:
            with suppress(OSError):
                folder.rmdir()
        raise
