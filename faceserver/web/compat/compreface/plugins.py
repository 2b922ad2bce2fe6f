"""CompreFace's plugins: what it calls attributes, what each answers, and what they are named."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from faceserver.vision.attributes.base import Value
from faceserver.vision.attributes.landmarks import NAMES

CALCULATOR = "calculator"
DETECTOR = "detector"

ATTRIBUTES = {
    "landmarks": "landmarks",
    "age": "age",
    "gender": "gender",
    "mask": "mask",
    "pose": "pose",
    "landmarks2d106": "landmarks106",
}
"""Our attribute for each of its plugins, by the plugin's slug."""

_CLASSES = {
    DETECTOR: "FaceDetector",
    CALCULATOR: "Calculator",
    "landmarks": "LandmarksDetector",
    "age": "AgeDetector",
    "gender": "GenderDetector",
    "mask": "MaskDetector",
    "pose": "PoseEstimator",
    "landmarks2d106": "Landmarks2d106Detector",
}
_MIDDLE_SHARE = 0.8
"""Of ages: that they lie between low and high."""


def known(slugs: Iterable[str], available: Collection[str]) -> tuple[str, ...]:
    """Those of the plugins that there are here, each once; others are passed over."""
    wanted = dict.fromkeys(slug.strip() for slug in slugs)
    return tuple(slug for slug in wanted if ATTRIBUTES.get(slug) in available)


def version(slug: str, model: str) -> str:
    """What a plugin is called with its version. The family is ours: so are the vectors."""
    return f"faceserver.{_CLASSES[slug]}@{model}"


def fields(slugs: Iterable[str], told: Mapping[str, Value]) -> dict[str, object]:
    """What plugins answer of a face, by their slugs."""
    return {slug: _answer(slug, told[ATTRIBUTES[slug]]) for slug in slugs}


def _answer(slug: str, told: Mapping[str, Any]) -> object:
    if slug == "landmarks":
        return [[round(number) for number in told[name]] for name in NAMES]
    if slug == "landmarks2d106":
        return [[round(number) for number in point] for point in told["points"]]
    if slug != "age":
        return dict(told)
    value = told["value"]
    return {
        "low": round(told.get("low", value)),
        "high": round(told.get("high", value)),
        "probability": _MIDDLE_SHARE if "low" in told else 1.0,
    }
