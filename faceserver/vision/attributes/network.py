"""A network that is asked about many crops: the part that attributes with weights share."""

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from faceserver.engines import Precision, Preprocessing
from faceserver.errors import ModelError
from faceserver.models.spec import AttributeSpec
from faceserver.types import Floats, Image
from faceserver.vision.base import Loading, Options
from faceserver.vision.calls import calls

_SIZES = (1, 2, 4, 8, 16)


class NetworkOptions(Options):
    """How a network is asked.

    Attributes:
        batch: crops that it takes in one call; 1 for a network that was made for one.
    """

    batch: int = Field(16, ge=1, le=16)


class CropNetwork:
    """Runs the one network of a model; safe to call from several threads at once."""

    def __init__(
        self,
        spec: AttributeSpec,
        loading: Loading,
        options: NetworkOptions,
        precision: Precision | None = None,
    ) -> None:
        """Load it.

        Raises:
            ModelError: it is missing, cannot be read, or is none with one input and one output.
        """
        if len(spec.networks) != 1:
            raise ModelError(f"{spec.name} must have one network")
        (files,) = spec.networks.values()
        self._network = loading.engine.load(
            files, precision or loading.precision, Preprocessing(spec.input.normalization)
        )
        if len(self._network.inputs) != 1 or len(self._network.outputs) != 1:
            raise ModelError(f"{spec.name} must have one input and one output")
        self._swaps_colours = spec.input.channels == "bgr"
        self._sizes = tuple(size for size in _SIZES if size <= options.batch)

    def run(self, crops: Sequence[Image]) -> Floats:
        """The network's answer to each crop: float32, shape (number of crops, answer)."""
        rows = [
            self._call(crops[start : start + size], size)
            for start, size in calls(len(crops), self._sizes)
        ]
        return np.concatenate(rows) if rows else np.empty((0, 0), np.float32)

    def _call(self, crops: Sequence[Image], size: int) -> Floats:
        pixels = np.zeros((size, *crops[0].shape), np.uint8)
        np.stack(crops, out=pixels[: len(crops)])
        if self._swaps_colours:
            pixels = np.ascontiguousarray(pixels[..., ::-1])
        answer = self._network.predict({self._network.inputs[0]: pixels})
        return answer[self._network.outputs[0]].reshape(size, -1)[: len(crops)]


def present(crops: Sequence[Image | None]) -> list[Image]:
    """The crops, all of which are there.

    Raises:
        ValueError: one is not.
    """
    found = [crop for crop in crops if crop is not None]
    if len(found) != len(crops):
        raise ValueError("a crop is missing")
    return found
