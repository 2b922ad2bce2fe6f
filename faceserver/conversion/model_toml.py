"""Writes the ``model.toml`` of a converted FaceNet."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from faceserver.conversion.readers.tf_source import TfSource
from faceserver.errors import ModelError
from faceserver.models.spec import Normalization

NormalizationName = Literal["fixed", "whiten", "none"]

_KNOWN = Path(__file__).with_name("known_models.toml")

# The comment above the table, and its entries.
_NORMALIZATIONS: dict[NormalizationName, tuple[str, dict[str, object]]] = {
    "fixed": ("(x - 127.5) / 128", {"kind": "fixed", "mean": 127.5, "scale": 1 / 128}),
    "whiten": ("(x - mean) / max(std, 1/sqrt(n)) of each picture", {"kind": "whiten"}),
    "none": ("the network takes raw pixels", {"kind": "fixed", "mean": 0.0, "scale": 1.0}),
}

# Square crop around the lowered centre, as the published models have been used with.
_CROP_SIDE, _CROP_LOWERED = 1.15, 0.10

_UNCALIBRATED = "not calibrated: calibrate on labelled pairs of your own before you rely on it"


@dataclass(frozen=True)
class KnownModel:
    """What is known of a published model; see known_models.toml."""

    name: str
    dims: int
    training_set: str
    lfw_accuracy: float
    licence: str
    normalization: NormalizationName
    sha256: tuple[str, ...]
    threshold: float
    calibration: str


@dataclass(frozen=True)
class Choices:
    """What the user says of the model; None leaves it to what is known."""

    normalization: NormalizationName | None = None
    threshold: float | None = None
    licence: str | None = None


@cache
def known_models() -> tuple[KnownModel, ...]:
    """Return the published models."""
    table = tomllib.loads(_KNOWN.read_text(encoding="utf-8"))
    return tuple(
        KnownModel(name=name, **{**entry, "sha256": tuple(entry["sha256"])})
        for name, entry in table.items()
    )


def recognise(source: TfSource) -> KnownModel | None:
    """Return the published model that a source is, by its hash or its name."""
    digests = set(source.sha256().values())
    names = " ".join([source.path.resolve().name, *(file.name for file in source.files)])
    return next(
        (each for each in known_models() if digests & set(each.sha256) or each.name in names), None
    )


def normalization_for(
    known: KnownModel | None, choices: Choices, *, scaled_inside: bool
) -> NormalizationName:
    """Decide how pixels must be normalized: as said, as known, or not where the network does it.

    Raises:
        ModelError: nothing tells.
    """
    if choices.normalization:
        return choices.normalization
    if scaled_inside:
        return "none"
    if known:
        return known.normalization
    raise ModelError(
        "this is none of the published models, so say how it was trained: --normalization fixed "
        "for (x - 127.5) / 128, whiten for (x - mean) / std of each picture, none for raw pixels"
    )


def pixel_normalization(name: NormalizationName) -> Normalization:
    """Return what must happen to the pixels, as the server does it."""
    _comment, entries = _NORMALIZATIONS[name]
    return TypeAdapter[Normalization](Normalization).validate_python(entries)


def format_model_toml(
    source: TfSource,
    *,
    model: str,
    network: str,
    dims: int,
    size: int,
    normalization: NormalizationName,
    caffemodel_sha256: str,
    choices: Choices,
) -> str:
    """Write the description.

    Args:
        source: what was converted.
        model: the model's name.
        network: the network's files' name without suffix.
        dims: length of the embedding.
        size: rows and columns of the input.
        normalization: what must happen to the pixels first.
        caffemodel_sha256: of the weights.
        choices: what the user said.
    """
    known = recognise(source)
    about = f"from {source.path.name}"
    if known:
        about = (
            f"FaceNet {known.name} (trained on {known.training_set}, LFW accuracy "
            f"{known.lfw_accuracy}), {about}"
        )
    threshold, calibration = (known.threshold, known.calibration) if known else (0.9, _UNCALIBRATED)
    if choices.threshold is not None:
        threshold, calibration = choices.threshold, "given by whoever converted the model"
    licence = choices.licence or (known.licence if known else "unknown")
    head = {
        "kind": "embedder",
        "architecture": "facenet",
        "name": model,
        "source": about,
        "licence": licence,
        "dims": dims,
    }
    crop = {"kind": "square", "side": _CROP_SIDE, "lowered": _CROP_LOWERED, "size": size}
    files = {
        "prototxt": f"{network}.prototxt",
        "caffemodel": f"{network}.caffemodel",
        "onnx": f"{network}.onnx",
    }
    comment, pixels = _NORMALIZATIONS[normalization]
    parts = [
        _lines(head),
        _table("source_sha256", {f'"{name}"': each for name, each in source.sha256().items()}),
        f"# {comment}\n{_table('input.normalization', pixels)}",
        _table("crop", crop),
        _table("distances", {"threshold": threshold, "calibration": calibration}),
        _table("networks.embedder", files),
        _table("networks.embedder.sha256", {f'"{network}.caffemodel"': caffemodel_sha256}),
    ]
    return "\n".join(parts)


def _table(name: str, entries: Mapping[str, object]) -> str:
    return f"[{name}]\n{_lines(entries)}"


def _lines(entries: Mapping[str, object]) -> str:
    """Write values as TOML does, which for text and numbers is as JSON does."""
    return "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in entries.items()
    )
