from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool

from faceserver.conversion.caffe.caffe_pb2 import NetParameter
from faceserver.conversion.caffe.prototxt import format_prototxt, parse_prototxt, read_prototxt
from faceserver.engines.opencv import input_names
from faceserver.errors import ModelError


def test_what_is_written_reads_back() -> None:
    net = NetParameter(name="net")
    layer = net.layer.add(name="conv", type="Convolution", bottom=["data"], top=["conv"])
    layer.convolution_param.num_output = 8
    layer.convolution_param.kernel_size.append(3)
    text = format_prototxt(net, "First line.\nSecond line.")
    assert text.startswith('# First line.\n# Second line.\nname: "net"\nlayer {\n')
    assert parse_prototxt(text) == net


def test_what_matters_in_training_only_is_passed_over() -> None:
    text = """
        layer {
          name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
          param { lr_mult: 1 decay_mult: 0 }
          convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } }
        }"""
    (layer,) = parse_prototxt(text).layer
    assert layer.convolution_param.num_output == 4
    assert list(layer.convolution_param.kernel_size) == [3]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.prototxt cannot be read: No such file"):
        read_prototxt(tmp_path / "none.prototxt")


@pytest.mark.parametrize("content", [b"layer {", b"layer: 5", b"\xff\xfe", b"<html>"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.prototxt"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"net\.prototxt is not a prototxt"):
        read_prototxt(path)


def test_caffes_own_messages_can_live_beside_ours() -> None:
    caffe = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe")
    caffe.message_type.add(name="NetParameter")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(NetParameter.DESCRIPTOR.file.serialized_pb)
    pool.Add(caffe)
    assert pool.FindMessageTypeByName("caffe.NetParameter")
    assert pool.FindMessageTypeByName("faceserver.caffe.NetParameter")


@pytest.mark.parametrize(
    "text",
    [
        'input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8',
        "input: 'a' input: 'b' # input: 'c'\ninput_shape { dim: 1 } input_shape { dim: 2 }",
        'layer { top: "t" input_param { shape { dim: 1 } } type: "Input" } layer { type: "Split" }',
        'layer { type:"Input" top:"a" top: "b" input_param{shape:{dim:1}shape:{dim:2}} }',
    ],
)
def test_opencvs_engine_finds_the_same_inputs(tmp_path: Path, text: str) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(text)
    layers = read_prototxt(path).layer
    tops = tuple(top for layer in layers if layer.type == "Input" for top in layer.top)
    assert input_names(path) == tops
    assert tops
