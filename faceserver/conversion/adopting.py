"""Makes models of ONNX files: what the file shows is taken from it, the rest is said or asked for.

Files of InsightFace's packs are known by their shapes and names, so nothing is asked for them.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from faceserver.conversion.onnx_shapes import Shapes, inspect
from faceserver.engines import EngineOptions, make_engine
from faceserver.errors import FaceServerError, InvalidRequest, ModelError
from faceserver.models.files import sha256_of
from faceserver.models.spec import DetectorSpec, EmbedderSpec, Spec, load_any_spec
from faceserver.types import Box, Detection
from faceserver.vision import architectures
from faceserver.vision.base import Loading

NORMALIZATIONS: Mapping[str, tuple[object, object]] = {
    "none": (0.0, 1.0),
    "unit": (0.0, 1 / 255),
    "signed": (127.5, 1 / 127.5),
    "signed128": (127.5, 1 / 128),
    "imagenet": ([123.675, 116.28, 103.53], [1 / 58.395, 1 / 57.12, 1 / 57.375]),
}
"""Mean and scale by name: pixels become (x - mean) * scale."""

_TEMPLATE = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
"""Where the five points come to lie in crops of 112 x 112, since ArcFace."""

_OWN_NAMES = ("landmarks106", "genderage")
"""Attributes that are asked for by what they tell, not by whose file it is."""

_TEMPLATE_SIDE = 112
_LEAST_DIMS, _MOST_DIMS = 64, 4096
_THRESHOLD = 1.2
_UNCALIBRATED = "not calibrated: run `faceserver evaluate --save` on labelled photographs"
_PICTURE = (480, 640, 3)


@dataclass(frozen=True)
class Told:
    """What a user says of a model; None leaves it to what the file shows.

    Attributes:
        kind: detector, embedder or attribute.
        architecture: a name of :mod:`faceserver.vision.architectures`.
        normalization: a name of :data:`NORMALIZATIONS`, whiten, or mean and scale: "127.5,0.0078".
        crop: aligned, square or centred.
        channels: rgb or bgr.
        labels: of an attribute's outputs.
        licence: of the weights.
        threshold: squared L2 distance below which two faces are taken for one person.
    """

    kind: str | None = None
    architecture: str | None = None
    normalization: str | None = None
    crop: str | None = None
    channels: str | None = None
    labels: tuple[str, ...] = ()
    licence: str | None = None
    threshold: float | None = None


Ask = Callable[[str, str, tuple[str, ...]], str]
"""Asks for an option: its name, what it means, and the answers that there are (none: any)."""


def refuse_to_ask(name: str, meaning: str, answers: tuple[str, ...]) -> str:
    """An :data:`Ask` where nobody can be asked.

    Raises:
        InvalidRequest: always; it names the option.
    """
    choices = f" ({', '.join(answers)})" if answers else ""
    raise InvalidRequest(f"the file does not tell {meaning}: say it with --{name}{choices}")


def describe(onnx: Path, name: str, told: Told, ask: Ask) -> str:
    """The ``model.toml`` of an ONNX file.

    Args:
        onnx: the file, which will lie beside the description.
        name: the model's name.
        told: what the user says.
        ask: asks for what neither the file nor the user says.

    Raises:
        ModelError: the file cannot be read, or takes no pictures.
        InvalidRequest: an option is missing or cannot be.
    """
    shapes = inspect(onnx)
    full = _completed(told, shapes, ask)
    parts = [
        _lines(_head(full, name, onnx, shapes)),
        _table(
            "input",
            {"channels": full.channels, "normalization": _normalization(full.normalization or "")},
        ),
    ]
    if full.kind != "detector":
        parts.append(_table("crop", _crop(full, shapes)))
    if full.kind == "embedder":
        calibration = (
            _UNCALIBRATED if full.threshold is None else "given by whoever added the model"
        )
        distances = {"threshold": full.threshold or _THRESHOLD, "calibration": calibration}
        parts.append(_table("distances", distances))
    options = _options(full, shapes)
    if options:
        parts.append(_table("options", options))
    network = "embedder" if full.kind == "embedder" else "network"
    files = {"onnx": onnx.name, "sha256": {onnx.name: sha256_of(onnx)}}
    parts.append(_table(f"networks.{network}", files))
    return "\n".join(parts)


def try_out(folder: Path) -> Spec:
    """Load a described model and run it once on a black picture.

    Raises:
        ModelError: it cannot be loaded, or what it gives is not what its architecture needs.
    """
    spec = load_any_spec(folder)
    loading = Loading(make_engine("openvino", EngineOptions()))
    image = np.zeros(_PICTURE, np.uint8)
    five = ((40.0, 40.0), (80.0, 40.0), (60.0, 65.0), (45.0, 85.0), (75.0, 85.0))
    face = Detection(Box(20, 10, 100, 110), five, 1.0)
    try:
        if isinstance(spec, DetectorSpec):
            architectures.make_detector(spec, loading).detect(image)
        elif isinstance(spec, EmbedderSpec):
            embedder = architectures.make_embedder(spec, loading)
            embedder.embed([embedder.crop(image, face)] * 2)
        else:
            attribute = architectures.make_attribute(spec, loading)
            attribute.tell([attribute.cut(image, face)] * 2)
    except FaceServerError:
        raise
    except (RuntimeError, ValueError, KeyError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(f"{spec.name} does not run: {lines[0]}") from error
    return spec


def of_pack(onnx: Path) -> Told | None:
    """What is known of a file of one of InsightFace's packs; None if nothing is."""
    shapes = inspect(onnx)
    if shapes.has_anchors or _known_attribute(shapes):
        return Told(licence="non-commercial research")
    if shapes.size == _TEMPLATE_SIDE and shapes.answer and shapes.answer >= _LEAST_DIMS:
        how = "none" if shapes.normalizes else "signed"
        return Told(normalization=how, channels="rgb", licence="non-commercial research")
    return None


