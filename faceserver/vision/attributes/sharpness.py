"""How sharp a face is, without a model: as the attribute ``quality`` tells it.

Faces are cut out to the points of ArcFace's template, as SFace's own description has it, so that
the figure is the same whatever embeds them.
"""

from collections.abc import Sequence

import numpy as np

from faceserver.models.spec import AlignedCrop, AttributeSpec
from faceserver.types import Detection, Image
from faceserver.vision.attributes.base import Cut, Value
from faceserver.vision.attributes.network import present
from faceserver.vision.attributes.quality import sharpness
from faceserver.vision.base import Loading
from faceserver.vision.crops import crop_of

CROP = AlignedCrop(
    kind="aligned",
    size=112,
    template=(
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ),
)

_DECIMALS = 3


class Sharpness:
    """Tells how much of a face's details is fine, 0 to 1."""

    def __init__(self, spec: AttributeSpec, loading: Loading | None = None) -> None:
        """Nothing is loaded."""
        del loading
        self.name = spec.name

    def cut(self, image: Image, detection: Detection) -> Cut:
        """The aligned face."""
        return Cut(detection, crop_of(image, detection, CROP))

    def tell(self, cuts: Sequence[Cut]) -> list[Value]:
        """``value`` of each face."""
        crops = present([cut.crop for cut in cuts])
        greys = [crop.mean(axis=2, dtype=np.float32) for crop in crops]
        return [{"value": round(sharpness(grey), _DECIMALS)} for grey in greys]


make = Sharpness
"""How the registry of architectures makes one."""
