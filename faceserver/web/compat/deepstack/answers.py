"""What DeepStack answers and CodeProject.AI adds: neither's clients mind the rest."""

from datetime import UTC, datetime
from email.utils import format_datetime
from time import perf_counter
from typing import Any

from flask import g

from faceserver.types import Box

_MODULE = {
    "moduleId": "FaceProcessing",
    "moduleName": "Face Processing",
    "executionProvider": "CPU",
    "canUseGPU": False,
}


def begin() -> None:
    """Note when the current request began."""
    g.began = perf_counter()


def done(command: str, message: str = "", **found: Any) -> dict[str, Any]:
    """The answer to a call that succeeded; see also :func:`failed`.

    Args:
        command: what CodeProject.AI calls it.
        message: for people.
        found: what the call is about.
    """
    return {"success": True, **found, **_figures(command, found), "message": message, "code": 200}


def failed(command: str, error: str) -> dict[str, Any]:
    """The answer to a call that found nothing to work on, which has the status 200 there."""
    return {"success": False, "error": error, **_figures(command, {}), "code": 500}


def place(box: Box) -> dict[str, int]:
    """Where a face is, in whole pixels; not beyond the picture's left and upper edge."""
    names = ("x_min", "y_min", "x_max", "y_max")
    edges = (box.x1, box.y1, box.x2, box.y2)
    return {name: max(round(edge), 0) for name, edge in zip(names, edges, strict=True)}


def _figures(command: str, found: dict[str, Any]) -> dict[str, Any]:
    seconds = perf_counter() - g.began
    milliseconds = round(1000 * seconds)
    return {
        "duration": round(seconds, 6),
        "count": len(found.get("predictions") or found.get("faces") or ()),
        "command": command,
        "inferenceMs": milliseconds,
        "processMs": milliseconds,
        "analysisRoundTripMs": milliseconds,
        "timestampUTC": format_datetime(datetime.now(UTC), usegmt=True),
        **_MODULE,
    }
