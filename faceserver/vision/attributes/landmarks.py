"""The five points of a face, as the detector found them."""

from collections.abc import Sequence

from faceserver.models.spec import AttributeSpec
from faceserver.types import Detection, Image
from faceserver.vision.attributes.base import Cut, Value
from faceserver.vision.base import Loading

NAMES = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
"""As the viewer sees them."""

_DECIMALS = 2


class Landmarks:
    """Tells x and y of each point, in the picture's pixels."""

    def __init__(self, spec: AttributeSpec, loading: Loading | None = None) -> None:
        """Nothing is loaded."""
        del loading
        self.name = spec.name

    def cut(self, image: Image, detection: Detection) -> Cut:
        """The detection alone."""
        del image
        return Cut(detection)

    def tell(self, cuts: Sequence[Cut]) -> list[Value]:
        """The points of each face, by their names."""
        return [
            {
                name: [round(x, _DECIMALS), round(y, _DECIMALS)]
                for name, (x, y) in zip(NAMES, cut.detection.points, strict=True)
            }
            for cut in cuts
        ]


make = Landmarks
"""How the registry of architectures makes one."""
