"""Knows the files of InsightFace's packs, such as buffalo_l.zip."""

from dataclasses import replace
from pathlib import Path

from faceserver.conversion.adopting import LEAST_DIMS, TEMPLATE_SIDE, Told, known_attribute
from faceserver.conversion.onnx_shapes import inspect

_LICENCE = "non-commercial research"
_EMBEDDERS = ("w600k_r50", "w600k_mbf", "glintr100")
_DETECTORS = ("det_10g", "det_2.5g", "det_500m", "scrfd_10g_bnkps")
_ATTRIBUTES = ("2d106det", "genderage")


def of_pack(onnx: Path, told: Told) -> Told | None:
    """What is known of a file of a pack, by its name and its shapes; None if nothing is.

    Args:
        onnx: the file.
        told: what the user says of the pack, which comes first.
    """
    shapes, name = inspect(onnx), onnx.stem
    if (name in _DETECTORS and shapes.has_anchors) or (
        name in _ATTRIBUTES and known_attribute(shapes)
    ):
        return replace(told, licence=told.licence or _LICENCE)
    makes_vectors = shapes.size == TEMPLATE_SIDE and (shapes.answer or 0) >= LEAST_DIMS
    if name in _EMBEDDERS and makes_vectors:
        usual = "none" if shapes.normalizes else "signed"
        return replace(
            told,
            normalization=told.normalization or usual,
            channels=told.channels or "rgb",
            licence=told.licence or _LICENCE,
        )
    return None
