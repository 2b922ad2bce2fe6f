"""Who finds the faces, and who compares them: this server, or others that the settings name."""

import json
import math
from base64 import b64encode
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceserver.errors import UpstreamFailed
from faceserver.services.context import LARGEST
from faceserver.services.relaying import Answer
from faceserver.types import Box, Floats
from faceserver.web.context import services

DETECT = "compare_detect_upstream"
COMPARE = "compare_upstream"

_OK = 200

_Bound = tuple[float, float, float, float, float]


class _Found(BaseModel):
    """The faces that another server has found."""

    model_config = ConfigDict(allow_inf_nan=False)

    bounds: Annotated[list[_Bound], Field(max_length=10_000)]


def distance(one: bytes, other: bytes) -> float | None:
    """The distance of the largest faces of two pictures; None where one shows none.

    Raises:
        ImageError: a picture cannot be used.
        NoFace: likewise, where this server finds the faces and compares them.
        UpstreamFailed: another server gave no proper answer.
    """
    relaying = services().relaying
    if not relaying.has(DETECT) and not relaying.has(COMPARE):
        found = services().analysis.compare(one, other, choices=(LARGEST, LARGEST))
        return math.sqrt(found.pairs[0].distance)
    places = [(data, _largest(data)) for data in (one, other)]
    found_places = [(data, box) for data, box in places if box is not None]
    if len(found_places) < len(places):
        return None
    if relaying.has(COMPARE):
        crops = [services().analysis.cut_out(data, box) for data, box in found_places]
        return _compared_elsewhere(crops)
    a, b = (services().analysis.embed_at(data, box).vectors[0] for data, box in found_places)
    return between(a, b)


def between(one: Floats, other: Floats) -> float:
    """The Euclidean distance of two vectors."""
    return float(np.linalg.norm(one - other))


def _largest(data: bytes) -> Box | None:
    if not services().relaying.has(DETECT):
        faces = services().analysis.detect(data).faces
        return faces[0].box if faces else None
    answer = _ask(DETECT, [data])
    try:
        found = _Found.model_validate_json(answer.body)
    except ValidationError as error:
        raise UpstreamFailed(
            "the upstream server that finds faces did not answer with bounds"
        ) from error
    boxes = [Box(*bound[:4]) for bound in found.bounds]
    return max(boxes, key=lambda box: box.area, default=None)


def _compared_elsewhere(crops: list[bytes]) -> float | None:
    answer = _ask(COMPARE, crops)
    try:
        told = float(answer.body.decode("ascii").strip())
    except ValueError as error:
        raise UpstreamFailed(
            "the upstream server that compares faces did not answer with a number"
        ) from error
    if not math.isfinite(told):
        raise UpstreamFailed("the upstream server that compares faces did not answer with a number")
    return None if told < 0 else told


def _ask(setting: str, pictures: list[bytes]) -> Answer:
    body = json.dumps({"imgs": [b64encode(data).decode() for data in pictures]}).encode()
    answer = services().relaying.post(setting, "", body, "application/json")
    if answer.status != _OK:
        raise UpstreamFailed(f"the upstream server answered with status {answer.status}")
    return answer
