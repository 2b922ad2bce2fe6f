"""What Facebox answers of faces."""

from typing import Any

from faceserver.services.searching import Hit
from faceserver.services.taught import example_id
from faceserver.types import Box
from faceserver.web.compat.similarity import Scale

_DECIMALS = 6


def rect(box: Box) -> dict[str, int]:
    """Where a face is, in whole pixels."""
    return {
        "top": round(box.y1),
        "left": round(box.x1),
        "width": round(box.width),
        "height": round(box.height),
    }


def verdict(hits: tuple[Hit, ...], scale: Scale) -> dict[str, Any]:
    """Whether a face is somebody; the name and the id only if so, for clients read them then."""
    if not hits or hits[0].person is None:
        return {"matched": False, "confidence": 0}
    return {"matched": True, **similar(hits[0], scale)}


def similar(hit: Hit, scale: Scale) -> dict[str, Any]:
    """A face that was taught, and how near it is."""
    return {
        "id": example_id(hit.match.face),
        "name": hit.person.name if hit.person else "",
        "confidence": round(scale.similarity(hit.match.distance), _DECIMALS),
    }
