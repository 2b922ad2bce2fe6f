from pathlib import Path

import numpy as np
import pytest

from faceserver.conversion.caffe.caffe_pb2 import NetParameter
from faceserver.conversion.caffe.caffemodel import format_caffemodel, read_caffemodel
from faceserver.errors import ModelError
from faceserver.types import Floats


def noise(*shape: int) -> Floats:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


@pytest.fixture
def net() -> NetParameter:
    net = NetParameter(name="net")
    net.layer.add(name="conv", type="Convolution")
    net.layer.add(name="relu", type="ReLU")
    net.layer.add(name="fc", type="InnerProduct")
    return net


@pytest.fixture
def weights() -> dict[str, list[Floats]]:
    return {"conv": [noise(4, 3, 5, 2), noise(4)], "fc": [noise(7, 300)]}


def test_weights_read_back_bit_by_bit(
    tmp_path: Path, net: NetParameter, weights: dict[str, list[Floats]]
) -> None:
    path = tmp_path / "net.caffemodel"
    path.write_bytes(format_caffemodel(net, weights))
    read = read_caffemodel(path)
    assert read.keys() == weights.keys()
    for name, blobs in weights.items():
        for expected, found in zip(blobs, read[name], strict=True):
            assert found.dtype == np.float32
            assert found.shape == expected.shape
            assert np.array_equal(found, expected)


def test_the_bytes_are_those_that_protobuf_writes_itself(
    net: NetParameter, weights: dict[str, list[Floats]]
) -> None:
    plain = NetParameter()
    plain.CopyFrom(net)
    for layer in plain.layer:
        for array in weights.get(layer.name, []):
            blob = layer.blobs.add(data=array.ravel().tolist())
            blob.shape.dim.extend(array.shape)
    assert format_caffemodel(net, weights) == plain.SerializeToString(deterministic=True)
    assert not any(layer.blobs for layer in net.layer), "the given network is left as it was"


def test_an_array_in_any_memory_order_keeps_its_values(tmp_path: Path, net: NetParameter) -> None:
    turned = noise(6, 4).T
    path = tmp_path / "net.caffemodel"
    path.write_bytes(format_caffemodel(net, {"fc": [turned]}))
    assert np.array_equal(read_caffemodel(path)["fc"][0], turned)


def test_weights_of_an_unknown_layer_are_a_mistake(net: NetParameter) -> None:
    with pytest.raises(ValueError, match="fc9"):
        format_caffemodel(net, {"fc9": [noise(2)]})


def test_shapes_of_old_files_have_four_axes(tmp_path: Path) -> None:
    net = NetParameter()
    blob = net.layer.add(name="fc").blobs.add(num=1, channels=1, height=2, width=3)
    blob.data.extend(range(6))
    path = tmp_path / "old.caffemodel"
    path.write_bytes(net.SerializeToString())
    (found,) = read_caffemodel(path)["fc"]
    assert found.shape == (1, 1, 2, 3)
    assert found.ravel().tolist() == [0, 1, 2, 3, 4, 5]


def test_weights_of_old_layers_and_in_float64_are_read(tmp_path: Path) -> None:
    net = NetParameter()
    old = net.layers.add(name="old").blobs.add(num=1, channels=1, height=1, width=2)
    old.data.extend([1, 2])
    new = net.layer.add(name="new").blobs.add()
    new.shape.dim.append(2)
    new.double_data.extend([3, 0.1])
    path = tmp_path / "old.caffemodel"
    path.write_bytes(net.SerializeToString())
    weights = read_caffemodel(path)
    assert weights["old"][0].tolist() == [[[[1, 2]]]]
    assert weights["new"][0].dtype == np.float32
    assert weights["new"][0].tolist() == [3, np.float32(0.1)]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.caffemodel cannot be read: No such file"):
        read_caffemodel(tmp_path / "none.caffemodel")


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(
    tmp_path: Path, net: NetParameter, weights: dict[str, list[Floats]], part: float
) -> None:
    whole = format_caffemodel(net, weights)
    path = tmp_path / "net.caffemodel"
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(ModelError, match=r"net\.caffemodel is truncated, or not a caffemodel"):
        read_caffemodel(path)


def test_a_file_without_weights_is_refused(tmp_path: Path, net: NetParameter) -> None:
    path = tmp_path / "net.caffemodel"
    path.write_bytes(net.SerializeToString())
    with pytest.raises(ModelError, match="holds no weights in any layer"):
        read_caffemodel(path)


def test_a_blob_that_does_not_fill_its_shape_is_refused(tmp_path: Path) -> None:
    net = NetParameter()
    blob = net.layer.add(name="fc").blobs.add(data=[1.0, 2.0])
    blob.shape.dim.extend([3, 1])
    path = tmp_path / "net.caffemodel"
    path.write_bytes(net.SerializeToString())
    with pytest.raises(ModelError, match=r"layer 'fc': 2 numbers do not fill the shape \[3, 1\]"):
        read_caffemodel(path)
