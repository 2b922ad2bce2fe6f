"""InsightFace's ``genderage``: one network for both.

Of its three outputs the first two tell the gender and the third the age in centuries. It sees a
square 1.5 times as large as the longer side of the face's box.
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

_GENDERS = ("female", "male")
_OUTPUTS = 3
_YEARS = 100


class GenderAge:
    """Tells gender and age; safe to call from several threads at once."""

    def __init__(self, spec: AttributeSpec, loading: Loading) -> None:
        """Load the network.

        Raises:
            ModelError: it is missing or cannot be read.
        """
        self.name = spec.name
        self._crop = spec.crop
        self._network = CropNetwork(spec, loading, NetworkOptions.of(spec))

    def cut(self, image: Image, detection: Detection) -> Cut:
        """The square that the network wants."""
        return Cut(detection, crop_of(image, detection, self._crop))

    def tell(self, cuts: Sequence[Cut]) -> list[Value]:
        """Gender and age of each face.

        Raises:
            ModelError: the network gives other than three numbers.
        """
        if not cuts:
            return []
        rows = self._network.run(present([cut.crop for cut in cuts]))
        if rows.shape[1] != _OUTPUTS:
            raise ModelError(f"{self.name} gives {rows.shape[1]} numbers, not {_OUTPUTS}")
        chosen = np.argmax(rows[:, :2], axis=1)
        return [
            {"gender": _GENDERS[place], "age": round(float(row[2]) * _YEARS, 1)}
            for row, place in zip(rows, chosen, strict=True)
        ]


make = GenderAge
"""How the registry of architectures makes one."""
