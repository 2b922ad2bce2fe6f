"""Faces as CompreFace shows them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from faceserver.services.analysis import Embedded
from faceserver.services.searching import Hit
from faceserver.types import Box, Detection, Floats
from faceserver.vision.attributes.base import Value
from faceserver.web.compat.compreface import plugins
from faceserver.web.compat.compreface.inputs import Options
from faceserver.web.compat.compreface.scale import Coefficients, rounded
from faceserver.web.context import backend, services

TIMED = ("age", "gender", "detector", "calculator", "mask", "pose")
"""What versions and times are told of; CompreFace tells none of landmarks."""

_STAGES = {plugins.DETECTOR: "detect", plugins.CALCULATOR: "embed"}


@dataclass(frozen=True)
class Look:
    """How the faces of a picture are shown.

    Attributes:
        slugs: plugins that are asked for and there.
        with_embedding: the embeddings are asked for.
        with_status: versions and times are.
    """

    slugs: tuple[str, ...]
    with_embedding: bool
    with_status: bool

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that the services are to tell."""
        return tuple(plugins.ATTRIBUTES[slug] for slug in self.slugs)

    def versions(self) -> dict[str, object]:
        """The versions of what ran, where they are asked for."""
        if not self.with_status:
            return {}
        return {"plugins_versions": versions(slug for slug in self.slugs if slug in TIMED)}


@dataclass(frozen=True, eq=False)
class Shown:
    """A face that is to be shown.

    Attributes:
        detection: where it is.
        told: its attributes.
        embedding: its own; None where there is none.
    """

    detection: Detection
    told: Mapping[str, Value]
    embedding: Floats | None


def look_of(options: Options) -> Look:
    """How the faces of a request are shown."""
    return Look(
        slugs=plugins.known(options.slugs, services().analysis.attributes),
        with_embedding=plugins.CALCULATOR in options.plugins,
        with_status=options.status,
    )


def versions(slugs: Iterable[str], *, calculator: bool = True) -> dict[str, str]:
    """What the detector, the calculator and plugins are called, by their slugs."""
    models = {plugins.DETECTOR: backend().settings.detector}
    if calculator:
        models[plugins.CALCULATOR] = services().analysis.model
    models |= {slug: plugins.ATTRIBUTES[slug] for slug in slugs}
    return {slug: plugins.version(slug, model) for slug, model in models.items()}


def faces(
    shown: Sequence[Shown], look: Look, size: tuple[int, int], times: Mapping[str, float]
) -> list[dict[str, object]]:
    """The faces of a picture.

    Args:
        shown: the faces.
        look: how they are shown.
        size: width and height of the picture, in pixels.
        times: seconds that each step took for the whole picture.
    """
    return [_face(each, look, size, times, len(shown)) for each in shown]


def embedded(picture: Embedded, look: Look, times: Mapping[str, float]) -> list[dict[str, object]]:
    """The faces of a picture that was embedded; see :func:`faces`."""
    rows = zip(picture.faces, picture.attributes, picture.vectors, strict=True)
    return faces([Shown(*row) for row in rows], look, (picture.width, picture.height), times)


def prediction(hit: Hit, scale: Coefficients) -> dict[str, object]:
    """Whom a face may show."""
    return {
        "subject": hit.person.name if hit.person else None,
        "similarity": scale.similarity(hit.match.distance),
    }


def _face(
    shown: Shown, look: Look, size: tuple[int, int], times: Mapping[str, float], of: int
) -> dict[str, object]:
    answer: dict[str, object] = {
        "box": box(shown.detection.box, shown.detection.score, size),
        **plugins.fields(look.slugs, shown.told),
    }
    if look.with_embedding and shown.embedding is not None:
        answer["embedding"] = shown.embedding.tolist()
    if look.with_status:
        answer["execution_time"] = {slug: milliseconds(slug, times, of) for slug in TIMED}
    return answer


def box(found: Box, score: float, size: tuple[int, int]) -> dict[str, object]:
    """Where a face is: whole pixels inside the picture, and how sure the detector is."""
    width, height = size
    return {
        "probability": rounded(score),
        "x_max": _pixel(found.x2, width),
        "y_max": _pixel(found.y2, height),
        "x_min": _pixel(found.x1, width),
        "y_min": _pixel(found.y1, height),
    }


def milliseconds(slug: str, times: Mapping[str, float], of: int) -> float | None:
    """A plugin's time for one of so many faces, the detector's for all; None if it did not run."""
    seconds = times.get(_STAGES.get(slug) or plugins.ATTRIBUTES[slug])
    if seconds is None:
        return None
    share = seconds if slug == plugins.DETECTOR else seconds / max(of, 1)
    return round(1000 * share, 1)


def _pixel(value: float, size: int) -> int:
    return min(max(math.floor(value + 0.5), 0), size)
