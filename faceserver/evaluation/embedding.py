"""From photographs to vectors: each is decoded and searched once, whatever embeds it."""

import math
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from faceserver.errors import ImageError, NoFace
from faceserver.evaluation.photographs import read
from faceserver.types import Detection, Floats, Image
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.base import Detector, Embedder

_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Vectors:
    """What one embedder makes of photographs.

    Attributes:
        rows: float32, shape (found, dims), unit length.
        place: the row of each photograph in which a face was found.
        failures: why there is none of the others.
        groups: of each group's photograph the vectors of all of its faces.
    """

    rows: Floats
    place: dict[Path, int]
    failures: dict[Path, str]
    groups: dict[Path, Floats] = field(default_factory=dict)


def embed_photographs(
    detector: Detector,
    embedders: Sequence[Embedder],
    photographs: Sequence[Path],
    groups: Sequence[Path] = (),
    *,
    central: Container[Path] = (),
    advance: Callable[[int], None] = lambda _: None,
) -> list[Vectors]:
    """Find the face of each photograph, and all faces of the groups, and embed them.

    Args:
        detector: finds.
        embedders: embed what it has found; more of them decode and detect nothing anew.
        photographs: of single people.
        groups: of several.
        central: photographs that show the person in the middle, and perhaps a larger face beside
            it; of all others the largest face is taken.
        advance: told of each photograph that is done.

    Returns:
        Vectors of each embedder.
    """
    place: dict[Path, int] = {}
    failures: dict[Path, str] = {}
    batches = [_Batches(embedder) for embedder in embedders]
    finder = Analyzer(detector, embedders[0])  # as a server finds faces
    for path in photographs:
        try:
            image, faces = _look(finder, path)
        except (ImageError, NoFace) as error:
            failures[path] = str(error)
        else:
            place[path] = len(place)
            face = _most_central(faces, image) if path in central else faces[0]
            for batch in batches:
                batch.add(image, face)
        advance(1)
    found: list[dict[Path, Floats]] = [{} for _ in embedders]
    for path in groups:
        try:
            image, faces = _look(finder, path)
        except (ImageError, NoFace) as error:
            failures[path] = str(error)
        else:
            for embedder, of in zip(embedders, found, strict=True):
                of[path] = embedder.embed([embedder.crop(image, face) for face in faces])
        advance(1)
    return [
        Vectors(batch.vectors(), place, failures, of)
        for batch, of in zip(batches, found, strict=True)
    ]


class _Batches:
    """Collects crops, and embeds them many at once."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._waiting: list[Image] = []
        self._done: list[Floats] = []

    def add(self, image: Image, face: Detection) -> None:
        self._waiting.append(self._embedder.crop(image, face).copy())
        if len(self._waiting) == _AT_ONCE:
            self._flush()

    def vectors(self) -> Floats:
        self._flush()
        return np.concatenate(self._done)

    def _flush(self) -> None:
        self._done.append(self._embedder.embed(self._waiting))
        self._waiting = []


def _look(finder: Analyzer, path: Path) -> tuple[Image, list[Detection]]:
    """A photograph and its faces, largest first.

    Raises:
        ImageError: it cannot be read.
        NoFace: there is none.
    """
    image = read(path)
    faces = [face.detection for face in finder.find(image)]
    if not faces:
        raise NoFace("no face was found")
    return image, faces


def _most_central(faces: Sequence[Detection], image: Image) -> Detection:
    height, width = image.shape[:2]

    def off_centre(face: Detection) -> float:
        box = face.box
        return math.hypot(box.x1 + box.x2 - width, box.y1 + box.y2 - height)

    return min(faces, key=off_centre)
