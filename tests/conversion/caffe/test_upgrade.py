"""Networks of older Caffe versions are read as those of Caffe 1.0."""

import pytest

from faceserver.conversion.caffe.caffe_pb2 import EltwiseParameter, PoolingParameter
from faceserver.conversion.caffe.prototxt import parse_prototxt


@pytest.mark.parametrize(
    "given",
    [
        'input: "data" input_dim: 1 input_dim: 3 input_dim: 12 input_dim: 14',
        'input: "data" input_shape { dim: 1 dim: 3 dim: 12 dim: 14 }',
    ],
)
def test_inputs_outside_the_layers_become_layers(given: str) -> None:
    net = parse_prototxt(given + ' layer { name: "relu" type: "ReLU" bottom: "data" top: "r" }')
    assert [(layer.name, layer.type) for layer in net.layer] == [
        ("data", "Input"),
        ("relu", "ReLU"),
    ]
    assert list(net.layer[0].top) == ["data"]
    assert list(net.layer[0].input_param.shape[0].dim) == [1, 3, 12, 14]
    assert not net.input
    assert not net.input_dim
    assert not net.input_shape


def test_each_of_several_inputs_becomes_a_layer() -> None:
    net = parse_prototxt(
        'input: "a" input: "b" input_dim: 1 input_dim: 3 input_dim: 4 input_dim: 5 '
        "input_dim: 2 input_dim: 6 input_dim: 7 input_dim: 8"
    )
    shapes = {layer.name: list(layer.input_param.shape[0].dim) for layer in net.layer}
    assert shapes == {"a": [1, 3, 4, 5], "b": [2, 6, 7, 8]}


@pytest.mark.parametrize(
    ("shapes", "second"),
    [("shape { dim: 1 dim: 2 }", [1, 2]), ("shape { dim: 1 dim: 2 } shape { dim: 1 }", [1])],
)
def test_an_input_layer_with_two_tops_becomes_two(shapes: str, second: list[int]) -> None:
    net = parse_prototxt(
        f'layer {{ name: "in" type: "Input" top: "a" top: "b" input_param {{ {shapes} }} }}'
    )
    assert [(layer.name, list(layer.top)) for layer in net.layer] == [("a", ["a"]), ("b", ["b"])]
    assert [list(layer.input_param.shape[0].dim) for layer in net.layer] == [[1, 2], second]


def test_old_layers_become_new_ones_with_their_parameters() -> None:
    net = parse_prototxt("""
        input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
        layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 1
          convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
        layers { name: "relu" type: RELU bottom: "conv" top: "conv"
          relu_param { negative_slope: 0.25 } }
        layers { name: "pool" type: POOLING bottom: "conv" top: "pool"
          pooling_param { pool: AVE kernel_size: 2 } }
        layers { name: "sum" type: ELTWISE bottom: "pool" bottom: "pool" top: "sum"
          eltwise_param { operation: MAX } }
        layers { name: "fc" type: INNER_PRODUCT bottom: "sum" top: "fc"
          inner_product_param { num_output: 2 } }
        layers { name: "soft" type: SOFTMAX bottom: "fc" top: "soft" softmax_param { axis: -1 } }
        layers { name: "join" type: CONCAT bottom: "fc" bottom: "fc" top: "join"
          concat_param { concat_dim: 1 } }
        layers { name: "drop" type: DROPOUT bottom: "join" top: "join" }
        layers { name: "power" type: POWER bottom: "join" top: "power" power_param { shift: 2 } }
        layers { name: "norm" type: LRN bottom: "power" top: "norm" }
    """)
    assert not net.layers
    assert [layer.type for layer in net.layer] == [
        "Input",
        "Convolution",
        "ReLU",
        "Pooling",
        "Eltwise",
        "InnerProduct",
        "Softmax",
        "Concat",
        "Dropout",
        "Power",
        "LRN",
    ]
    _data, conv, relu, pool, total, product, soft, join, _drop, power, _norm = net.layer
    assert (list(conv.bottom), list(conv.top), conv.name) == (["data"], ["conv"], "conv")
    assert conv.convolution_param.num_output == 4
    assert relu.relu_param.negative_slope == 0.25
    assert pool.pooling_param.pool == PoolingParameter.AVE
    assert total.eltwise_param.operation == EltwiseParameter.MAX
    assert product.inner_product_param.num_output == 2
    assert soft.softmax_param.axis == -1
    assert join.concat_param.concat_dim == 1
    assert power.power_param.shift == 2
