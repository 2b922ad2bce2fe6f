"""Reads an ONNX file: by way of OpenVINO into layers, and with another runtime to compare them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper

from faceserver.conversion.graph.layers import Layer
from faceserver.conversion.readers.from_openvino import layers_of
from faceserver.conversion.readers.kinds import Kind, require
from faceserver.conversion.readers.onnx_constants import load_folded
from faceserver.conversion.readers.opening import OneFile
from faceserver.engines.openvino_library import fold_constants, openvino
from faceserver.errors import ModelError
from faceserver.types import Floats


@dataclass(frozen=True)
class OnnxSource(OneFile):
    """A network in an ONNX file.

    Attributes:
        model: its graph, with all constants computed.
        outputs: the tensors that are wanted.
    """

    model: ModelProto
    outputs: tuple[str, ...]

    @property
    def judge(self) -> str:
        """Say who runs it to compare."""
        return "ONNX Runtime" if find_spec("onnxruntime") else "ONNX's reference implementation"

    def layers(
        self,
        size: tuple[int, int] | None,
        names: Mapping[str, str] | None = None,
        *,
        by_tensor: bool = False,
    ) -> list[Layer]:
        """Return its layers.

        Args:
            size: rows and columns of the input, for a file that leaves them open.
            names: our names of the outputs.
            by_tensor: whether layers are named as the file's tensors are, not as its nodes.

        Raises:
            ModelError: it takes no picture, or ops are not supported; the message names them.
        """
        wanted = names or {name: _tidy(name) for name in self.outputs}
        places = {
            name: place for place, node in enumerate(self.model.graph.node) for name in node.output
        }
        places = {self._feed: -1, **places}
        try:
            model = self._opened(size)
            return layers_of(model, wanted, places=places, by_tensor=by_tensor)
        except ModelError as error:
            raise ModelError(f"{self.path}: {error}") from error

    def run(self, blob: Floats, names: Sequence[str]) -> dict[str, Floats]:
        """Compute tensors of one picture with a runtime that is not OpenVINO.

        Args:
            blob: shape (1, 3, rows, columns).
            names: of the tensors.

        Returns:
            Those of the tensors that the file has, with the channels on the second axis.
        """
        made = {name for node in self.model.graph.node for name in node.output}
        wanted = [name for name in names if name in made]
        asked = ModelProto()
        asked.CopyFrom(self.model)
        del asked.graph.output[:]
        asked.graph.output.extend(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in wanted
        )
        sizes = [dim.dim_value for dim in self.model.graph.input[0].type.tensor_type.shape.dim]
        last = self._channels_last(sizes)
        feeds = {self._feed: np.ascontiguousarray(blob.transpose(0, 2, 3, 1)) if last else blob}
        results = _run(asked, wanted, feeds)
        return {
            name: np.moveaxis(array, -1, 1)
            if last and array.ndim == 4 and self._is_last(name)
            else array
            for name, array in zip(wanted, results, strict=True)
        }

    @property
    def _feed(self) -> str:
        return str(self.model.graph.input[0].name)

    def _opened(self, size: tuple[int, int] | None) -> Any:
        try:
            model = openvino.Core().read_model(self.model.SerializeToString())
        except RuntimeError as error:
            lines = str(error).strip().splitlines()
            raise ModelError(f"OpenVINO cannot read it: {lines[-1] if lines else error}") from error
        if len(model.inputs) != 1:
            raise ModelError(f"the network must have one input, not {len(model.inputs)}")
        shape = model.inputs[0].partial_shape
        if shape.rank.is_dynamic or len(shape) != 4:
            raise ModelError(f"the network takes {shape}, not (batch, 3, rows, columns)")
        sizes = [-1 if each.is_dynamic else each.get_length() for each in shape]
        open_sizes = iter(size or ())
        axes = (1, 2) if self._channels_last(sizes) else (2, 3)
        channel_axis = 3 if axes == (1, 2) else 1
        sizes[0], sizes[channel_axis] = 1, 3
        for axis in axes:
            given = next(open_sizes, -1)
            sizes[axis] = given if given > 0 else sizes[axis]
        if min(sizes) < 1:
            raise ModelError("it does not fix the size of its input: give it")
        model.reshape(sizes)
        fold_constants(model)
        return model

    @staticmethod
    def _channels_last(sizes: Sequence[int]) -> bool:
        return len(sizes) == 4 and sizes[3] == 3 and sizes[1] != 3

    def _is_last(self, tensor: str) -> bool:
        """Tell whether a tensor of a file with the channels last has them last itself."""
        return tensor in self._last

    @cached_property
    def _last(self) -> frozenset[str]:
        last = {self._feed}
        for node in self.model.graph.node:
            source = node.input[0] if node.input else ""
            permutation = next(
                (list(each.ints) for each in node.attribute if each.name == "perm"), []
            )
            if node.op_type == "Transpose":  # noqa: SIM108 - two rules, not one choice
                is_last = permutation == [0, 2, 3, 1]
            else:
                is_last = source in last
            if is_last:
                last.update(node.output)
        return frozenset(last)


def read_onnx(path: Path, output: str | None = None) -> OnnxSource:
    """Read an ONNX file.

    Args:
        path: the file.
        output: the tensor that is wanted, where the file has several outputs or other ones.

    Raises:
        ModelError: it is no ONNX file, is damaged, or has no such tensor.
    """
    require(path, [Kind.ONNX], "an ONNX file")
    model = load_folded(path)
    if not model.graph.input:
        raise ModelError(f"{path} takes no picture: it has no input")
    tensors = {name for node in model.graph.node for name in node.output}
    if output is not None and output not in tensors:
        known = ", ".join(value.name for value in model.graph.output)
        raise ModelError(f"{path} has no tensor {output!r}; its outputs are {known}")
    outputs = (output,) if output else tuple(value.name for value in model.graph.output)
    return OnnxSource(path, model, outputs)


def _tidy(name: str) -> str:
    return name.removesuffix(":0")


def _run(model: ModelProto, names: Sequence[str], feeds: Mapping[str, Floats]) -> list[Any]:
    if find_spec("onnxruntime"):
        library = import_module("faceserver.engines.onnxruntime_library").onnxruntime
        session = library.InferenceSession(model.SerializeToString())
        return list(session.run(names, feeds))
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415 - only where nothing faster is there

    try:
        return list(ReferenceEvaluator(model).run(list(names), feeds))
    except (RuntimeError, NotImplementedError, ValueError, TypeError) as error:
        raise ModelError(f"ONNX's reference implementation cannot run it: {error}") from error
