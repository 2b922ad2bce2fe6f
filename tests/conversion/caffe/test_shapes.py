import cv2
import numpy as np
import pytest

from faceserver.conversion.caffe.prototxt import parse_prototxt
from faceserver.conversion.caffe.shapes import infer_shapes
from faceserver.conversion.caffe.windows import Shape, pooled_size
from faceserver.errors import ModelError


def layer(kind: str, param: str = "", bottoms: tuple[str, ...] = ("data",)) -> str:
    reads = " ".join(f'bottom: "{bottom}"' for bottom in bottoms)
    return f'layer {{ name: "it" type: "{kind}" {reads} top: "it" {param} }}'


def net(*layers: str, shape: Shape = (1, 6, 8, 9)) -> str:
    dims = " ".join(f"dim: {size}" for size in shape)
    data = (
        f'layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ {dims} }} }} }}'
    )
    return "\n".join((data, *layers))


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pad", "pooled"),
    [
        (8, 3, 2, 0, 4),  # rounded up: TensorFlow makes 3
        (7, 3, 2, 0, 3),
        (9, 2, 2, 0, 5),
        (8, 3, 1, 1, 8),
        (8, 3, 2, 1, 5),
        (5, 2, 2, 1, 3),  # a fourth window would lie in the padding alone
        (3, 3, 1, 0, 1),
    ],
)
def test_pooling_rounds_up(size: int, kernel: int, stride: int, pad: int, pooled: int) -> None:
    assert pooled_size(size, kernel, stride, pad) == pooled


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (layer("Convolution", "convolution_param { num_output: 4 kernel_size: 3 }"), (1, 4, 6, 7)),
        (
            layer(
                "Convolution",
                "convolution_param { num_output: 6 group: 6 kernel_h: 2 kernel_w: 3 stride_h: 2 "
                "stride_w: 1 pad_h: 0 pad_w: 1 bias_term: false }",
            ),
            (1, 6, 4, 9),
        ),
        (
            layer(
                "Convolution",
                "convolution_param { num_output: 4 kernel_size: 3 kernel_size: 1 pad: 1 pad: 0 }",
            ),
            (1, 4, 8, 9),
        ),
        (layer("Pooling", "pooling_param { kernel_size: 3 stride: 2 }"), (1, 6, 4, 4)),
        (layer("Pooling", "pooling_param { kernel_size: 3 stride: 2 pad: 1 }"), (1, 6, 5, 5)),
        (layer("Pooling", "pooling_param { pool: AVE global_pooling: true }"), (1, 6, 1, 1)),
        (
            layer("Pooling", "pooling_param { kernel_size: 3 stride: 3 ceil_mode: false }"),
            (1, 6, 2, 3),
        ),
        (layer("Flatten", "flatten_param { axis: 2 end_axis: -1 }"), (1, 6, 72)),
        (layer("Power"), (1, 6, 8, 9)),
        (layer("Eltwise", bottoms=("data", "data")), (1, 6, 8, 9)),
        (layer("Concat", bottoms=("data", "data", "data")), (1, 18, 8, 9)),
        (layer("Softmax"), (1, 6, 8, 9)),
    ],
)
def test_shapes_are_those_that_opencv_computes(text: str, shape: Shape) -> None:
    prototxt = net(text)
    assert infer_shapes(parse_prototxt(prototxt))["it"] == shape
    if "Convolution" in text:
        return  # OpenCV wants the weights for it
    opencv = cv2.dnn.readNetFromCaffe(np.frombuffer(prototxt.encode(), np.uint8))
    opencv.setInput(np.zeros((1, 6, 8, 9), np.float32))
    assert opencv.forward("it").shape == shape


def test_old_files_name_the_axis_of_a_concat_otherwise() -> None:
    concat = layer("Concat", "concat_param { concat_dim: 2 }", ("data", "data"))
    assert infer_shapes(parse_prototxt(net(concat)))["it"] == (1, 6, 16, 9)


@pytest.mark.parametrize(
    ("rounding", "rows"), [("", 4), ("round_mode: FLOOR", 3), ("ceil_mode: false", 3)]
)
def test_a_pooling_can_be_told_to_round_down(rounding: str, rows: int) -> None:
    pool = layer("Pooling", f"pooling_param {{ kernel_size: 3 stride: 2 {rounding} }}")
    assert infer_shapes(parse_prototxt(net(pool)))["it"] == (1, 6, rows, 4)


def test_values_in_a_row_have_two_axes() -> None:
    product = layer("InnerProduct", "inner_product_param { num_output: 5 }")
    assert infer_shapes(parse_prototxt(net(product)))["it"] == (1, 5)
    assert infer_shapes(parse_prototxt(net(layer("Flatten"))))["it"] == (1, 432)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (layer("LSTM"), "layer 'it' has the unknown type 'LSTM'"),
        (layer("ReLU", bottoms=("date",)), "layer 'it' reads 'date', which no layer makes"),
        (
            layer("Pooling", "pooling_param { kernel_size: 20 }"),
            r"layer 'it' cannot make \(1, 6, -11, -10\)",
        ),
        (
            layer("Convolution", "convolution_param { num_output: 4 group: 4 kernel_size: 1 }"),
            "cannot split 6 channels into 4 groups",
        ),
        (
            layer("Convolution", "convolution_param { num_output: 4 }"),
            r"layer 'it' has the kernel \(0, 0\) and the stride \(1, 1\)",
        ),
        (layer("Pooling"), r"layer 'it' has the kernel \(0, 0\)"),
        (layer("Eltwise"), "layer 'it' cannot read 1 blobs"),
        (layer("ReLU", bottoms=()), "layer 'it' cannot read 0 blobs"),
        (layer("Softmax") + layer("Flatten", "flatten_param { axis: 4 }"), "has no axis 4"),
        (layer("Scale", "scale_param { axis: 2 num_axes: 3 }"), "layer 'it' cannot scale"),
        (layer("Scale", bottoms=("data", "data")), "layer 'it' cannot scale"),
        (
            layer("Crop", "crop_param { offset: 1 }", ("data", "data")),
            r"layer 'it' cannot crop \(1, 6, 8, 9\) to \(1, 6, 8, 9\) from \[1, 1\] on",
        ),
        (
            layer("Crop", "crop_param { offset: 0 offset: 0 offset: 0 }", ("data", "data")),
            "layer 'it' needs an offset for each axis from 2 on",
        ),
        (
            layer("Flatten") + layer("Crop", bottoms=("data", "it")),
            "layer 'it' needs blobs of as many axes",
        ),
        (
            layer("Pooling", "pooling_param { kernel_size: 2 }")
            + layer("Concat", bottoms=("data", "it")),
            "layer 'it' cannot join",
        ),
        (
            layer("Pooling", "pooling_param { kernel_size: 2 }")
            + layer("Eltwise", bottoms=("data", "it")),
            "layer 'it' needs equal shapes",
        ),
        (
            layer("Flatten") + layer("Pooling", "pooling_param { kernel_size: 2 }", ("it",)),
            r"layer 'it' needs four axes, not \(1, 432\)",
        ),
        (layer("Input", bottoms=()), "layer 'it' gives no shape"),
    ],
)
def test_what_does_not_fit_is_named(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        infer_shapes(parse_prototxt(net(text)))
