"""A model is described by data: what its ``model.toml`` says, parsed and checked."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faceserver.errors import ModelError


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NetworkFiles(_Described):
    """One network's files; relative to the model's folder until :func:`load_spec` resolves them.

    Attributes:
        prototxt: the layers, in Caffe's text format.
        caffemodel: the weights, in Caffe's binary format.
        onnx: both, converted for the runtimes that read ONNX.
        sha256: of the caffemodel as ``make models`` builds it.
    """

    prototxt: Path
    caffemodel: Path
    onnx: Path
    sha256: str


class FixedNormalization(_Described):
    """Every pixel becomes (x - mean) * scale."""

    kind: Literal["fixed"]
    mean: float
    scale: float


class WhiteningNormalization(_Described):
    """Each image is whitened by its own mean and deviation: (x - mean) / max(std, 1/sqrt(n))."""

    kind: Literal["whiten"]


Normalization = Annotated[FixedNormalization | WhiteningNormalization, Field(discriminator="kind")]


class SquareCrop(_Described):
    """How a face is cut out: a square around the lowered centre of its box, zero beyond the edge.

    Attributes:
        side: the square's side, in means of the box's width and height.
        lowered: how far the centre moves down, in the same unit.
        size: pixels of the scaled crop's side.
    """

    kind: Literal["square"]
    side: float
    lowered: float
    size: int


class Distances(_Described):
    """What this model's squared L2 distances mean.

    Attributes:
        threshold: pairs below it are taken for the same person.
        calibration: which labelled pairs the threshold comes from.
    """

    threshold: float
    calibration: str


class _ModelSpec(_Described):
    name: str
    source: str
    source_sha256: dict[str, str]
    licence: str
    networks: dict[str, NetworkFiles]


class DetectorSpec(_ModelSpec):
    """A cascade of networks that finds faces, such as MTCNN."""

    kind: Literal["detector"]
    normalization: FixedNormalization


class EmbedderSpec(_ModelSpec):
    """A network that turns a face's crop into a vector.

    Attributes:
        dims: length of the embedding.
        normalization: what happens to the pixels first.
        crop: how the face is cut out of its picture.
        distances: what the distances between embeddings mean.
    """

    kind: Literal["embedder"]
    dims: int
    normalization: Normalization
    crop: SquareCrop
    distances: Distances


Spec = TypeVar("Spec", DetectorSpec, EmbedderSpec)


def load_spec(folder: Path, kind: type[Spec]) -> Spec:
    """Read ``model.toml`` in a model's folder.

    Returns:
        The description, with the networks' files resolved against the folder.

    Raises:
        ModelError: the file is missing, no TOML, or does not describe a model of this kind.
    """
    path = folder / "model.toml"
    try:
        spec = kind.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing: is {folder.name!r} the right model?") from error
    except (ValidationError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} does not describe a {kind.__name__}: {error}") from error
    networks = {name: _resolved(files, folder) for name, files in spec.networks.items()}
    return spec.model_copy(update={"networks": networks})


def _resolved(files: NetworkFiles, folder: Path) -> NetworkFiles:
    paths = {name: folder / getattr(files, name) for name in ("prototxt", "caffemodel", "onnx")}
    return files.model_copy(update=paths)
