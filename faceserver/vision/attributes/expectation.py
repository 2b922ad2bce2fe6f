"""A network that gives a probability for each of many numbers: an age, for example.

What it tells is the mean of the numbers by their probabilities, and between which of them the
middle 80 % lie (R. Rothe, R. Timofte, L. Van Gool: Deep expectation of real and apparent age from a
single image without facial landmarks, IJCV 126, 2018).
"""

from collections.abc import Sequence

import numpy as np

from faceserver.errors import ModelError
from faceserver.models.spec import AttributeSpec
from faceserver.types import Detection, Image
from faceserver.vision.attributes.base import Cut, Value
from faceserver.vision.attributes.network import CropNetwork, NetworkOptions, present
from faceserver.vision.base import Loading
from faceserver.vision.crops import crop_of

_DECIMALS = 1
_LOW, _HIGH = 0.1, 0.9


class Expectation:
    """Tells a number and how far it may be off; safe to call from several threads at once."""

    def __init__(self, spec: AttributeSpec, loading: Loading) -> None:
        """Load the network.

        Raises:
            ModelError: it is missing or cannot be read, or there are no values.
        """
        if len(spec.values) < 2:
            raise ModelError(f"{spec.name} needs values: one for each output of its network")
        self.name = spec.name
        self._spec = spec
        self._network = CropNetwork(spec, loading, NetworkOptions.of(spec))

    def cut(self, image: Image, detection: Detection) -> Cut:
        """The crop that the network wants."""
        return Cut(detection, crop_of(image, detection, self._spec.crop))

    def tell(self, cuts: Sequence[Cut]) -> list[Value]:
        """The expected number of each face, and the range of the middle 80 %.

        Raises:
            ModelError: the network has another number of outputs than there are values.
        """
        if not cuts:
            return []
        rows = self._network.run(present([cut.crop for cut in cuts])).astype(np.float64)
        values = np.array(self._spec.values)
        if rows.shape[1] != len(values):
            raise ModelError(
                f"{self.name} has {len(values)} values, its network {rows.shape[1]} outputs"
            )
        rows /= np.maximum(rows.sum(axis=1, keepdims=True), 1e-9)
        below = np.cumsum(rows, axis=1)
        low = values[(below >= _LOW).argmax(axis=1)]
        high = values[(below >= _HIGH - 1e-9).argmax(axis=1)]
        return [
            {"value": round(mean, _DECIMALS), "low": least, "high": most}
            for mean, least, most in zip(
                (rows @ values).tolist(), low.tolist(), high.tolist(), strict=True
            )
        ]


make = Expectation
"""How the registry of architectures makes one."""
