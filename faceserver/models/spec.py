"""A model is described by data: what its ``model.toml`` says, parsed and checked.

What a model is for is its ``kind``; the class that runs it is its ``architecture``, a name in
:mod:`faceserver.vision.architectures`. Everything that such a class needs to know of one model
stands here, so that another model of the same family is a folder and no code.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from faceserver.errors import ModelError
from faceserver.models.described import Described
from faceserver.models.distances import Distances
from faceserver.models.remote import RemoteNetwork

OptionValue = bool | int | float | str


class BuiltFiles(NamedTuple):
    """What ``faceserver models build`` makes of a network: Caffe's two files, and ONNX of them."""

    prototxt: Path
    caffemodel: Path
    onnx: Path


class NetworkFiles(Described):
    """One network in its formats; relative to the model's folder until it is loaded.

    Each runtime takes the format that it reads, so none is obligatory.

    Attributes:
        prototxt: the layers, in Caffe's text format.
        caffemodel: the weights, in Caffe's binary format.
        onnx: both, for the runtimes that read ONNX.
        remote: the network on an inference server; its name there, if that is all there is to say.
        sha256: of the files, by their names.
        normalization: what happens to the pixels first, where it differs from the model's input.
    """

    prototxt: Path | None = None
    caffemodel: Path | None = None
    onnx: Path | None = None
    remote: RemoteNetwork | None = None
    sha256: Mapping[str, str] = Field(default_factory=dict)
    normalization: "Normalization | None" = None

    @model_validator(mode="before")
    @classmethod
    def _of_one_file(cls, given: Any) -> Any:
        """One digest alone is the caffemodel's, as in descriptions before version 0.2."""
        if isinstance(given, dict) and isinstance(given.get("sha256"), str):
            name = Path(given.get("caffemodel") or given.get("onnx") or "").name
            return {**given, "sha256": {name: given["sha256"]}}
        return given

    @property
    def built(self) -> BuiltFiles | None:
        """The files of a network that is built from published weights; None for any other."""
        if self.prototxt is None or self.caffemodel is None or self.onnx is None:
            return None
        return BuiltFiles(self.prototxt, self.caffemodel, self.onnx)

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file of the network."""
        return tuple(path for path in (self.prototxt, self.caffemodel, self.onnx) if path)


class FixedNormalization(Described):
    """Every value becomes (x - mean) * scale; three numbers are those of the three channels."""

    kind: Literal["fixed"]
    mean: float | tuple[float, float, float]
    scale: float | tuple[float, float, float]


class WhiteningNormalization(Described):
    """Each image is whitened by its own mean and deviation: (x - mean) / max(std, 1/sqrt(n))."""

    kind: Literal["whiten"]


Normalization = Annotated[FixedNormalization | WhiteningNormalization, Field(discriminator="kind")]


class InputSpec(Described):
    """What the networks want to see.

    Attributes:
        channels: the order of the colours.
        normalization: what happens to the pixels first.
    """

    channels: Literal["rgb", "bgr"] = "rgb"
    normalization: Normalization


class SquareCrop(Described):
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


class AlignedCrop(Described):
    """How a face is cut out: turned, scaled and moved so that its five points come to fixed places.

    Attributes:
        size: pixels of the crop's side.
        template: where left eye, right eye, nose and the corners of the mouth come to lie, x and y
            in pixels of the crop.
        smooth: what is more than twice as large is halved first, so that nothing of it is skipped.
    """

    kind: Literal["aligned"]
    size: int
    smooth: bool = False
    template: tuple[
        tuple[float, float],
        tuple[float, float],
        tuple[float, float],
        tuple[float, float],
        tuple[float, float],
    ]


class CentredCrop(Described):
    """How a face is cut out: a square around its box's centre, to a part of a pixel, zero beyond.

    Attributes:
        side: the square's side, in the longer sides of the box.
        size: pixels of the scaled crop's side.
    """

    kind: Literal["centred"]
    side: float = Field(gt=0)
    size: int


class StretchedCrop(Described):
    """How a face is cut out: its box made larger, then stretched to a square; zero beyond the edge.

    Attributes:
        side: the sides of what is cut out, in those of the box.
        size: pixels of the scaled crop's side.
    """

    kind: Literal["stretched"]
    side: float = Field(gt=0)
    size: int


Crop = Annotated[
    SquareCrop | StretchedCrop | AlignedCrop | CentredCrop, Field(discriminator="kind")
]


class _ModelSpec(Described):
    """What is said of every model.

    Attributes:
        name: what galleries and settings call it.
        architecture: the class that runs it.
        source: where the weights come from, in words.
        source_sha256: of the published files that ours are made from, by their names.
        licence: of the weights.
        trained_on: the photographs that the weights come from, in words.
        not_for: what it must not be used for, in words.
        input: what the networks want to see.
        networks: by the names that the architecture gives them.
        options: what the architecture can be told; settings may say otherwise.
    """

    name: str
    architecture: str
    source: str
    source_sha256: Mapping[str, str] = Field(default_factory=dict)
    licence: str
    trained_on: str = ""
    not_for: str = ""
    input: InputSpec
    networks: Mapping[str, NetworkFiles]
    options: Mapping[str, OptionValue] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _of_the_first_form(cls, given: Any) -> Any:
        """Descriptions before version 0.2 knew one architecture of each kind, and one input."""
        if not isinstance(given, dict):
            return given
        newer = dict(given)
        if "normalization" in newer:
            newer.setdefault("input", {"normalization": newer.pop("normalization")})
            newer.setdefault("architecture", _FIRST_ARCHITECTURES.get(newer.get("kind", ""), ""))
        return newer


_FIRST_ARCHITECTURES = {"detector": "mtcnn", "embedder": "facenet"}


class DetectorSpec(_ModelSpec):
    """Finds faces and their five points in a picture.

    Attributes:
        sure: score from which a face is hardly ever one that lies on its side or upside down.
    """

    kind: Literal["detector"]
    sure: float = Field(0.997, gt=0, le=1)


class EmbedderSpec(_ModelSpec):
    """Turns a face's crop into a vector.

    Attributes:
        dims: length of the embedding.
        crop: how the face is cut out of its picture.
        distances: what the distances between embeddings mean.
    """

    kind: Literal["embedder"]
    dims: int
    crop: Crop
    distances: Distances


class AttributeSpec(_ModelSpec):
    """Tells something of a face, such as an age.

    Attributes:
        crop: how the face is cut out of its picture.
        labels: what each output of the network stands for, as text.
        values: likewise, as numbers.
    """

    kind: Literal["attribute"]
    crop: Crop
    labels: tuple[str, ...] = ()
    values: tuple[float, ...] = ()


Spec = DetectorSpec | EmbedderSpec | AttributeSpec
_ANY: TypeAdapter[Spec] = TypeAdapter(Annotated[Spec, Field(discriminator="kind")])
OfKind = TypeVar("OfKind", DetectorSpec, EmbedderSpec, AttributeSpec)


def load_spec(folder: Path, kind: type[OfKind]) -> OfKind:
    """Read the ``model.toml`` of a model whose kind is known.

    Raises:
        ModelError: see :func:`load_any_spec`; or the model is of another kind.
    """
    spec = load_any_spec(folder)
    if not isinstance(spec, kind):
        raise ModelError(f"{folder / 'model.toml'} describes {_A[spec.kind]}, not {_A_KIND[kind]}")
    return spec


def load_any_spec(folder: Path) -> Spec:
    """Read ``model.toml`` in a model's folder.

    Returns:
        The description, with the networks' files resolved against the folder.

    Raises:
        ModelError: the file is missing, no TOML, or does not describe a model.
    """
    path = folder / "model.toml"
    try:
        spec = _ANY.validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing: is {folder.name!r} the right model?") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except (ValidationError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} does not describe a model: {error}") from error
    networks = {name: _resolved(files, folder) for name, files in spec.networks.items()}
    return spec.model_copy(update={"networks": networks})


_A = {"detector": "a detector", "embedder": "an embedder", "attribute": "an attribute"}
_A_KIND = {
    DetectorSpec: _A["detector"],
    EmbedderSpec: _A["embedder"],
    AttributeSpec: _A["attribute"],
}


def _resolved(files: NetworkFiles, folder: Path) -> NetworkFiles:
    given = {name: getattr(files, name) for name in ("prototxt", "caffemodel", "onnx")}
    return files.model_copy(update={name: folder / path for name, path in given.items() if path})
