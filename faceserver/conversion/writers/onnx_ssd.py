"""Writes the layers of Caffe's SSD branch in ONNX: boxes to start from, and what is found."""

from itertools import product
from typing import Any

import numpy as np

from faceserver.conversion.caffe.caffe_pb2 import (
    DetectionOutputParameter,
    LayerParameter,
    PriorBoxParameter,
)
from faceserver.conversion.caffe.moving_shapes import prior_ratios
from faceserver.conversion.caffe.windows import Shape
from faceserver.conversion.writers.onnx_graph import OnnxGraph, refusal
from faceserver.types import Floats

_ALL = 1 << 30


def prior_box(graph: OnnxGraph, layer: LayerParameter) -> None:
    """Write the boxes of every place as a constant: they depend on sizes alone.

    Source: PriorBoxLayer::Forward_cpu of Caffe's SSD branch.
    """
    blob, picture = (graph.shape(bottom) for bottom in layer.bottom)
    constant = graph.constant(layer, "boxes", _boxes(layer.prior_box_param, blob, picture))
    graph.make(layer, "Identity", [constant])


def detection_output(graph: OnnxGraph, layer: LayerParameter) -> None:
    """Write (1, 1, found, 7): picture, label, score, left, top, right and bottom of each face.

    Raises:
        ModelError: it is used in a way that is not supported.
    """
    param = layer.detection_output_param
    if not param.share_location or param.code_type != DetectionOutputParameter.CENTER_SIZE:
        raise refusal(
            layer, "only boxes of all classes together, coded by centre and size, are supported"
        )
    if param.background_label_id != 0 or param.num_classes < 2:
        raise refusal(layer, "only classes after a background with the number 0 are supported")
    _scored(graph, layer, _corners(graph, layer))


def _boxes(param: PriorBoxParameter, blob: Shape, picture: Shape) -> Floats:
    rows, columns = blob[2:]
    height, width = (
        (param.img_h or param.img_size or picture[2]),
        (param.img_w or param.img_size or picture[3]),
    )
    down = param.step_h or param.step or height / rows
    across = param.step_w or param.step or width / columns
    sizes: list[tuple[float, float]] = []
    for index, least in enumerate(param.min_size):
        sizes.append((least, least))
        if param.max_size:
            side = float(np.sqrt(least * param.max_size[index]))
            sizes.append((side, side))
        roots = [float(np.sqrt(ratio)) for ratio in prior_ratios(param)[1:]]
        sizes += [(least * root, least / root) for root in roots]
    boxes = np.array(
        [
            (
                ((column + param.offset) * across - wide / 2) / width,
                ((row + param.offset) * down - high / 2) / height,
                ((column + param.offset) * across + wide / 2) / width,
                ((row + param.offset) * down + high / 2) / height,
            )
            for row, column, (wide, high) in product(range(rows), range(columns), sizes)
        ],
        np.float32,
    )
    if param.clip:
        boxes = boxes.clip(0, 1)
    variance = np.array(param.variance or [0.1], np.float32)
    variances = np.broadcast_to(variance if len(variance) == 4 else variance[:1], boxes.shape)
    return np.stack([boxes.reshape(-1), variances.reshape(-1)])[None].astype(np.float32)


def _corners(graph: OnnxGraph, layer: LayerParameter) -> str:
    """Write the boxes that the network moved: (1, boxes, 4), top, left, bottom, right."""
    location, _scores, priors = graph.bottoms(layer)
    moves = _shaped(graph, layer, "moves", location, [1, -1, 4])
    both = _shaped(graph, layer, "priors", priors, [2, -1, 4])
    boxes, variances = (
        _part(graph, layer, name, both, 0, i) for i, name in enumerate(("box", "variance"))
    )
    if layer.detection_output_param.variance_encoded_in_target:
        scaled = moves
    else:
        scaled = graph.step(layer, "scaled", "Mul", [moves, variances])
    begin, end = (
        _part(graph, layer, f"prior_{n}", boxes, 2, slice(i, i + 2))
        for i, n in ((0, "begin"), (2, "end"))
    )
    shift, growth = (
        _part(graph, layer, n, scaled, 2, slice(i, i + 2)) for i, n in ((0, "shift"), (2, "growth"))
    )
    half = graph.constant(layer, "half", np.array(0.5, np.float32))
    size = graph.step(layer, "size", "Sub", [end, begin])
    total = graph.step(layer, "total", "Add", [end, begin])
    middle = graph.step(layer, "middle", "Mul", [total, half])
    moved = graph.step(layer, "moved", "Mul", [shift, size])
    centre = graph.step(layer, "centre", "Add", [middle, moved])
    grown = graph.step(layer, "grown", "Exp", [growth])
    sides = graph.step(layer, "sides", "Mul", [grown, size])
    reach = graph.step(layer, "reach", "Mul", [sides, half])
    low = graph.step(layer, "low", "Sub", [centre, reach])
    high = graph.step(layer, "high", "Add", [centre, reach])
    return graph.step(layer, "corners", "Concat", [low, high], axis=2)


