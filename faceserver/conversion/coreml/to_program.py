"""Writes an embedding network as a CoreML program (.mlpackage), for iOS 15 and later."""

from functools import singledispatchmethod
from typing import Any

import numpy as np

from faceserver.conversion.coreml.library import load
from faceserver.conversion.coreml.network import (
    INPUT,
    OUTPUT,
    OWN_PREFIXES,
    Embedder,
    PixelScaling,
)
from faceserver.conversion.graph.layers import (
    Activation,
    Concat,
    Convolution,
    Input,
    Layer,
    Pad,
    Pooling,
    PRelu,
    Product,
    Relu,
    Slice,
    Softmax,
    Sum,
    Upsample,
)
from faceserver.conversion.graph.shapes import pads
from faceserver.conversion.graph.unsupported import write_each
from faceserver.errors import ModelError
from faceserver.types import Floats

_LEAST_SQUARE = np.float32(1e-10)  # FaceNet's epsilon


def to_program(
    network: Embedder, pixels: PixelScaling, *, half: bool, target: str = "iOS15"
) -> Any:
    """Build the program with coremltools.

    Args:
        network: the layers.
        pixels: the normalization, which becomes part of the program.
        half: store the weights in 16 bits, and compute in 16 bits all but the whitening and the
            scaling to unit length.
        target: the oldest system that must run it.

    Returns:
        A ``coremltools.models.MLModel`` with the picture ``image`` and the vector ``embedding``,
        float32 of shape (1, dims).
    """
    ct = load("coremltools")
    shape, oldest = (1, *network.input_shape), getattr(ct.target, target)
    mil = load("coremltools.converters.mil")
    spec = mil.Builder.TensorSpec(shape=shape)

    @mil.Builder.program(input_specs=[spec], opset_version=oldest)  # type: ignore[untyped-decorator]
    def program(image: Any) -> Any:
        return _ProgramWriter(mil.Builder, network).write_all(image, pixels)

    return ct.convert(
        program,
        convert_to="mlprogram",
        minimum_deployment_target=oldest,
        inputs=[ct.ImageType(name=INPUT, shape=shape, color_layout=_layout(ct, pixels))],
        compute_precision=_precision(ct, half=half),
        pass_pipeline=_passes(ct),
        skip_model_load=True,
    )


def _layout(ct: Any, pixels: PixelScaling) -> Any:
    return ct.colorlayout.BGR if pixels.bgr else ct.colorlayout.RGB


def _precision(ct: Any, *, half: bool) -> Any:
    if not half:
        return ct.precision.FLOAT32
    # Sums over a whole picture and squares near 1e-10 need more than 16 bits.
    return ct.transform.FP16ComputePrecision(
        op_selector=lambda op: not op.name.startswith(OWN_PREFIXES) and op.name != OUTPUT
    )


def _passes(ct: Any) -> Any:
    """Leave out what would fold a residual factor into the weights, so that they stay the source's.

    Whoever opens the file can then compare them one by one, as the check does.
    """
    passes = ct.PassPipeline.DEFAULT
    passes.remove_passes({"common::fuse_conv_scale"})
    return passes


def _by_channel(value: float | Floats) -> Any:
    if np.ndim(value) == 0:
        return np.float32(value)
    return np.asarray(value, np.float32).reshape(1, 3, 1, 1)


