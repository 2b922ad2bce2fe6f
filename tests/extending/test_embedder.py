"""Adding an embedder: docs/extending.md."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faceserver.config import load_settings
from faceserver.models.spec import EmbedderSpec
from faceserver.types import Detection, Floats, Image
from faceserver.vision.architectures import embedders
from faceserver.vision.base import Loading
from faceserver.vision.crops import crop_of
from tests.extending.running import post, served
from tests.support.photographs import Photographs

DESCRIPTION = """
kind = "embedder"
architecture = "thumbnail"
name = "thumbnail"
source = "nothing but arithmetic"
licence = "MIT"
dims = 48
input = { normalization = { kind = "fixed", mean = 0, scale = 1 } }
crop = { kind = "square", side = 1.0, lowered = 0.0, size = 64 }
distances = { threshold = 0.2, calibration = "not calibrated: a toy" }
networks = {}
"""


class ThumbnailEmbedder:
    """Embeds a face as the colours of 4 x 4 fields."""

    def __init__(self, spec: EmbedderSpec, loading: Loading) -> None:
        del loading  # there is no network to load
        self.name, self.dims, self.distances = spec.name, spec.dims, spec.distances
        self._crop, self.size = spec.crop, spec.crop.size

    def crop(self, image: Image, detection: Detection) -> Image:
        return crop_of(image, detection, self._crop)

    def embed(self, crops: Sequence[Image]) -> Floats:
        fields = np.reshape(crops, (-1, 4, 16, 4, 16, 3)).mean(axis=(2, 4)) + 1
        vectors: Floats = fields.reshape(-1, self.dims).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def warm_up(self) -> None:
        """There is nothing to prepare."""


make = ThumbnailEmbedder


def test_a_new_embedder_serves(models: Path, tmp_path: Path, photographs: Photographs) -> None:
    embedders.add("thumbnail", f"{__name__}:make")
    (models / "thumbnail").mkdir()
    (models / "thumbnail" / "model.toml").write_text(DESCRIPTION)
    settings = load_settings(models_dir=models, data_dir=tmp_path / "data", model="thumbnail")
    with served(settings) as client:
        post(client, "/faceRegister", photographs["obama.jpg"])
        post(client, "/faceRegister", photographs["biden.jpg"])
        nearest, *_ = post(client, "/faceRetrieve", photographs["obama.jpg"])["faces"]
        health = client.get("/health").get_json()
    assert nearest["distance"] < 0.001
    assert (health["model"], health["collections"][0]["dims"]) == ("thumbnail", 48)
