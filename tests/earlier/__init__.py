"""What earlier versions have written, to be taken over."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Earlier:
    """What an earlier version has written: a data folder, archives of it, and its content."""

    gallery: Path
    archive: Path
    backup: Path
    content: dict[str, Any]


def unpacked(version: str, folder: Path) -> Earlier:
    with ZipFile(HERE / f"{version}.zip") as packed:
        packed.extractall(folder)
    content = json.loads((folder / "content.json").read_text(encoding="utf-8"))
    gallery = folder / "gallery"
    return Earlier(gallery, folder / "archive.zip", folder / "backup.zip", _as_now(content))


def _as_now(content: dict[str, Any]) -> dict[str, Any]:
    """The content as today's code writes it: the quality is one of the attributes."""
    return {
        name: [model, dims, people, [[_face(line), *more] for line, *more in faces]]
        for name, (model, dims, people, faces) in content.items()
    }


def _face(line: str) -> dict[str, Any]:
    face = json.loads(line)
    quality = face.pop("quality")
    return {**face, "attributes": {} if quality is None else {"quality": quality}}
