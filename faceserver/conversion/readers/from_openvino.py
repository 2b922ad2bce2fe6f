"""Turns a network as OpenVINO has read it into a list of layers.

OpenVINO reads ONNX, PyTorch and Keras' graphs into one model of few kinds of ops, with all shapes
known; so one reader does for all of them.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from faceserver.conversion.graph.layers import Layer
from faceserver.conversion.graph.unsupported import Unsupported, refusal
from faceserver.conversion.readers.ov_blobs import WITHOUT_BIAS, Reader
from faceserver.conversion.readers.ov_ops import TRANSLATORS, before_unit_length
from faceserver.errors import ModelError

_NOT_SUPPORTED = "this op is not supported"


def layers_of(
    model: Any,
    outputs: Mapping[str, str] | None = None,
    *,
    places: Mapping[str, int] | None = None,
    by_tensor: bool = False,
) -> list[Layer]:
    """Translate the ops that the wanted outputs depend on, in order.

    A scaling of an output to unit length is left out: whoever uses an embedding does it.

    Args:
        model: an ``openvino.Model`` with one input; all shapes must be known.
        outputs: our name for each tensor that is wanted; None takes the model's results.
        places: of the source's tensors in its file; the layers come in this order.
        by_tensor: whether layers are named as the source's tensors are, not as its nodes.

    Returns:
        The layers. What makes a wanted tensor has our name for it.

    Raises:
        ModelError: ops are not known or are used in a way that is not supported; the message names
            all of them.
    """
    if len(model.inputs) != 1:
        raise ModelError(f"the network must have one input, not {len(model.inputs)}")
    places = places or {}
    reader = Reader(_tensor_names(model, places) if by_tensor else {}, places)
    ends = _ends(model, outputs)
    ends = {key: (before_unit_length(output), name) for key, (output, name) in ends.items()}
    troubles: list[str] = []
    broken: set[int] = set()
    for node in _needed([output for output, _name in ends.values()]):
        if any(value.get_node().get_instance_id() in broken for value in node.input_values()):
            broken.add(node.get_instance_id())
            if node.get_type_name() not in TRANSLATORS:
                troubles.append(_trouble(node, _NOT_SUPPORTED))
            continue
        try:
            _translate(reader, node)
        except (Unsupported, ModelError) as error:
            broken.add(node.get_instance_id())
            troubles.append(_trouble(node, error))
    if troubles:
        raise refusal(troubles)
    return _in_order(_named(reader, ends), places)


def _trouble(node: Any, why: object) -> str:
    return f"node {node.get_friendly_name()!r} ({node.get_type_name()}): {why}"


def _translate(reader: Reader, node: Any) -> None:
    kind = node.get_type_name()
    if kind == "Parameter":
        reader.set(node.output(0), reader.input(node))
    elif any(reader.is_blob(node, index) for index in range(node.get_input_size())):
        if kind not in TRANSLATORS:
            raise Unsupported(_NOT_SUPPORTED)
        TRANSLATORS[kind](reader, node)


def _tensor_names(model: Any, places: Mapping[str, int]) -> dict[int, str]:
    """Name nodes after their tensors; one that a bias follows after the sum's."""
    names = {}
    for node in model.get_ordered_ops():
        tensors = [*node.output(0).get_names()] if node.get_output_size() else []
        if not tensors and node.get_friendly_name().endswith(WITHOUT_BIAS):
            readers = [each.get_node() for each in node.output(0).get_target_inputs()]
            tensors = [name for reader in readers for name in reader.output(0).get_names()]
        if tensors:
            names[node.get_instance_id()] = min(
                tensors, key=lambda name: (places.get(name, len(places)), name)
            )
    return names


def _in_order(layers: list[Layer], places: Mapping[str, int]) -> list[Layer]:
    """Bring layers into the order of the source's file, as far as it tells one."""
    if not places:
        return layers
    keys: list[int] = []
    for layer in reversed(layers):  # what the file does not name belongs to what comes next
        next_key = keys[-1] if keys else len(places)
        keys.append(places.get(layer.origin, next_key))
    order = sorted(range(len(layers)), key=lambda index: keys[len(layers) - 1 - index])
    return [layers[index] for index in order]


def _ends(model: Any, outputs: Mapping[str, str] | None) -> dict[str, tuple[Any, str]]:
    if outputs is None:
        return {
            str(index): (result.input_value(0), "")
            for index, result in enumerate(model.get_results())
        }
    tensors = {
        name: output
        for node in model.get_ordered_ops()
        for output in node.outputs()
        if node.get_type_name() != "Result"
        for name in output.get_names()
    }
    missing = [name for name in outputs if name not in tensors]
    if missing:
        known = ", ".join(sorted(result.get_any_name() for result in model.outputs))
        raise ModelError(f"the network has no tensor {missing[0]!r}; its outputs are {known}")
    return {name: (tensors[name], ours) for name, ours in outputs.items()}


def _named(reader: Reader, ends: Mapping[str, tuple[Any, str]]) -> list[Layer]:
    """Give the outputs' layers the names that are wanted for them."""
    names = {}
    for output, ours in ends.values():
        blob = reader.held(output)
        if blob is None:
            raise ModelError("an output of the network depends on no input")
        names[blob.layer] = ours or blob.layer
    return [
        replace(
            layer,
            name=names.get(layer.name, layer.name),
            bottoms=tuple(names.get(bottom, bottom) for bottom in layer.bottoms),
        )
        for layer in reader.layers
    ]


def _needed(ends: list[Any]) -> list[Any]:
    """Return the nodes that outputs depend on, each after those that it reads."""
    ordered: dict[int, Any] = {}
    stack = [(end.get_node(), False) for end in reversed(ends)]
    while stack:
        node, inputs_done = stack.pop()
        number = node.get_instance_id()
        if number in ordered:
            continue
        if inputs_done:
            ordered[number] = node
            continue
        stack.append((node, True))
        stack.extend((value.get_node(), False) for value in reversed(node.input_values()))
    return list(ordered.values())
