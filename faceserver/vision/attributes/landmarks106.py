"""The 106 points of InsightFace's ``2d106det``: outline, brows, eyes, nose and mouth.

The network sees a square 1.5 times as large as the longer side of the face's box, and gives each
point as x and y between -1 and 1, from one edge of the square to the other.
"""

from collections.abc import Sequence

import numpy as np

from faceserver.errors import ModelError
from faceserver.models.spec import AttributeSpec, CentredCrop
from faceserver.types import Detection, Image
from faceserver.vision.attributes.base import Cut, Value
from faceserver.vision.attributes.network import CropNetwork, NetworkOptions, present
from faceserver.vision.base import Loading
from faceserver.vision.crops import centring, crop_of

COUNT = 106
_DECIMALS = 2


class Landmarks106:
    """Tells 106 points; safe to call from several threads at once."""

    def __init__(self, spec: AttributeSpec, loading: Loading) -> None:
        """Load the network.

        Raises:
            ModelError: it is missing or cannot be read, or its crop is not centred.
        """
        if not isinstance(spec.crop, CentredCrop):
            raise ModelError(f"{spec.name} needs a crop of the kind centred")
        self.name = spec.name
        self._crop = spec.crop
        self._network = CropNetwork(spec, loading, NetworkOptions.of(spec), "f32")

    def cut(self, image: Image, detection: Detection) -> Cut:
        """The square that the network wants."""
        return Cut(detection, crop_of(image, detection, self._crop))

    def tell(self, cuts: Sequence[Cut]) -> list[Value]:
        """The points of each face, x and y in the picture's pixels.

        Raises:
            ModelError: the network gives other than 106 points.
        """
        if not cuts:
            return []
        rows = self._network.run(present([cut.crop for cut in cuts]))
        if rows.shape[1] != 2 * COUNT:
            raise ModelError(f"{self.name} gives {rows.shape[1]} numbers, not {2 * COUNT}")
        return [
            {"points": self._in_picture(row, cut.detection)}
            for row, cut in zip(rows, cuts, strict=True)
        ]

    def _in_picture(
        self, row: np.ndarray[tuple[int], np.dtype[np.float32]], detection: Detection
    ) -> list[list[float]]:
        inside = (row.reshape(COUNT, 2).astype(np.float64) + 1) * (self._crop.size / 2)
        move = centring(detection, self._crop)
        seen = (inside - move[:, 2]) @ np.linalg.inv(move[:, :2]).T
        points: list[list[float]] = seen.round(_DECIMALS).tolist()
        return points


make = Landmarks106
"""How the registry of architectures makes one."""
