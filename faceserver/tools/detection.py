"""How well a detector finds the faces of photographs in which people have marked the noses."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceserver.errors import InvalidArchive
from faceserver.models.spec import OptionValue
from faceserver.pictures import codec
from faceserver.types import DecodedPicture, Detection, Point
from faceserver.vision.base import Detector

SURE = 0.9
"""Score of a face that is nearly certain; a false one of these is a bad error."""

_NEAR = 0.25
"""A marked nose belongs to a face whose nose is nearer than so many sides of the face's box."""

_MAX_PIXELS = 178_956_970  # Pillow's own ceiling: these are the user's own files

Noses = Mapping[str, Sequence[Point]]
"""Of each photograph, by file name, the tip of each face's nose in pixels."""


class _Annotations(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    noses: dict[str, list[tuple[float, float]]] = Field(min_length=1)


def read_annotations(path: Path) -> dict[Path, list[Point]]:
    """The photographs of a list, which lie beside it, and the noses marked in each.

    The list is JSON: ``{"noses": {"photograph.jpg": [[x, y], ...]}}``, in pixels of the upright
    photograph; an empty list is a photograph without a face. Other keys are passed over.

    Raises:
        InvalidArchive: it cannot be read, is no such list, or a photograph is missing.
    """
    try:
        noses = _Annotations.model_validate(json.loads(path.read_text(encoding="utf-8"))).noses
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InvalidArchive(f"{path} cannot be read as JSON: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise InvalidArchive(f"{path}: {place}: {first['msg']}") from error
    found = {path.parent / name: list(points) for name, points in noses.items()}
    missing = [photograph.name for photograph in found if not photograph.is_file()]
    if missing:
        raise InvalidArchive(f"{path}: there is no photograph {missing[0]} beside it")
    return found


def decoded(path: Path) -> DecodedPicture:
    """A photograph, upright.

    Raises:
        ImageError: it cannot be used.
    """
    data = path.read_bytes()
    return codec.decode(data, max_bytes=max(len(data), 1), max_pixels=_MAX_PIXELS)


@dataclass(frozen=True)
class Judged:
    """One photograph.

    Attributes:
        name: of its file.
        marked: faces that people have marked.
        found: of those the detector has found.
        errors: of each that was found, how far its nose lies from the mark, in sides of its box.
        false: scores of what was found and is not marked.
        milliseconds: that the detector took.
    """

    name: str
    marked: int
    found: int
    errors: tuple[float, ...]
    false: tuple[float, ...]
    milliseconds: float


@dataclass(frozen=True)
class Summary:
    """All photographs.

    Attributes:
        marked: faces that people have marked.
        found: of those the detector has found.
        false: of what it has found nobody has marked.
        sure_false: of those with a score over :data:`SURE`.
        points_error: median distance of noses from their marks, in sides of the box.
        milliseconds: a photograph, in the median.
    """

    marked: int
    found: int
    false: int
    sure_false: int
    points_error: float
    milliseconds: float

    @property
    def recall(self) -> float:
        """Share of the marked faces that were found."""
        return self.found / self.marked if self.marked else 1.0

    @property
    def precision(self) -> float:
        """Share of what was found that is marked."""
        total = self.found + self.false
        return self.found / total if total else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of recall and precision."""
        total = self.recall + self.precision
        return 2 * self.recall * self.precision / total if total else 0.0


def judge(
    detector: Detector,
    photographs: Mapping[Path, Sequence[Point]],
    *,
    rounds: int = 1,
    advance: Callable[[int], None] = lambda _: None,
) -> list[Judged]:
    """Search each photograph and compare with its marks.

    Args:
        detector: finds faces.
        photographs: and the noses marked in each.
        rounds: searches of each photograph, after one that warms up; the median time counts.
        advance: told of each photograph that is done.

    Raises:
        ImageError: a photograph cannot be used.
    """
    judged = []
    for path, noses in photographs.items():
        picture = decoded(path)
        image = picture.image
        found = [face.scaled(picture.scale) for face in detector.detect(image)]
        times = []
        for _ in range(rounds):
            started = perf_counter()
            detector.detect(image)
            times.append(1000 * (perf_counter() - started))
        errors, false = matched(found, noses)
        judged.append(
            Judged(path.name, len(noses), len(errors), errors, false, median(times or [0.0]))
        )
        advance(1)
    return judged


def matched(
    found: Sequence[Detection], noses: Sequence[Point]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Give each marked nose to the face nearest to it, each face to one nose, nearest pairs first.

    Returns:
        How far the noses of the faces that were found lie from their marks, in sides of the box;
        and the scores of the other faces.
    """
    if not found or not noses:
        return (), tuple(face.score for face in found)
    own = np.array([face.points[2] for face in found])
    sides = np.array([max(face.box.width, face.box.height) for face in found])
    apart = np.linalg.norm(own[:, np.newaxis] - np.array(noses)[np.newaxis], axis=2)
    apart /= np.maximum(sides, 1e-6)[:, np.newaxis]
    errors: dict[int, float] = {}
    taken: set[int] = set()
    for place in np.argsort(apart, axis=None, kind="stable").tolist():
        face, nose = divmod(place, len(noses))
        if apart[face, nose] >= _NEAR:
            break
        if face not in errors and nose not in taken:
            errors[face] = float(apart[face, nose])
            taken.add(nose)
    false = tuple(face.score for place, face in enumerate(found) if place not in errors)
    return tuple(errors.values()), false


def summary(judged: Sequence[Judged]) -> Summary:
    """Count over all photographs."""
    false = [score for each in judged for score in each.false]
    errors = [error for each in judged for error in each.errors]
    return Summary(
        marked=sum(each.marked for each in judged),
        found=sum(each.found for each in judged),
        false=len(false),
        sure_false=sum(score > SURE for score in false),
        points_error=median(errors) if errors else 0.0,
        milliseconds=median([each.milliseconds for each in judged]) if judged else 0.0,
    )


USUAL_GRIDS: Mapping[str, Mapping[str, Sequence[OptionValue]]] = {
    "mtcnn": {"rnet_threshold": (0.7, 0.8), "onet_threshold": (0.5, 0.6, 0.7, 0.8)},
    "yunet": {"score_threshold": (0.4, 0.5, 0.6, 0.7, 0.8), "long_side": (640, 960)},
    "scrfd": {"score_threshold": (0.3, 0.4, 0.5, 0.6, 0.7)},
}
"""What is tried of each architecture where nobody says what."""


def grid(options: Mapping[str, Sequence[OptionValue]]) -> Iterator[dict[str, OptionValue]]:
    """Every combination of the options' values."""
    for values in product(*options.values()):
        yield dict(zip(options, values, strict=True))
