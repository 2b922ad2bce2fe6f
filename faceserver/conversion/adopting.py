"""Describes ONNX files as models: what the file shows is taken from it, the rest is asked for.

Detectors of InsightFace's kind and their attributes are known by their shapes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from faceserver.conversion.known import SQUARE, Known, require_dims
from faceserver.conversion.model_toml import GIVEN, UNCALIBRATED, Description
from faceserver.conversion.normalizations import NAMES, normalization_of
from faceserver.conversion.onnx_shapes import Shapes, inspect
from faceserver.errors import InvalidRequest, ModelError
from faceserver.models.files import sha256_of
from faceserver.models.spec import (
    AlignedCrop,
    CentredCrop,
    Crop,
    Normalization,
    OptionValue,
)
from faceserver.vision import architectures

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

TEMPLATE_SIDE = 112
LEAST_DIMS, _MOST_DIMS = 64, 4096
_THRESHOLDS = {"facenet": 0.9, "arcface": 1.2}
"""Guesses for embedders that have not been calibrated."""


@dataclass(frozen=True)
class Made:
    """An ONNX file, and where it comes from.

    Attributes:
        source: what the user gave.
        source_sha256: of it, by its files' names.
        files: all formats that were made, by their names in a description.
        known: what is known of the source, by its hash or the user's word.
        scales_its_input: whether the network normalizes its pixels itself.
        size: rows and columns of its input.
        is_given: whether the ONNX file is the user's own.
    """

    source: Path
    source_sha256: Mapping[str, str]
    files: Mapping[str, Path]
    known: Known | None = None
    scales_its_input: bool = False
    size: tuple[int, int] | None = None
    is_given: bool = False


@dataclass(frozen=True)
class Told:
    """What a user says of a model; None leaves it to what the file shows.

    Attributes:
        kind: detector, embedder or attribute.
        architecture: a name of :mod:`faceserver.vision.architectures`.
        normalization: itself, or what :func:`normalization_of` takes: a name, or mean and scale as
            in "127.5,0.0078".
        crop: aligned, square or centred.
        channels: rgb or bgr.
        labels: of an attribute's outputs.
        licence: of the weights.
        threshold: squared L2 distance below which two faces are taken for one person.
    """

    kind: str | None = None
    architecture: str | None = None
    normalization: str | Normalization | None = None
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
    raise InvalidRequest(f"the file does not say {meaning}: say it with --{name}{choices}")


def describe(onnx: Path, name: str, told: Told, ask: Ask, made: Made) -> str:
    """The ``model.toml`` of an ONNX file.

    Args:
        onnx: the file, which will lie beside the description.
        name: the model's name.
        told: what the user says.
        ask: asks for what neither the file nor the user says.
        made: where the file comes from.

    Raises:
        ModelError: the file cannot be read, or takes no pictures.
        InvalidRequest: an option is missing or cannot be.
    """
    shapes = _with_size(inspect(onnx), made)
    known = made.known
    full = _completed(told, shapes, ask, made)
    kind, architecture = full.kind or "", full.architecture or ""
    distances = None
    if kind == "embedder":
        require_dims(known, made.source, shapes.answer or 0)
        distances = _distances(full, known)
        if shapes.answer is None:
            raise ModelError(f"{onnx.name} gives {shapes.outputs}, not one vector for each picture")
    network = "embedder" if kind == "embedder" else "network"
    takes_known = known and not told.normalization and not made.scales_its_input
    normalization = known.normalization if known and takes_known else full.normalization or ""
    if isinstance(normalization, str):
        normalization = normalization_of(normalization)
    return Description(
        kind=kind,
        architecture=architecture,
        name=architecture if architecture in _OWN_NAMES else name,
        source=known.source if known else f"from {made.source.name}",
        licence=full.licence or (known.licence if known else "unknown"),
        trained_on=known.trained_on if known else "",
        dims=shapes.answer if kind == "embedder" else None,
        labels=full.labels,
        source_sha256={} if made.is_given else made.source_sha256,
        channels=full.channels or "rgb",
        normalization=normalization,
        crop=None if kind == "detector" else _crop(full, shapes, known if not told.crop else None),
        distances=distances,
        options=_options(full, shapes),
        networks={network: _files(onnx, made)},
    ).format()


def architecture_of(side: int, crop: str | None, known: Known | None) -> str:
    """Which class runs a network that makes vectors of squares: by its crop, or its size."""
    if known and not crop:
        return "arcface" if known.crop.kind == "aligned" else "facenet"
    is_aligned = crop == "aligned" if crop else side == TEMPLATE_SIDE
    return "arcface" if is_aligned else "facenet"


def _distances(told: Told, known: Known | None) -> tuple[float, str]:
    if told.threshold is not None:
        return told.threshold, GIVEN
    if known:
        return known.threshold, known.calibration
    return _THRESHOLDS.get(told.architecture or "", _THRESHOLDS["arcface"]), UNCALIBRATED


def _with_size(shapes: Shapes, made: Made) -> Shapes:
    """Give a network whose size is open in ONNX the size that it was converted for."""
    if made.size is None or shapes.rows > 0:
        return shapes
    return replace(shapes, rows=made.size[0], columns=made.size[1])


def _files(onnx: Path, made: Made) -> dict[str, object]:
    # The ONNX file bears the fingerprint of the Caffe files, where there are some.
    hashed = [made.files[kind] for kind in ("caffemodel",) if kind in made.files] or [onnx]
    names = {kind: path.name for kind, path in made.files.items()}
    return {**names, "sha256": {path.name: sha256_of(path) for path in hashed}}


def _completed(told: Told, shapes: Shapes, ask: Ask, made: Made) -> Told:
    """What is told, with what the file shows, and what is asked for."""
    kind, architecture = told.kind, told.architecture
    guessed = _guess(shapes) or _guess_of_made(shapes, made)
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
    usual = kind == "detector" or architecture in _OWN_NAMES
    normalization = told.normalization or (_usual(shapes) if usual else None)
    channels = told.channels or ("rgb" if usual else None)
    if made.scales_its_input:
        normalization = normalization or "none"
    if made.known:
        normalization, channels = normalization or "none", channels or made.known.channels
    return replace(
        told,
        kind=kind,
        architecture=architecture,
        normalization=normalization or ask("normalization", "what happens to the pixels", NAMES),
        channels=channels or ask("channels", "the order of the colours", ("rgb", "bgr")),
        crop=told.crop or _usual_crop(kind, architecture),
        labels=told.labels or _asked_labels(architecture, ask),
    )


def _guess(shapes: Shapes) -> tuple[str, str] | None:
    """Kind and architecture, where the shapes alone tell them."""
    if shapes.has_anchors:
        return "detector", "scrfd"
    known = known_attribute(shapes)
    if known:
        return "attribute", known
    answer = shapes.answer
    if shapes.size == TEMPLATE_SIDE and answer and LEAST_DIMS <= answer <= _MOST_DIMS:
        return "embedder", "arcface"
    return None


def _guess_of_made(shapes: Shapes, made: Made) -> tuple[str, str] | None:
    """A converted network that makes one long vector is an embedder; FaceNets take other sizes."""
    answer = shapes.answer
    if (made.is_given and not made.known) or not answer or not LEAST_DIMS <= answer <= _MOST_DIMS:
        return None
    return "embedder", architecture_of(shapes.size or 0, None, made.known)


def known_attribute(shapes: Shapes) -> str | None:
    """The architecture of an attribute's network that is known by its shapes."""
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


