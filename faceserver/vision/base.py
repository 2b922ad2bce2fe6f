"""What detectors and embedders offer, and what they are loaded with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from faceserver.engines import Engine, Precision
from faceserver.errors import ModelError
from faceserver.models.distances import Distances
from faceserver.models.spec import Spec
from faceserver.runtime.parallel import NOBODY, Helpers
from faceserver.types import Detection, Floats, Image


@dataclass(frozen=True, eq=False)
class Loading:
    """What a model is loaded with.

    Attributes:
        engine: runs its networks.
        precision: see :meth:`faceserver.engines.base.Engine.load`.
        helpers: threads that work on parts of what is large enough.
        shared_pixels: pictures with at least so many pixels are shared out among the helpers.
    """

    engine: Engine
    precision: Precision = "f32"
    helpers: Helpers = NOBODY
    shared_pixels: int = 0


class Options(BaseModel):
    """What an architecture can be told; a subclass names the options, with defaults and bounds."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def of(cls, spec: Spec) -> Self:
        """The options of a described model.

        Raises:
            ModelError: there is no such option, or it cannot have that value.
        """
        try:
            return cls.model_validate(dict(spec.options))
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
                for problem in error.errors()
            )
            known = ", ".join(cls.model_fields)
            raise ModelError(f"options of {spec.name}: {problems} (there are: {known})") from error


class Detector(Protocol):
    """Finds faces in a picture. Safe to call from several threads at once."""

    def detect(self, image: Image) -> list[Detection]:
        """Find every face that is about upright, largest first; it may reach beyond the edges."""
        ...


class Embedder(Protocol):
    """Turns faces into unit vectors. Safe to call from several threads at once.

    Attributes:
        name: the model's name.
        dims: length of an embedding.
        size: side of a crop, in pixels.
        distances: what distances between embeddings mean.
    """

    name: str
    dims: int
    size: int
    distances: Distances

    def crop(self, image: Image, detection: Detection) -> Image:
        """Cut a face out as the model wants it, upright: uint8, shape (size, size, 3).

        Which way up the face is in the picture follows from the detection's points.
        """
        ...

    def embed(self, crops: Sequence[Image]) -> Floats:
        """Embed crops as one batch.

        Returns:
            float32, shape (number of crops, dims), each row of unit length.
        """
        ...

    def warm_up(self) -> None:
        """Do what the first call would have to wait for."""
        ...
