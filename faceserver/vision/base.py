"""What detectors and embedders offer."""

from collections.abc import Sequence
from typing import Protocol

from faceserver.models.spec import Distances
from faceserver.types import Detection, Floats, Image


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
        distances: what distances between embeddings mean.
    """

    name: str
    dims: int
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
