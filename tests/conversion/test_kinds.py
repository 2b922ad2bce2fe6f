"""Files are told apart by what is in them, whatever they are called."""

import io
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from faceserver import folders
from faceserver.conversion.readers.graphdef_pb2 import MetaGraphDef
from faceserver.conversion.readers.kinds import Kind, kind_of, require
from faceserver.conversion.readers.opening import Opening
from faceserver.conversion.readers.source import open_source
from faceserver.errors import ModelError, SetupError
from tests.conversion.caffenets import Net, data, layer, noise
from tests.conversion.graphs import Graph


def zipped(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return content.getvalue()


def array() -> bytes:
    content = io.BytesIO()
    np.save(content, noise(3))
    return content.getvalue()


def smallest_onnx() -> bytes:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 4, 4])
    end = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "net", [value], [end])
    content: bytes = helper.make_model(graph).SerializeToString()
    return content


def graph() -> Graph:
    made = Graph()
    made.conv("a", "input", made.noise(3, 3, 3, 4))
    return made


def meta() -> bytes:
    content = MetaGraphDef()
    content.graph_def.CopyFrom(graph().proto)
    return b"\x0a\x04\x22\x02ab" + content.SerializeToString()


def net() -> Net:
    text = 'name: "net"\n' + data() + layer("PReLU")
    return Net(text, {"it": [noise(6)]})


CONTENTS = {
    Kind.ONNX: smallest_onnx(),
    Kind.GRAPH_DEF: graph().proto.SerializeToString(),
    Kind.META_GRAPH: meta(),
    Kind.SAVED_MODEL: b"\x08\x01\x12\x05" + bytes(5),
    Kind.KERAS_H5: b"\x89HDF\r\n\x1a\n" + bytes(50),
    Kind.KERAS: zipped("metadata.json", "config.json", "model.weights.h5"),
    Kind.TORCHSCRIPT: zipped("net/data.pkl", "net/constants.pkl", "net/code/net.py"),
    Kind.TORCH_WEIGHTS: zipped("net/data.pkl", "net/data/0"),
    Kind.TORCH_EXPORT: zipped("net/archive_format", "net/models/model.json"),
    Kind.NUMPY: array(),
    Kind.TFLITE: b"\x20\0\0\0TFL3" + bytes(50),
    Kind.ZIP: zipped("a.txt"),
    Kind.GZIP: b"\x1f\x8b\x08" + bytes(20),
    Kind.HTML: b"\n <!DOCTYPE html><html>",
    Kind.LFS: b"version https://git-lfs.github.com/spec/v1\noid",
    Kind.SAFETENSORS: (2).to_bytes(8, "little") + b"{}" + bytes(9),
    Kind.TORCH_LEGACY: b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.",
    Kind.PICKLE: pickle.dumps({"weights": [1.0]}),
    Kind.MXNET: b"\x12\x01\0\0\0\0\0\0" + bytes(50),
    Kind.NCNN: b"7767517\n75 83\nInput data",
    Kind.OPENVINO_IR: b'<?xml version="1.0"?>\n<net name="net" version="11">',
    Kind.MATLAB: b"MATLAB 5.0 MAT-file, Platform: GLNXA64",
    Kind.CHECKPOINT_PART: bytes(50) + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb",
    Kind.PROTOTXT: b'# a comment\n\nname: "net"\nlayer { }',
    Kind.EMPTY: b"",
    Kind.UNKNOWN: b"this is a text",
}


@pytest.mark.parametrize("kind", CONTENTS, ids=lambda kind: kind.name.lower())
def test_the_first_bytes_tell(tmp_path: Path, kind: Kind) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(CONTENTS[kind])
    assert kind_of(path) is kind


def test_caffes_files(tmp_path: Path) -> None:
    prototxt, caffemodel = net().save(tmp_path)
    assert (kind_of(prototxt), kind_of(caffemodel)) == (Kind.PROTOTXT, Kind.CAFFEMODEL)


@pytest.mark.parametrize("path", sorted(folders.MODELS.rglob("*.*")), ids=lambda path: path.name)
def test_this_projects_own_files(path: Path) -> None:
    kinds = {".onnx": Kind.ONNX, ".caffemodel": Kind.CAFFEMODEL, ".prototxt": Kind.PROTOTXT}
    assert kind_of(path) is kinds.get(path.suffix, Kind.UNKNOWN)


def test_a_checkpoints_data_has_no_mark_but_its_name(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt-275.data-00000-of-00001"
    path.write_bytes(bytes(99))
    assert kind_of(path) is Kind.CHECKPOINT_PART


def test_folders(tmp_path: Path) -> None:
    assert kind_of(tmp_path) is Kind.FOLDER
    (tmp_path / "x.meta").touch()
    assert kind_of(tmp_path) is Kind.CHECKPOINT_FOLDER
    (tmp_path / "saved_model.pb").touch()
    assert kind_of(tmp_path) is Kind.SAVED_MODEL_FOLDER
    (tmp_path / "model.toml").touch()
    assert kind_of(tmp_path) is Kind.MODEL_FOLDER


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Kind.SAVED_MODEL, "is the graph of a SavedModel, where .*: give the folder that holds it"),
        (Kind.CAFFEMODEL, "is a caffemodel, where .*: give its prototxt, too"),
        (Kind.NUMPY, "is a NumPy file, where a frozen TensorFlow graph,"),
        (Kind.MXNET, "is a file of MXNet's weights, where .*: load it with MXNet"),
        (Kind.CHECKPOINT_PART, "give the folder that holds it"),
        (Kind.PICKLE, "reading it would run whatever code it holds"),
        (Kind.LFS, "`git lfs pull` fetches the file"),
        (Kind.SAFETENSORS, "save its state dict with torch.save"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_wrong_source_is_called_by_its_name(tmp_path: Path, kind: Kind, says: str) -> None:
    path = tmp_path / "mine.pb"
    if kind is Kind.CAFFEMODEL:
        net().save(tmp_path)
        path = tmp_path / "net.caffemodel"
    else:
        path.write_bytes(CONTENTS[kind])
    with pytest.raises(ModelError, match=rf"{path.name} {says}|{says}") as caught:
        open_source(path)
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_may_be_damaged_is_left_to_its_reader(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"this is a text")
    require(tmp_path / "net.onnx", [Kind.ONNX], "an ONNX file")
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        require(tmp_path / "none.onnx", [Kind.ONNX], "an ONNX file")


def test_an_architecture_is_said_of_weights_alone(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(smallest_onnx())
    onnx.load(path)
    with pytest.raises(ModelError, match="is an ONNX file, which tells its architecture itself"):
        open_source(path, Opening(network="iresnet50"))


def test_without_tensorflow_a_graph_beside_a_checkpoint_is_pointed_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FaceNet is published with both in one folder, and a frozen graph needs nothing."""
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    content = MetaGraphDef()
    content.graph_def.CopyFrom(graph().proto)
    (tmp_path / "model.meta").write_bytes(content.SerializeToString())
    (tmp_path / "model.ckpt-9.index").touch()
    with pytest.raises(SetupError, match=r"^TensorFlow is needed to read .*faceserver's folder$"):
        open_source(tmp_path)
    (tmp_path / "20180402-114759.pb").touch()
    with pytest.raises(SetupError, match=r"or give .*20180402-114759\.pb, which needs nothing$"):
        open_source(tmp_path)