class _ProgramWriter:
    def __init__(self, builder: Any, network: Embedder) -> None:
        self._mb = builder
        self._network = network
        self._made: dict[str, Any] = {}

    def write_all(self, image: Any, pixels: PixelScaling) -> Any:
        """Append all steps; return the embedding."""
        first, *layers = self._network.layers
        if not isinstance(first, Input):
            raise ModelError(f"{first.name!r} stands where the input is expected")
        self._made[first.name] = self._normalized(image, pixels)
        write_each(layers, self._keep)
        if not self._network.outputs:
            return self._unit(self._made[layers[-1].name])
        return tuple(
            self._mb.identity(x=self._made[layer], name=name if name != layer else f"{name}_out")
            for layer, name in self._network.outputs.items()
        )

    def _keep(self, layer: Layer) -> None:
        self._made[layer.name] = self._write(layer)

    def _normalized(self, image: Any, pixels: PixelScaling) -> Any:
        mb = self._mb
        scaled = mb.mul(x=image, y=_by_channel(pixels.scale), name="pixels_scaled")
        x = mb.add(x=scaled, y=_by_channel(pixels.bias), name="pixels")
        if pixels.floor is None:
            return x
        everything = {"axes": [1, 2, 3], "keep_dims": True}
        mean = mb.reduce_mean(x=x, name="whiten_mean", **everything)
        centred = mb.sub(x=x, y=mean, name="whiten_centred")
        square = mb.square(x=centred, name="whiten_square")
        variance = mb.reduce_mean(x=square, name="whiten_variance", **everything)
        deviation = mb.sqrt(x=variance, name="whiten_deviation")
        divisor = mb.maximum(x=deviation, y=np.float32(pixels.floor), name="whiten_divisor")
        return mb.real_div(x=centred, y=divisor, name="whiten_pixels")

    def _unit(self, x: Any) -> Any:
        mb = self._mb
        row = mb.reshape(x=x, shape=[1, self._network.dims], name="unit_row")
        total = mb.reduce_sum_square(x=row, axes=[1], keep_dims=True, name="unit_square")
        floored = mb.maximum(x=total, y=_LEAST_SQUARE, name="unit_floored")
        length = mb.sqrt(x=floored, name="unit_length")
        return mb.real_div(x=row, y=length, name=OUTPUT)

    @singledispatchmethod
    def _write(self, layer: Layer) -> Any:
        raise ModelError(f"{layer.name!r} is a {type(layer).__name__}, which is not supported")

    @_write.register
    def _(self, layer: Convolution) -> Any:
        bias = {} if layer.bias is None else {"bias": layer.bias}
        return self._mb.conv(
            x=self._bottom(layer),
            weight=layer.weights,
            strides=list(layer.stride),
            pad_type="custom",
            pad=list(pads(layer, self._bottom_shape(layer))),
            groups=layer.groups,
            name=layer.name,
            **bias,
        )

    @_write.register
    def _(self, layer: Pooling) -> Any:
        window = {
            "x": self._bottom(layer),
            "kernel_sizes": list(layer.kernel),
            "strides": list(layer.stride),
            "pad_type": "custom",
            "pad": list(pads(layer, self._bottom_shape(layer))),
            "name": layer.name,
        }
        if layer.method == "max":
            return self._mb.max_pool(**window)
        return self._mb.avg_pool(**window, exclude_padding_from_average=not layer.counts_padding)

    @_write.register
    def _(self, layer: Pad) -> Any:
        amounts = [0, 0, 0, 0, *layer.rows, *layer.columns]
        x = self._bottom(layer)
        return self._mb.pad(x=x, pad=amounts, mode="constant", constant_val=0.0, name=layer.name)

    @_write.register
    def _(self, layer: Sum) -> Any:
        terms = [
            self._made[bottom]
            if factor == 1
            else self._mb.mul(
                x=self._made[bottom], y=np.float32(factor), name=f"{layer.name}_term_{position}"
            )
            for position, (bottom, factor) in enumerate(
                zip(layer.bottoms, layer.coefficients, strict=True)
            )
        ]
        return self._mb.add(x=terms[0], y=terms[1], name=layer.name)

    @_write.register
    def _(self, layer: Concat) -> Any:
        blobs = [self._made[bottom] for bottom in layer.bottoms]
        return self._mb.concat(values=blobs, axis=1, name=layer.name)

    @_write.register
    def _(self, layer: Relu) -> Any:
        return self._mb.relu(x=self._bottom(layer), name=layer.name)

    @_write.register
    def _(self, layer: Product) -> Any:
        first, second = (self._made[bottom] for bottom in layer.bottoms)
        return self._mb.mul(x=first, y=second, name=layer.name)

    @_write.register
    def _(self, layer: Slice) -> Any:
        _channels, rows, columns = self._bottom_shape(layer)
        size = [1, layer.end - layer.start, rows, columns]
        begin = [0, layer.start, 0, 0]
        x = self._bottom(layer)
        return self._mb.slice_by_size(x=x, begin=begin, size=size, name=layer.name)

    @_write.register
    def _(self, layer: PRelu) -> Any:
        return self._mb.prelu(x=self._bottom(layer), alpha=layer.slopes, name=layer.name)

    @_write.register
    def _(self, layer: Softmax) -> Any:
        return self._mb.softmax(x=self._bottom(layer), axis=1, name=layer.name)

    @_write.register
    def _(self, layer: Upsample) -> Any:
        return self._mb.upsample_nearest_neighbor(
            x=self._bottom(layer),
            scale_factor_height=layer.factor,
            scale_factor_width=layer.factor,
            name=layer.name,
        )

    @_write.register
    def _(self, layer: Activation) -> Any:
        mb, x, name = self._mb, self._bottom(layer), layer.name
        match layer.kind:
            case "hard_sigmoid":
                return mb.sigmoid_hard(x=x, alpha=1 / 6, beta=0.5, name=name)
            case "hard_swish":
                gate = mb.sigmoid_hard(x=x, alpha=1 / 6, beta=0.5, name=f"{name}_gate")
                return mb.mul(x=x, y=gate, name=name)
            case "swish":
                return mb.mul(x=x, y=mb.sigmoid(x=x, name=f"{name}_gate"), name=name)
            case "elu":
                return mb.elu(x=x, alpha=1.0, name=name)
        return getattr(mb, layer.kind)(x=x, name=name)

    def _bottom(self, layer: Layer) -> Any:
        return self._made[layer.bottoms[0]]

    def _bottom_shape(self, layer: Layer) -> tuple[int, int, int]:
        return self._network.shapes[layer.bottoms[0]]
