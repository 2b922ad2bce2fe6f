"""Sorts photographs by the people in them: into folders, or on a page with thumbnails."""

import base64
import html
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceserver.errors import ImageError, InputError, InvalidRequest
from faceserver.pictures import codec
from faceserver.runtime.private_files import copy_privately, make_private_folders
from faceserver.services.grouping import likely_people
from faceserver.types import Floats
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.geometry import resize

_THUMBNAIL = 112
_THUMBNAIL_QUALITY = 80

_STYLE = """
body { font: 16px system-ui, sans-serif; margin: 2rem; }
section { margin-bottom: 2rem; }
ul { display: flex; flex-wrap: wrap; gap: .5rem; list-style: none; padding: 0; }
img { border-radius: .25rem; display: block; }
"""


@dataclass(frozen=True, eq=False)
class SeenFace:
    """A face of a photograph.

    Attributes:
        photograph: it is in.
        thumbnail: as JPEG; empty where none is wanted.
    """

    photograph: Path
    thumbnail: bytes


@dataclass(frozen=True, eq=False)
class Seen:
    """What is in a folder's photographs.

    Attributes:
        faces: of all photographs.
        vectors: float32, shape (faces, dims), unit length.
        without: photographs without a face.
        unread: photographs that cannot be used, and why.
    """

    faces: tuple[SeenFace, ...]
    vectors: Floats
    without: tuple[Path, ...]
    unread: tuple[tuple[Path, str], ...]


@dataclass(frozen=True)
class Sorted:
    """Photographs by the people in them.

    Attributes:
        people: the faces of each, by their places among those that were seen; the person with the
            most faces first, and of each the face nearest to the others first.
        alone: faces of people who are seen too rarely.
    """

    people: tuple[tuple[int, ...], ...]
    alone: tuple[int, ...]


def look(
    analyzer: Analyzer,
    photographs: Sequence[Path],
    read: Callable[[Path], bytes],
    *,
    max_pixels: int,
    thumbnails: bool,
    advance: Callable[[int], None] = lambda _: None,
) -> Seen:
    """Find and embed the faces of photographs.

    Args:
        analyzer: finds and embeds.
        photographs: where they lie.
        read: gives a photograph's bytes.
        max_pixels: of a photograph; one with more is not used.
        thumbnails: whether the faces' pictures are wanted.
        advance: told of each photograph that is done.
    """
    faces: list[SeenFace] = []
    rows: list[Floats] = [np.empty((0, analyzer.embedder.dims), np.float32)]
    without: list[Path] = []
    unread: list[tuple[Path, str]] = []
    for path in photographs:
        try:
            data = read(path)
            _, found = analyzer.read(data, max_bytes=max(len(data), 1), max_pixels=max_pixels)
        except (ImageError, InputError) as error:
            unread.append((path, str(error)))
        else:
            if not found:
                without.append(path)
            rows.append(analyzer.embed(found))
            small = [resize(face.crop, _THUMBNAIL, _THUMBNAIL) for face in found if thumbnails]
            jpegs = [codec.encode_jpeg(each, _THUMBNAIL_QUALITY) for each in small]
            faces += [SeenFace(path, jpeg) for jpeg in jpegs or [b""] * len(found)]
        advance(1)
    return Seen(tuple(faces), np.concatenate(rows), tuple(without), tuple(unread))


def sort(seen: Seen, *, threshold: float, least: int = 2) -> Sorted:
    """Group the faces by the people whom they are likely to show, several in one photograph.

    Args:
        seen: the faces.
        threshold: squared L2 distance; see :func:`faceserver.services.grouping.likely_people`.
        least: photographs in which a person must be seen.
    """
    photographs_of = [face.photograph for face in seen.faces]
    groups = likely_people(seen.vectors, threshold=threshold, pictures=photographs_of)
    people, alone = [], []
    for group in groups:
        photographs = {seen.faces[place].photograph for place in group}
        if len(photographs) >= least:
            people.append(tuple(group))
        else:
            alone += group
    return Sorted(tuple(people), tuple(alone))


def write_folders(seen: Seen, sorted_: Sorted, target: Path, *, copies: bool) -> None:
    """Make a folder for each person, with links to the photographs, or copies of them.

    A photograph of several people is in the folder of each. ``alone`` holds those of people who are
    seen too rarely, ``no-face`` those without a face.

    Raises:
        InvalidRequest: the folder holds something already, or cannot be written.
    """
    if target.exists() and any(target.iterdir()):
        raise InvalidRequest(f"{target} is not empty: choose an empty or a new folder")
    groups = {
        f"person-{number:03}": [seen.faces[place].photograph for place in person]
        for number, person in enumerate(sorted_.people, start=1)
    }
    placed = {path for paths in groups.values() for path in paths}
    alone = [seen.faces[place].photograph for place in sorted_.alone]
    groups["alone"] = [path for path in alone if path not in placed]
    groups["no-face"] = list(seen.without)
    try:
        for name, paths in groups.items():
            for path in dict.fromkeys(paths):
                folder = target / name
                make_private_folders(folder)
                _place(path, _free(folder / path.name), copies=copies)
    except OSError as error:
        raise InvalidRequest(f"{target} cannot be written: {error.strerror}") from error


def _free(path: Path) -> Path:
    """The path, or one beside it that is not taken: photographs of two folders can share a name."""
    number = 2
    free = path
    while free.exists() or free.is_symlink():
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return free


def _place(path: Path, target: Path, *, copies: bool) -> None:
    if copies:
        copy_privately(path, target)
    else:
        target.symlink_to(os.path.relpath(path.resolve(), target.parent.resolve()))


def report(seen: Seen, sorted_: Sorted, *, threshold: float) -> str:
    """A page with the faces of each person; thumbnails are part of it."""
    parts = [
        _section(f"Person {number}", [seen.faces[place] for place in person])
        for number, person in enumerate(sorted_.people, start=1)
    ]
    if sorted_.alone:
        parts.append(_section("Seen alone", [seen.faces[place] for place in sorted_.alone]))
    for title, paths in (
        ("Without a face", list(seen.without)),
        ("Not read", [path for path, _ in seen.unread]),
    ):
        if paths:
            names = "".join(f"<li>{html.escape(path.name)}</li>" for path in paths)
            parts.append(f"<section><h2>{title}</h2><ul>{names}</ul></section>")
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8"><title>People</title>'
        f"<style>{_STYLE}</style></head><body><h1>People</h1>"
        f"<p>{len(sorted_.people)} people in {len(seen.faces)} faces; "
        f"distance threshold {threshold:.2f}.</p>{''.join(parts)}</body></html>\n"
    )


def _section(title: str, faces: Sequence[SeenFace]) -> str:
    items = []
    for face in faces:
        name = html.escape(face.photograph.name, quote=True)
        data = base64.b64encode(face.thumbnail).decode()
        link = html.escape(face.photograph.resolve().as_uri(), quote=True)
        items.append(
            f'<li><a href="{link}"><img src="data:image/jpeg;base64,{data}" '
            f'width="{_THUMBNAIL}" height="{_THUMBNAIL}" alt="{name}" title="{name}"></a></li>'
        )
    return f"<section><h2>{title} ({len(faces)})</h2><ul>{''.join(items)}</ul></section>"