def _scored(graph: OnnxGraph, layer: LayerParameter, corners: str) -> None:
    """Write the best boxes of each class, the surest first."""
    param = layer.detection_output_param
    scores = _shaped(graph, layer, "by_box", graph.bottoms(layer)[1], [1, -1, param.num_classes])
    by_class = graph.step(layer, "by_class", "Transpose", [scores], perm=[0, 2, 1])
    wanted = _part(graph, layer, "wanted", by_class, 1, slice(1, param.num_classes))
    numbers: dict[str, Any] = {
        "most": np.array(param.nms_param.top_k if param.nms_param.top_k > 0 else _ALL, np.int64),
        "overlap": np.array(param.nms_param.nms_threshold, np.float32),
        "least": np.array(param.confidence_threshold, np.float32),
    }
    limits = [graph.constant(layer, name, value) for name, value in numbers.items()]
    chosen = graph.step(layer, "chosen", "NonMaxSuppression", [corners, wanted, *limits])
    label_and_box = _part(graph, layer, "label_and_box", chosen, 1, slice(1, 3))
    flat = graph.step(layer, "flat", "Squeeze", [wanted, _axes(graph, layer, "first", 0)])
    score = graph.step(layer, "score", "GatherND", [flat, label_and_box])
    keep = _keep(graph, layer, score)
    place = _part(graph, layer, "place", label_and_box, 1, slice(1, 2))
    box_list = graph.step(layer, "box_list", "Squeeze", [corners, _axes(graph, layer, "only", 0)])
    boxes = graph.step(layer, "boxes_found", "GatherND", [box_list, place])
    label = _part(graph, layer, "label", label_and_box, 1, slice(0, 1))
    label_number = graph.step(layer, "label_number", "Cast", [label], to=1)
    one = graph.constant(layer, "one", np.array(1, np.float32))
    labels = graph.step(layer, "labels", "Add", [label_number, one])
    zeros = graph.step(layer, "zeros", "Sub", [labels, labels])
    column = graph.step(layer, "column", "Unsqueeze", [score, _axes(graph, layer, "last", 1)])
    rows = graph.step(layer, "rows", "Concat", [zeros, labels, column, boxes], axis=1)
    best = graph.step(layer, "best", "Gather", [rows, keep], axis=0)
    shape = graph.constant(layer, "shape", np.array([1, 1, -1, 7], np.int64))
    graph.make(layer, "Reshape", [best, shape])


def _keep(graph: OnnxGraph, layer: LayerParameter, score: str) -> str:
    """Write which detections are kept, the surest first."""
    count = graph.step(layer, "count", "Shape", [score])
    most = layer.detection_output_param.keep_top_k
    limit = graph.constant(layer, "kept", np.array([most if most > 0 else _ALL], np.int64))
    number = graph.step(layer, "number", "Min", [count, limit])
    return graph.step_of(layer, ("sorted", "keep"), "TopK", [score, number], axis=0)[1]


def _shaped(
    graph: OnnxGraph, layer: LayerParameter, part: str, tensor: str, dims: list[int]
) -> str:
    sizes = graph.constant(layer, f"{part}:dims", np.array(dims, np.int64))
    return graph.step(layer, part, "Reshape", [tensor, sizes])


def _part(  # noqa: PLR0917
    graph: OnnxGraph, layer: LayerParameter, part: str, tensor: str, axis: int, which: int | slice
) -> str:
    """Write some of an axis; a number keeps the axis with one value in it."""
    start, stop = (which, which + 1) if isinstance(which, int) else (which.start, which.stop)
    ends = [
        graph.constant(layer, f"{part}:{name}", np.array([value], np.int64))
        for name, value in (("from", start), ("to", stop), ("axis", axis))
    ]
    return graph.step(layer, part, "Slice", [tensor, *ends])


def _axes(graph: OnnxGraph, layer: LayerParameter, part: str, axis: int) -> str:
    return graph.constant(layer, f"{part}:axes", np.array([axis], np.int64))
