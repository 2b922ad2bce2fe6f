"""Brings networks of older Caffe versions into the form of Caffe 1.0."""

from faceserver.conversion.caffe.caffe_pb2 import LayerParameter, NetParameter, V1LayerParameter

_V1_FIELDS = (
    "concat_param",
    "convolution_param",
    "dropout_param",
    "eltwise_param",
    "inner_product_param",
    "pooling_param",
    "power_param",
    "relu_param",
    "slice_param",
    "softmax_param",
)
_V1_NAMES = {"ABSVAL": "AbsVal", "BNLL": "BNLL", "LRN": "LRN", "RELU": "ReLU", "TANH": "TanH"}
"""Types whose name is not that of the old constant in title case."""

_DEPTHWISE = ("DepthwiseConvolution", "ConvolutionDepthwise")
"""What branches of Caffe call a convolution of each channel by itself."""


def upgrade(net: NetParameter) -> None:
    """Turn `layers` into `layer`, and inputs that stand outside of them into Input layers.

    Afterwards an Input layer has one top and one shape.
    """
    layers = [*_inputs(net), *(_from_v1(old) for old in net.layers)]
    for layer in net.layer:
        layers.extend(_split_input(layer) if layer.type == "Input" else [layer])
    for layer in layers:
        if layer.type in _DEPTHWISE:
            # One group for each channel, whether the file says so or leaves it to the type.
            layer.type = "Convolution"
            layer.convolution_param.group = layer.convolution_param.num_output
    for field in ("input", "input_dim", "input_shape", "layers", "layer"):
        net.ClearField(field)
    net.layer.extend(layers)


def _inputs(net: NetParameter) -> list[LayerParameter]:
    dims = list(net.input_dim)
    shapes = [list(shape.dim) for shape in net.input_shape] or [
        dims[start : start + 4] for start in range(0, len(dims), 4)
    ]
    return [_input(name, shape) for name, shape in zip(net.input, shapes, strict=False)]


def _split_input(layer: LayerParameter) -> list[LayerParameter]:
    """Give each top of an Input layer a layer of its own; one shape may stand for all tops."""
    shapes = [list(shape.dim) for shape in layer.input_param.shape]
    if len(layer.top) < 2 or not shapes:
        return [layer]
    if len(shapes) == 1:
        shapes *= len(layer.top)
    return [_input(top, shape) for top, shape in zip(layer.top, shapes, strict=False)]


def _input(name: str, shape: list[int]) -> LayerParameter:
    layer = LayerParameter(name=name, type="Input", top=[name])
    layer.input_param.shape.add(dim=shape)
    return layer


def _from_v1(old: V1LayerParameter) -> LayerParameter:
    constant = V1LayerParameter.LayerType.Name(old.type)
    kind = _V1_NAMES.get(constant, constant.title().replace("_", ""))
    layer = LayerParameter(
        name=old.name, type=kind, bottom=old.bottom, top=old.top, blobs=old.blobs
    )
    for field in _V1_FIELDS:
        if old.HasField(field):
            getattr(layer, field).CopyFrom(getattr(old, field))
    return layer