def _completed(told: Told, shapes: Shapes, ask: Ask) -> Told:
    """What is told, with what the file shows, and what is asked for."""
    kind, architecture = told.kind, told.architecture
    guessed = _guess(shapes)
    if kind is None and architecture is None and guessed:
        kind, architecture = guessed
    if kind is None:
        kind = _kind_of(architecture) if architecture else None
    kind = kind or ask("kind", "what it is for", ("detector", "embedder", "attribute"))
    if architecture is None:
        architecture = guessed[1] if guessed and guessed[0] == kind else None
    if architecture is None:
        names = {
            "detector": architectures.detectors,
            "embedder": architectures.embedders,
            "attribute": architectures.attributes,
        }[kind].names()
        architecture = ask("architecture", "which class runs it", tuple(names))
    known = kind == "detector" or architecture in _OWN_NAMES
    normalization = told.normalization or (_usual(shapes) if known else None)
    channels = told.channels or ("rgb" if known else None)
    return replace(
        told,
        kind=kind,
        architecture=architecture,
        normalization=normalization
        or ask("normalization", "what happens to the pixels", (*NORMALIZATIONS, "whiten")),
        channels=channels or ask("channels", "the order of the colours", ("rgb", "bgr")),
        crop=told.crop or _usual_crop(kind, architecture),
        labels=told.labels or _asked_labels(architecture, ask),
    )


def _guess(shapes: Shapes) -> tuple[str, str] | None:
    """Kind and architecture, where the shapes alone tell them."""
    if shapes.has_anchors:
        return "detector", "scrfd"
    known = _known_attribute(shapes)
    if known:
        return "attribute", known
    answer = shapes.answer
    if shapes.size == _TEMPLATE_SIDE and answer and _LEAST_DIMS <= answer <= _MOST_DIMS:
        return "embedder", "arcface"
    return None