def _crop(told: Told, shapes: Shapes, known: Known | None) -> Crop:
    size = shapes.size
    if size is None:
        raise ModelError(f"the network takes {shapes.rows} x {shapes.columns}, not squares")
    if known and not (isinstance(known.crop, AlignedCrop) and known.crop.size != size):
        return known.crop.model_copy(update={"size": size})
    if told.crop == "square":
        return SQUARE.model_copy(update={"size": size})
    if told.crop == "centred":
        return CentredCrop(kind="centred", side=1.5, size=size)
    if told.crop != "aligned":
        raise InvalidRequest(f"{told.crop!r} is not a crop: aligned, square or centred")
    factor = size / TEMPLATE_SIDE
    a, b, c, d, e = ((round(x * factor, 4), round(y * factor, 4)) for x, y in _TEMPLATE)
    smooth = size < TEMPLATE_SIDE
    return AlignedCrop(kind="aligned", size=size, smooth=smooth, template=(a, b, c, d, e))


def _options(told: Told, shapes: Shapes) -> dict[str, OptionValue]:
    options: dict[str, OptionValue] = {}
    if told.architecture == "scrfd":
        options = {"fixed": shapes.size is not None, "long_side": shapes.size or 640}
    elif shapes.batch == 1 and told.architecture != "facenet":
        options = {"batch": 1}
    return options
