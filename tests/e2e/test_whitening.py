"""The 128-D path: another model, its own description, whitened pixels, through the whole server."""

from pathlib import Path

import numpy as np
import pytest

from faceserver.conversion import caffe2onnx, tf2caffe
from tests.conversion.graphs import Graph
from tests.e2e.server import ROOT, Server
from tests.support.photographs import Photographs

DESCRIPTION = """
name = "mosaic"
kind = "embedder"
source = "made by a test"
licence = "MIT"
dims = 128

[source_sha256]

[normalization]
kind = "whiten"

[crop]
kind = "square"
side = 1.15
lowered = 0.10
size = 160

[distances]
threshold = 0.9
calibration = "obama.jpg, obama2.jpg and biden.jpg"

[networks.embedder]
prototxt = "mosaic.prototxt"
caffemodel = "mosaic.caffemodel"
onnx = "mosaic.onnx"
sha256 = ""
"""


def mosaic() -> Graph:
    """Embeds a face as a mosaic of 8 x 8 tiles, each with its mean grey and its mean of red.

    It knows a man again only because whitening takes the light out: from pixels normalized by fixed
    numbers, the two photographs of the same man lie 1.0 apart, beyond the threshold.
    """
    tile = np.zeros((20, 20, 3, 2), np.float32)
    tile[..., 0] = 1 / 1200
    tile[:, :, 0, 1] = 1 / 400
    graph = Graph((1, 160, 160, 3))
    tiles = graph.conv("tiles", "input", tile, stride=(20, 20), padding="VALID")
    flat = graph.reshape("flat", tiles, [-1, 128])
    product = graph.dense("bottleneck", flat, np.eye(128, dtype=np.float32))
    graph.unit_length("embeddings", product)
    return graph


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models: the real detector, and the mosaic."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "mtcnn").symlink_to(ROOT / "models" / "mtcnn")
    own = folder / "mosaic"
    own.mkdir()
    (own / "model.toml").write_text(DESCRIPTION)
    tf2caffe.convert(mosaic().save(folder), "mosaic").write(own, "mosaic")
    onnx = caffe2onnx.convert(own / "mosaic.prototxt", own / "mosaic.caffemodel")
    (own / "mosaic.onnx").write_bytes(onnx)
    return folder


@pytest.mark.parametrize("engine", ["openvino", "opencv"])
def test_the_same_man_is_found_and_the_other_is_not(
    models: Path, engine: str, tmp_path: Path, photographs: Photographs
) -> None:
    settings = {"models_dir": str(models), "model": "mosaic", "engine": engine}
    with Server(tmp_path, **settings) as server:
        answer = server.register(photographs["obama.jpg"], photographs["biden.jpg"])
        assert answer.status_code == 200, answer.text
        itself, *others = server.retrieve(photographs["obama.jpg"]).json()["faces"]
        assert itself["distance"] == pytest.approx(0, abs=2e-3)
        assert others == []
        found = server.retrieve(photographs["obama2.jpg"]).json()["faces"]
        assert [face["path"] for face in found] == [itself["path"]]


def test_a_gallery_of_another_model_is_refused(
    models: Path, tmp_path: Path, photographs: Photographs
) -> None:
    settings = {"models_dir": str(models), "model": "mosaic"}
    with Server(tmp_path, **settings) as server:
        server.register(photographs["obama.jpg"])
    with pytest.raises(AssertionError, match="store_mismatch"), Server(tmp_path):
        pass
