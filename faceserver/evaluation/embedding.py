"""From labelled photographs to vectors: each photograph is decoded and searched once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from faceserver.errors import ImageError, InvalidArchive
from faceserver.evaluation.data import LabelledSet
from faceserver.types import Floats
from faceserver.vision.analyzer import Analyzer, FoundFace

Which = Literal["largest", "centre"]

_MAX_PIXELS = 178_956_970  # Pillow's own ceiling: these are the user's own files
_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Embedded:
    """The vectors of a set's photographs.

    Attributes:
        vectors: float32, shape (found, dims), unit length.
        places: of which photograph of the set each is.
        failures: photographs in which no face was found, or that cannot be read, and why.
        groups: the vectors of all faces of each group.
    """

    vectors: Floats
    places: tuple[int, ...]
    failures: tuple[tuple[Path, str], ...]
    groups: tuple[Floats, ...] = ()

    @property
    def failure_to_detect(self) -> float:
        """Share of the photographs of single people of which there is no vector."""
        total = len(self.places) + len(self.failures)
        return len(self.failures) / total if total else 0.0


def embed_set(
    analyzer: Analyzer,
    labelled: LabelledSet,
    *,
    which: Which = "largest",
    advance: Callable[[int], None] = lambda _: None,
) -> Embedded:
    """Find and embed the face of each photograph, and all faces of the groups.

    Args:
        analyzer: finds and embeds.
        labelled: the photographs.
        which: the face that a photograph is labelled for: the largest, or the one nearest the
            centre, as in LFW, where others stand behind.
        advance: told of each photograph that is done.
    """
    rows: list[Floats] = []
    places: list[int] = []
    failures: list[tuple[Path, str]] = []
    waiting: list[FoundFace] = []
    for place, path in enumerate(labelled.photographs):
        try:
            waiting.append(_chosen(analyzer, path, which))
            places.append(place)
        except (ImageError, InvalidArchive) as error:
            failures.append((path, str(error)))
        if len(waiting) == _AT_ONCE:
            rows.append(analyzer.embed(waiting))
            waiting = []
        advance(1)
    rows.append(analyzer.embed(waiting))
    groups = []
    for path in labelled.groups:
        groups.append(analyzer.embed(_faces(analyzer, path)[1]))
        advance(1)
    return Embedded(np.concatenate(rows), tuple(places), tuple(failures), tuple(groups))


def _chosen(analyzer: Analyzer, path: Path, which: Which) -> FoundFace:
    (height, width), faces = _faces(analyzer, path)
    if not faces:
        raise InvalidArchive("no face was found")
    if which == "largest":
        return faces[0]
    return min(faces, key=lambda face: _off_centre(face, width, height))


def _off_centre(face: FoundFace, width: int, height: int) -> float:
    box = face.detection.box
    return (box.x1 + box.x2 - width) ** 2 + (box.y1 + box.y2 - height) ** 2


def _faces(analyzer: Analyzer, path: Path) -> tuple[tuple[int, int], Sequence[FoundFace]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidArchive(f"it cannot be read: {error.strerror}") from error
    image, faces = analyzer.read(data, max_bytes=max(len(data), 1), max_pixels=_MAX_PIXELS)
    return (image.shape[0], image.shape[1]), faces
