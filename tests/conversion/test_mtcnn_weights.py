"""MTCNN's weights as others keep them give back the same Caffe files."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from faceserver import folders
from faceserver.conversion import mtcnn2caffe
from faceserver.conversion.caffe.caffemodel import read_caffemodel
from faceserver.conversion.caffe.prototxt import read_prototxt
from faceserver.conversion.caffe.shapes import infer_shapes
from faceserver.conversion.readers.mtcnn_weights import read_weights
from faceserver.errors import ModelError

MTCNN = folders.MODELS / "mtcnn"


def save_npy(folder: Path, name: str) -> Path:
    """Write a network's weights as they were published for TensorFlow: by place, then channel."""
    net = read_prototxt(MTCNN / f"{name}.prototxt")
    shapes, kinds = infer_shapes(net), {layer.name: layer for layer in net.layer}
    table: dict[str, dict[str, object]] = {}
    for layer, blobs in read_caffemodel(MTCNN / f"{name}.caffemodel").items():
        if kinds[layer].type == "PReLU":
            table[layer] = {"alpha": blobs[0]}
            continue
        weights = blobs[0]
        if kinds[layer].type == "Convolution":
            weights = weights.transpose(2, 3, 1, 0)
        else:
            bottom = shapes[kinds[layer].bottom[0]][1:]
            spread = weights.reshape(len(weights), *bottom)
            if len(bottom) == 3:
                spread = spread.transpose(0, 2, 3, 1)
            weights = spread.reshape(len(weights), -1).T
        table[layer] = {"weights": weights, "biases": blobs[1]}
    path = folder / f"{name}.npy"
    np.save(path, np.array(table, dtype=object), allow_pickle=True)
    return path


def test_npy_files_give_the_same_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("det1", "det2", "det3"):
        save_npy(tmp_path, name)
    mtcnn2caffe.main([str(tmp_path), str(tmp_path / "out")])
    for name in ("det1", "det2", "det3"):
        made = read_caffemodel(tmp_path / "out" / f"{name}.caffemodel")
        for layer, blobs in read_caffemodel(MTCNN / f"{name}.caffemodel").items():
            for blob, expected in zip(made[layer], blobs, strict=True):
                assert np.array_equal(blob, expected), layer
    assert "det3: made of det3.npy; differs by at most" in capsys.readouterr().out


def test_a_caffemodel_is_taken_with_our_layers(tmp_path: Path) -> None:
    for name in ("det1", "det2", "det3"):
        shutil.copy(MTCNN / f"{name}.caffemodel", tmp_path)
    files = mtcnn2caffe.convert_part(mtcnn2caffe.parts(tmp_path)["det2"], "det2")
    assert files.caffemodel == (MTCNN / "det2.caffemodel").read_bytes()
    with pytest.raises(ModelError, match="layer 'conv1'"):
        mtcnn2caffe.convert_part(tmp_path / "det1.caffemodel", "det3")


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (str(tmp_path / "run"),))

    path = save_npy(tmp_path, "det1")
    content = path.read_bytes()
    end = content.index(b"\n") + 1
    path.write_bytes(content[:end] + pickle.dumps(Bomb()))
    net = read_prototxt(MTCNN / "det1.prototxt")
    with pytest.raises(ModelError, match=r"det1\.npy is damaged, or not a dictionary.*not allowed"):
        read_weights(path, net)
    assert not (tmp_path / "run").exists()


def test_files_of_other_networks(tmp_path: Path) -> None:
    path, net = save_npy(tmp_path, "det1"), read_prototxt(MTCNN / "det3.prototxt")
    with pytest.raises(ModelError, match=r"det1\.npy.*'(conv1|prelu1)'"):
        read_weights(path, net)
    np.save(path, np.zeros(3))
    with pytest.raises(ModelError, match="is damaged, or not a dictionary"):
        read_weights(path, net)
    with pytest.raises(ModelError, match=r"is a prototxt, where MTCNN's weights in ONNX, \.npy or"):
        read_weights(MTCNN / "det1.prototxt", net)
    with pytest.raises(ModelError, match="does not hold MTCNN's three networks"):
        mtcnn2caffe.parts(tmp_path)
