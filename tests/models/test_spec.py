"""``model.toml``: the present form, the first one, and what does not fit."""

from pathlib import Path

import pytest

from faceserver.errors import ModelError
from faceserver.models.remote import RemoteNetwork
from faceserver.models.spec import (
    AlignedCrop,
    AttributeSpec,
    DetectorSpec,
    EmbedderSpec,
    FixedNormalization,
    load_any_spec,
    load_spec,
)

FIRST_FORM = """
kind = "embedder"
name = "mine"
source = "made by a test"
licence = "MIT"
dims = 8
source_sha256 = { "graph.pb" = "00" }
normalization = { kind = "fixed", mean = 127.5, scale = 0.5 }
crop = { kind = "square", side = 1.0, lowered = 0.0, size = 6 }
distances = { threshold = 1.0, calibration = "none" }

[networks.embedder]
prototxt = "net.prototxt"
caffemodel = "net.caffemodel"
onnx = "net.onnx"
sha256 = "11"
"""

ALIGNED = """
kind = "embedder"
name = "aligned"
architecture = "facenet"
source = "made by a test"
licence = "MIT"
dims = 8
distances = { threshold = 1.0, calibration = "none" }

[input]
channels = "bgr"
normalization = { kind = "whiten" }

[crop]
kind = "aligned"
size = 112
template = [[38, 52], [74, 52], [56, 72], [42, 92], [71, 92]]

[networks.embedder]
remote = "arcface"
"""

ATTRIBUTE = """
kind = "attribute"
name = "age"
architecture = "age"
source = "made by a test"
licence = "MIT"
input = { normalization = { kind = "whiten" } }
crop = { kind = "square", side = 1.0, lowered = 0.0, size = 6 }
networks = { age = { onnx = "age.onnx" } }
"""


def written(folder: Path, text: str) -> Path:
    (folder / "model.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_first_form_is_read_as_before(tmp_path: Path) -> None:
    spec = load_spec(written(tmp_path, FIRST_FORM), EmbedderSpec)
    assert spec.architecture == "facenet"
    assert spec.input.channels == "rgb"
    assert spec.input.normalization == FixedNormalization(kind="fixed", mean=127.5, scale=0.5)
    files = spec.networks["embedder"]
    assert files.sha256 == {"net.caffemodel": "11"}
    assert files.built
    assert files.built.onnx == tmp_path / "net.onnx"


def test_an_aligned_model_that_lies_elsewhere(tmp_path: Path) -> None:
    spec = load_spec(written(tmp_path, ALIGNED), EmbedderSpec)
    assert isinstance(spec.crop, AlignedCrop)
    assert spec.input.channels == "bgr"
    files = spec.networks["embedder"]
    assert (files.remote, files.paths, files.built) == (RemoteNetwork(model="arcface"), (), None)


def test_each_kind_has_its_class(tmp_path: Path) -> None:
    assert isinstance(load_any_spec(written(tmp_path, ATTRIBUTE)), AttributeSpec)
    with pytest.raises(ModelError, match="describes an attribute, not a detector"):
        load_spec(tmp_path, DetectorSpec)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind = ", "Invalid value"),
        ('kind = "oracle"', "oracle"),
        (ATTRIBUTE.replace("licence", "license"), "licence"),
        (FIRST_FORM.replace("127.5", "nan"), "finite"),
        (ALIGNED.replace("[71, 92]", "[71]"), "template"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        load_any_spec(written(tmp_path, text))
