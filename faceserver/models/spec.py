"""A model is described by data: what its ``model.toml`` says, parsed and checked."""

import math
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


class Rate(_Described):
    """What a threshold would do, as counted on labelled pairs.

    Attributes:
        threshold: a squared L2 distance.
        false_match: share of the pairs of different people that lie below it.
        false_non_match: share of the pairs of the same person that do not.
    """

    threshold: float
    false_match: float
    false_non_match: float


_LARGEST_EXPONENT = 700.0  # math.exp overflows at 710


class SimilarityCurve(_Described):
    """From a distance to a similarity: a logistic curve through labelled pairs.

    Attributes:
        midpoint: the squared L2 distance of similarity 0.5.
        steepness: how fast it falls there.
        same_pairs: how many pairs of the same person it comes from.
        different_pairs: how many pairs of different people.
        rates: of some thresholds, on the same pairs.
    """

    midpoint: float
    steepness: float = Field(gt=0)
    same_pairs: int
    different_pairs: int
    rates: tuple[Rate, ...]

    def of(self, distance: float) -> float:
        """The similarity of a distance, 0 to 1.

        Among as many pairs of the same person as of different people, it is the share of the
        same person at this distance (J. Platt: Probabilistic Outputs for Support Vector Machines,
        1999): 1 / (1 + exp(steepness * (distance - midpoint))).
        """
        exponent = self.steepness * (distance - self.midpoint)
        return 1 / (1 + math.exp(min(exponent, _LARGEST_EXPONENT)))


class Distances(_Described):
    """What this model's squared L2 distances mean.

    Attributes:
        threshold: pairs below it are taken for the same person.
        calibration: which labelled pairs the threshold comes from.
        similarity: None until ``faceserver evaluate --save`` has measured it.
    """

    threshold: float
    calibration: str
    similarity: SimilarityCurve | None = None


class _ModelSpec(_Described):
    name: str
    source: str
    source_sha256: dict[str, str]
    licence: str
    networks: dict[str, NetworkFiles]


class DetectorSpec(_ModelSpec):
    """A cascade of networks that finds faces, such as MTCNN.

    Attributes:
        normalization: what happens to the pixels first.
        sure: score from which a face is hardly ever one that lies on its side or upside down.
    """

    kind: Literal["detector"]
    normalization: FixedNormalization
    sure: float = Field(0.997, gt=0, le=1)


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