def _known_attribute(shapes: Shapes) -> str | None:
    known = {(192, 212): "landmarks106", (96, 3): "genderage"}
    return known.get((shapes.size or 0, shapes.answer or 0))


def _kind_of(architecture: str) -> str | None:
    registries = {
        "detector": architectures.detectors,
        "embedder": architectures.embedders,
        "attribute": architectures.attributes,
    }
    return next((k for k, names in registries.items() if architecture in names.names()), None)


def _usual(shapes: Shapes) -> str:
    return "none" if shapes.normalizes else "signed128"


def _usual_crop(kind: str, architecture: str) -> str:
    if kind == "embedder":
        return "square" if architecture == "facenet" else "aligned"
    return "centred" if architecture in _OWN_NAMES else "aligned"


def _asked_labels(architecture: str, ask: Ask) -> tuple[str, ...]:
    if architecture != "classes":
        return ()
    answer = ask("labels", "what its outputs stand for", ())
    return tuple(label.strip() for label in answer.split(","))


def _head(told: Told, name: str, onnx: Path, shapes: Shapes) -> dict[str, object]:
    head: dict[str, object] = {
        "kind": told.kind,
        "architecture": told.architecture,
        "name": told.architecture if told.architecture in _OWN_NAMES else name,
        "source": f"from {onnx.name}",
        "licence": told.licence or "unknown",
    }
    if told.kind == "embedder":
        if shapes.answer is None:
            raise ModelError(f"{onnx.name} gives {shapes.outputs}, not one vector for each picture")
        head["dims"] = shapes.answer
    if told.labels:
        head["labels"] = list(told.labels)
    return head


def _normalization(text: str) -> dict[str, object]:
    if text == "whiten":
        return {"kind": "whiten"}
    if text in NORMALIZATIONS:
        mean, scale = NORMALIZATIONS[text]
        return {"kind": "fixed", "mean": mean, "scale": scale}
    numbers = re.fullmatch(r"\s*([-+.\de]+)\s*,\s*([-+.\de]+)\s*", text)
    try:
        mean, scale = (float(number) for number in numbers.groups()) if numbers else (0.0, 0.0)
    except ValueError:
        scale = 0.0
    if not scale:
        names = ", ".join((*NORMALIZATIONS, "whiten"))
        raise InvalidRequest(f"{text!r} is no normalization: {names}, or MEAN,SCALE")
    return {"kind": "fixed", "mean": mean, "scale": scale}


def _crop(told: Told, shapes: Shapes) -> dict[str, object]:
    size = shapes.size
    if size is None:
        raise ModelError(f"the network takes {shapes.rows} x {shapes.columns}, not squares")
    if told.crop == "square":
        return {"kind": "square", "side": 1.15, "lowered": 0.1, "size": size}
    if told.crop == "centred":
        return {"kind": "centred", "side": 1.5, "size": size}
    if told.crop != "aligned":
        raise InvalidRequest(f"{told.crop!r} is no crop: aligned, square or centred")
    factor = size / _TEMPLATE_SIDE
    template = [[round(x * factor, 4), round(y * factor, 4)] for x, y in _TEMPLATE]
    return {"kind": "aligned", "size": size, "smooth": size < _TEMPLATE_SIDE, "template": template}


def _options(told: Told, shapes: Shapes) -> dict[str, object]:
    options: dict[str, object] = {}
    if told.architecture == "scrfd":
        options = {"fixed": shapes.size is not None, "long_side": shapes.size or 640}
    elif shapes.batch == 1 and told.architecture != "facenet":
        options = {"batch": 1}
    return options


def _table(name: str, entries: Mapping[str, object]) -> str:
    return f"[{name}]\n{_lines(entries)}"


def _lines(entries: Mapping[str, object]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in entries.items())


def _value(value: object) -> str:
    """A value as TOML has it, which but for tables is as JSON has it."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{json.dumps(key)} = {_value(each)}" for key, each in value.items())
        return f"{{ {inner} }}"
    return json.dumps(value, ensure_ascii=False)
