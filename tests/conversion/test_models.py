"""The real models: converted again from their sources, and run on a real picture."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceserver.conversion import build, mtcnn2caffe
from faceserver.conversion.caffe.caffe_pb2 import NetParameter
from faceserver.conversion.caffe.caffemodel import read_caffemodel
from faceserver.conversion.caffe.prototxt import read_prototxt
from faceserver.conversion.checks.judge import (
    difference,
    run_opencv,
    run_openvino,
    run_published,
    unit,
)
from faceserver.conversion.fingerprint import sha256_of
from faceserver.conversion.published import published
from faceserver.models.spec import (
    BuiltFiles,
    DetectorSpec,
    EmbedderSpec,
    NetworkFiles,
    Spec,
    load_any_spec,
    load_spec,
)
from tests.support.photographs import Photographs

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "sources"
MTCNN = load_spec(ROOT / "models" / "mtcnn", DetectorSpec)
FACENET = load_spec(ROOT / "models" / "inception_resnet" / "20180408-102900", EmbedderSpec)
ZOO = [load_any_spec(ROOT / "models" / name) for name in ("yunet", "sface")]
NETWORKS = [
    *((MTCNN, files) for files in MTCNN.networks.values()),
    *((FACENET, files) for files in FACENET.networks.values()),
    *((spec, spec.networks[name]) for spec, name in zip(ZOO, ("yunet", "embedder"), strict=True)),
]

# As in the widely shared det1.prototxt, det2.prototxt and det3.prototxt: each layer that has
# weights, with the shapes of its blobs.
ORIGINAL: dict[str, dict[str, list[tuple[int, ...]]]] = {
    "det1": {
        "conv1": [(10, 3, 3, 3), (10,)],
        "PReLU1": [(10,)],
        "conv2": [(16, 10, 3, 3), (16,)],
        "PReLU2": [(16,)],
        "conv3": [(32, 16, 3, 3), (32,)],
        "PReLU3": [(32,)],
        "conv4-1": [(2, 32, 1, 1), (2,)],
        "conv4-2": [(4, 32, 1, 1), (4,)],
    },
    "det2": {
        "conv1": [(28, 3, 3, 3), (28,)],
        "prelu1": [(28,)],
        "conv2": [(48, 28, 3, 3), (48,)],
        "prelu2": [(48,)],
        "conv3": [(64, 48, 2, 2), (64,)],
        "prelu3": [(64,)],
        "conv4": [(128, 576), (128,)],
        "prelu4": [(128,)],
        "conv5-1": [(2, 128), (2,)],
        "conv5-2": [(4, 128), (4,)],
    },
    "det3": {
        "conv1": [(32, 3, 3, 3), (32,)],
        "prelu1": [(32,)],
        "conv2": [(64, 32, 3, 3), (64,)],
        "prelu2": [(64,)],
        "conv3": [(64, 64, 3, 3), (64,)],
        "prelu3": [(64,)],
        "conv4": [(128, 64, 2, 2), (128,)],
        "prelu4": [(128,)],
        "conv5": [(256, 1152), (256,)],
        "prelu5": [(256,)],
        "conv6-1": [(2, 256), (2,)],
        "conv6-2": [(4, 256), (4,)],
        "conv6-3": [(10, 256), (10,)],
    },
}
OUTPUTS = {
    "det1": {"prob1", "conv4-2"},
    "det2": {"prob1", "conv5-2"},
    "det3": {"prob1", "conv6-2", "conv6-3"},
}


def built(files: NetworkFiles) -> BuiltFiles:
    assert files.built
    return files.built


@pytest.mark.parametrize(
    ("spec", "files"), NETWORKS, ids=["det1", "det2", "det3", "facenet", "yunet", "sface"]
)
def test_the_committed_files_are_what_the_converters_make(
    spec: Spec, files: NetworkFiles, tmp_path: Path
) -> None:
    prototxt, caffemodel, _ = built(files)
    name = caffemodel.stem
    made = published(name).convert(published(name).fetch(spec, CACHE))
    made.write(tmp_path, name)
    assert made.prototxt == prototxt.read_bytes()
    assert {caffemodel.name: sha256_of(tmp_path / caffemodel.name)} == files.sha256


def test_facenet_agrees_with_its_source_on_a_photograph(photographs: Photographs) -> None:
    with Image.open(photographs["obama.jpg"]) as picture:
        crop = np.asarray(picture.convert("RGB").crop((330, 60, 680, 410)).resize((160, 160)))
    pixels = (crop.astype(np.float32) - 127.5) * np.float32(0.0078125)
    blob = np.stack([pixels, pixels[:, ::-1]]).transpose(0, 3, 1, 2)
    source = published("facenet").fetch(FACENET, CACHE)
    prototxt, caffemodel, onnx = built(FACENET.networks["embedder"])
    expected = run_published(source, blob)
    assert expected["embeddings"].shape == (2, 512)
    opencv = run_opencv(prototxt, caffemodel, blob, ["embeddings"])
    assert difference("OpenCV", expected, unit(opencv)) < 1e-5
    assert difference("OpenVINO", expected, unit(run_openvino(onnx, blob))) < 1e-5


def test_mtcnns_command_writes_six_files(tmp_path: Path) -> None:
    for name in ORIGINAL:
        shutil.copy(published(name).fetch(MTCNN, CACHE), tmp_path)
    mtcnn2caffe.main([str(tmp_path), str(tmp_path / "out")])
    for files in MTCNN.networks.values():
        prototxt, caffemodel, _ = built(files)
        made = tmp_path / "out"
        assert {caffemodel.name: sha256_of(made / caffemodel.name)} == files.sha256
        assert (made / prototxt.name).read_bytes() == prototxt.read_bytes()


@pytest.mark.parametrize("name", ORIGINAL)
def test_mtcnn_has_the_originals_layers(name: str) -> None:
    folder = ROOT / "models" / "mtcnn"
    weights = read_caffemodel(folder / f"{name}.caffemodel")
    assert {layer: [blob.shape for blob in blobs] for layer, blobs in weights.items()} == ORIGINAL[
        name
    ]
    net = read_prototxt(folder / f"{name}.prototxt")
    read = {bottom for layer in net.layer for bottom in layer.bottom}
    tops = {top for layer in net.layer for top in layer.top}
    assert tops - read == OUTPUTS[name]


def as_the_original_is_shared(name: str) -> bytes:
    """A caffemodel of its day: with a dropout layer, and four axes for every blob."""
    random = np.random.default_rng(len(name))
    net = NetParameter(name="original")
    net.layer.add(name="drop5", type="Dropout")
    for layer_name, shapes in ORIGINAL[name].items():
        layer = net.layer.add(name=layer_name)
        for shape in shapes:
            num, channels, height, width = (1,) * (4 - len(shape)) + shape
            blob = layer.blobs.add(num=num, channels=channels, height=height, width=width)
            blob.data.extend(random.normal(0, 0.1, np.prod(shape)).tolist())
    return net.SerializeToString()


@pytest.mark.parametrize("name", ORIGINAL)
def test_the_originals_weights_can_be_dropped_in(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mtcnn"
    shutil.copytree(ROOT / "models" / "mtcnn", folder)
    (folder / f"{name}.caffemodel").write_bytes(as_the_original_is_shared(name))
    before = sha256_of(folder / f"{name}.onnx")
    build.main(["--models", str(tmp_path), "--cache", str(tmp_path / "cache")])
    said = capsys.readouterr().out
    assert said.startswith(f"{name}: these are not the published weights; taking them as they are")
    assert f"{name}: checked; differs from {name}.caffemodel by at most" in said
    assert said.count("\n") == 2, "the two other networks are as they were"
    assert sha256_of(folder / f"{name}.onnx") != before
