"""Adding a detector: docs/extending.md."""

from pathlib import Path

from faceserver.config import load_settings
from faceserver.models.spec import DetectorSpec
from faceserver.types import Box, Detection, Image
from faceserver.vision.architectures import detectors
from faceserver.vision.base import Loading, Options
from tests.extending.running import post, served
from tests.support.photographs import Photographs

DESCRIPTION = """
kind = "detector"
architecture = "centre"
name = "centre"
source = "nothing but arithmetic"
licence = "MIT"
input = { normalization = { kind = "fixed", mean = 0, scale = 1 } }
networks = {}
options = { share = 0.5 }
"""


class CentreOptions(Options):
    share: float = 0.5


class CentreDetector:
    """Takes the middle of every picture for a face."""

    def __init__(self, spec: DetectorSpec, loading: Loading) -> None:
        del loading  # there is no network to load
        self._share = CentreOptions.of(spec).share

    def detect(self, image: Image) -> list[Detection]:
        height, width = image.shape[:2]
        side = self._share * min(height, width)
        x, y = (width - side) / 2, (height - side) / 2
        spots = ((0.3, 0.35), (0.7, 0.35), (0.5, 0.55), (0.35, 0.8), (0.65, 0.8))
        a, b, c, d, e = ((x + side * across, y + side * down) for across, down in spots)
        return [Detection(Box(x, y, x + side, y + side), (a, b, c, d, e), score=1.0)]


make = CentreDetector


def test_a_new_detector_serves(models: Path, tmp_path: Path, photographs: Photographs) -> None:
    detectors.add("centre", f"{__name__}:make")
    (models / "centre").mkdir()
    (models / "centre" / "model.toml").write_text(DESCRIPTION)
    settings = load_settings(
        models_dir=models,
        data_dir=tmp_path / "data",
        detector="centre",
        detector_options="share=0.25",
    )
    with served(settings) as client:
        found = post(client, "/v1/detect", photographs["obama.jpg"])
    (face,) = found["faces"]
    assert face["score"] == 1.0
    side = face["box"]["x2"] - face["box"]["x1"]
    assert side == 0.25 * min(found["width"], found["height"])
