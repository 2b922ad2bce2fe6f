"""What is told of a model beside its weights: its normalization, its source, its licence."""

from dataclasses import dataclass
from pathlib import Path

from faceserver.conversion.model_toml import pixel_normalization, recognise
from faceserver.conversion.readers.tf_source import TfSource
from faceserver.errors import ModelError
from faceserver.folders import DESCRIPTIONS
from faceserver.models.spec import (
    EmbedderSpec,
    FixedNormalization,
    Normalization,
    WhiteningNormalization,
    load_spec,
)

_UNKNOWN = "not stated"


@dataclass(frozen=True)
class About:
    """What a CoreML file says of its model.

    Attributes:
        name: of the model.
        author: who stands behind the file.
        licence: of the weights.
        source: where the weights come from.
        normalization: what happens to the pixels first.
    """

    name: str
    author: str
    licence: str
    source: str
    normalization: Normalization


def about(source: TfSource, model_toml: Path | None, normalization: Normalization | None) -> About:
    """Gather what is known of a source.

    Args:
        source: what is converted.
        model_toml: a description of it; without one, that ``model.toml`` is taken, beside the
            source or among this project's models, that names the source's sha256; and else what
            is known of the published model that the source is.
        normalization: what holds whatever the description says.

    Raises:
        ModelError: the description cannot be read, or the normalization is unknown.
    """
    spec = _described(model_toml) if model_toml else _recognised(source)
    if spec:
        pixels = normalization or spec.input.normalization
        return About(spec.name, _UNKNOWN, spec.licence, spec.source, pixels)
    known = recognise(source)
    if known:
        pixels = normalization or pixel_normalization(known.normalization)
        words = f"FaceNet {known.name}, trained on {known.training_set}"
        return About(known.name, _UNKNOWN, known.licence, words, pixels)
    if normalization is None:
        raise ModelError(
            f"{source.path.name} is none of the models that are known here, so say how it was "
            "trained: --normalization fixed, whiten or none, or --model-toml"
        )
    return About(source.path.stem, _UNKNOWN, _UNKNOWN, source.path.name, normalization)


def metadata(about: About, sha256: str, shape: tuple[int, int, int], dims: int) -> dict[str, str]:
    """Return the entries that a CoreML file carries beside its author and licence."""
    _channels, rows, columns = shape
    return {
        "source": about.source,
        "source_sha256": sha256,
        "dims": str(dims),
        "input": f"RGB picture of a face, {columns}x{rows} pixels",
        "normalization": _in_words(about.normalization),
        "distance": "squared L2 distance of two embeddings: the smaller, the more alike",
    }


def swift_line(class_name: str) -> str:
    """Return how an app calls the model; Xcode names the class after the file."""
    return (
        f"let vector = try {class_name}(configuration: MLModelConfiguration())"
        ".prediction(image: pixelBuffer).embedding"
    )


def _described(model_toml: Path) -> EmbedderSpec:
    if model_toml.name != "model.toml":
        raise ModelError(f"{model_toml} is not named model.toml")
    return load_spec(model_toml.parent, EmbedderSpec)


def _recognised(source: TfSource) -> EmbedderSpec | None:
    digests = source.sha256().values()
    beside = source.files[0].parent / "model.toml"
    for path in (beside, *sorted(DESCRIPTIONS.glob("*/*/model.toml"))):
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        if any(digest in text for digest in digests):
            return load_spec(path.parent, EmbedderSpec)
    return None


def _in_words(normalization: Normalization) -> str:
    match normalization:
        case FixedNormalization(mean=mean, scale=scale):
            return f"inside: (x - {mean:g}) * {scale:g}"
        case WhiteningNormalization():
            return "inside: (x - mean) / max(deviation, 1/sqrt(n)), of each picture"
