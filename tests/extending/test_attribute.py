"""Adding an attribute: docs/extending.md."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from faceserver.engines import EngineOptions, make_engine
from faceserver.models.spec import AttributeSpec, load_spec
from faceserver.types import Detection, Image
from faceserver.vision.architectures import attributes
from faceserver.vision.base import Loading
from faceserver.vision.crops import crop_of
from tests.support.fakes import detection

DESCRIPTION = """
kind = "attribute"
architecture = "brightness"
name = "brightness"
source = "nothing but arithmetic"
licence = "MIT"
input = { normalization = { kind = "fixed", mean = 0, scale = 1 } }
crop = { kind = "square", side = 1.0, lowered = 0.0, size = 64 }
networks = {}
"""


class Brightness:
    """Tells how bright a face is, 0 to 1."""

    def __init__(self, spec: AttributeSpec, loading: Loading) -> None:
        del loading  # there is no network to load
        self.name, self._crop = spec.name, spec.crop

    def cut(self, image: Image, detection: Detection) -> Image:
        return crop_of(image, detection, self._crop)

    def tell(self, cuts: Sequence[Image]) -> list[Mapping[str, float]]:
        return [{"brightness": float(cut.mean()) / 255} for cut in cuts]


make = Brightness


def test_a_new_attribute_is_loaded_by_its_name(tmp_path: Path) -> None:
    attributes.add("brightness", f"{__name__}:make")
    (tmp_path / "model.toml").write_text(DESCRIPTION)
    spec = load_spec(tmp_path, AttributeSpec)
    loading = Loading(make_engine("opencv", EngineOptions()))
    attribute = attributes.load(spec.architecture)(spec, loading)
    white, place = np.full((100, 100, 3), 255, np.uint8), detection(10, 10, 80)
    (told,) = attribute.tell([attribute.cut(white, place)])
    assert told == {"brightness": 1.0}
