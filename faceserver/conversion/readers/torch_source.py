"""Reads PyTorch's files: a state dict with its architecture's name, TorchScript, torch.export."""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from faceserver.conversion.graph.layers import Layer
from faceserver.conversion.readers.from_openvino import layers_of
from faceserver.conversion.readers.kinds import Kind, kind_of
from faceserver.conversion.readers.opening import OneFile, Opening
from faceserver.conversion.readers.torch_library import torch
from faceserver.engines.openvino_library import fold_constants, openvino
from faceserver.errors import ModelError
from faceserver.types import Floats

NETWORKS = (
    "iresnet18", "iresnet34", "iresnet50", "iresnet100", "iresnet200",
    "adaface_ir18", "adaface_ir34", "adaface_ir50", "adaface_ir101",
    "mobilefacenet", "inception_resnet_v1",
)  # fmt: skip
"""The architectures whose weights can be read alone; see :mod:`torch_nets`."""


@dataclass(frozen=True)
class TorchSource(OneFile):
    """A network in a file of PyTorch.

    Attributes:
        module: what is called with a picture.
        program: what OpenVINO reads: the module, or an exported program.
        size: rows and columns of the input.
        outputs: names for what it makes.
    """

    module: Any
    program: Any
    size: tuple[int, int]
    outputs: tuple[str, ...]

    @property
    def judge(self) -> str:
        """Say who runs it to compare."""
        return "PyTorch"

    def layers(self, size: tuple[int, int] | None) -> list[Layer]:
        """Return its layers.

        Raises:
            ModelError: ops are not supported; the message names all of them.
        """
        rows, columns = size or self.size
        library = torch("to read it")
        try:
            if self.program is self.module:
                example = library.zeros(1, 3, rows, columns)
                model = openvino.convert_model(self.program, example_input=example)
            else:
                model = openvino.convert_model(self.program)
        except Exception as error:  # OpenVINO lets through whatever PyTorch raises
            raise ModelError(f"{self.path} cannot be read by OpenVINO: {_line(error)}") from error
        model.reshape([1, 3, rows, columns])
        fold_constants(model)
        for output, name in zip(model.outputs, self.outputs, strict=True):
            output.get_node().input_value(0).set_names({name})
        try:
            return layers_of(model, {name: name for name in self.outputs})
        except ModelError as error:
            raise ModelError(f"{self.path}: {error}") from error

    def run(self, blob: Floats, names: Sequence[str]) -> dict[str, Floats]:
        """Compute the outputs of one picture (1, 3, rows, columns) with PyTorch."""
        made = dict(zip(self.outputs, _call(self.module, blob), strict=True))
        return {name: made[name] for name in names if name in made}


def read_torch(path: Path, opening: Opening) -> TorchSource:
    """Read a file of PyTorch.

    Raises:
        ModelError: it is damaged, holds weights of another architecture than is said, or needs to
            be told its architecture or the size of its input.
        SetupError: PyTorch is not installed.
    """
    library, kind = torch(f"to read {path.name}"), kind_of(path)
    try:
        if kind is Kind.TORCH_EXPORT:
            return _exported(library, path, opening)
        if kind is Kind.TORCHSCRIPT:
            if opening.size is None:
                raise ModelError(f"{path} does not fix the size of its input: give it")
            module = library.jit.load(str(path), map_location="cpu").eval()
            return _source(path, module, module, opening.size, opening.output)
        weights = library.load(str(path), map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, EOFError, KeyError, ValueError) as error:
        raise ModelError(f"{path} is damaged or no {kind.value[2:]}: {_line(error)}") from error
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path} holds more than weights, which is not run for safety: save its state dict, or "
            "TorchScript"
        ) from error
    return _of_weights(path, _state(path, weights), opening)


def _exported(library: Any, path: Path, opening: Opening) -> TorchSource:
    program = library.export.load(str(path))
    names = program.graph_signature.user_inputs
    shapes = [tuple(node.meta["val"].shape) for node in program.graph.nodes if node.name in names]
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][1] != 3:
        raise ModelError(f"{path} takes {shapes}, not one picture (batch, 3, rows, columns)")
    sizes = shapes[0][2:]
    fixed = all(isinstance(each, int) for each in sizes)
    size = (sizes[0], sizes[1]) if fixed else opening.size
    if size is None:
        raise ModelError(f"{path} does not fix the size of its input: give it")
    return _source(path, program.module(), program, size, opening.output)


def _of_weights(path: Path, weights: Mapping[str, Any], opening: Opening) -> TorchSource:
    if opening.network is None:
        raise ModelError(
            f"{path} holds weights without their architecture: say it with --network "
            f"({', '.join(NETWORKS)}), or save the model as TorchScript or by torch.export"
        )
    from faceserver.conversion.readers.torch_nets import NETS, load_net  # noqa: PLC0415 - PyTorch

    if opening.network not in NETS:
        known = ", ".join(NETS)
        raise ModelError(f"{opening.network!r} is not a known architecture: {known}")
    try:
        module = load_net(opening.network, weights)
    except (KeyError, RuntimeError, IndexError) as error:
        raise ModelError(
            f"{path} does not hold the weights of {opening.network}: {_line(error)}"
        ) from error
    side = NETS[opening.network][0]
    return _source(path, module, module, opening.size or (side, side), opening.output)


def _state(path: Path, loaded: Any) -> Mapping[str, Any]:
    """Find the weights in what torch.save was given, which may be a checkpoint of training."""
    for _depth in range(3):
        if not isinstance(loaded, Mapping):
            break
        inner = [
            loaded[key] for key in ("state_dict", "model_state_dict", "model") if key in loaded
        ]
        if not inner:
            prefixes = ("module.", "model.", "backbone.")
            weights = {
                str(key): value
                for key, value in loaded.items()
                if hasattr(value, "shape") and not str(key).startswith("head.")
            }
            for prefix in prefixes:
                if weights and all(key.startswith(prefix) for key in weights):
                    weights = {key.removeprefix(prefix): each for key, each in weights.items()}
            if weights:
                return weights
            break
        loaded = inner[0]
    raise ModelError(f"{path} holds no state dict")


def _source(
    path: Path, module: Any, program: Any, size: tuple[int, int], output: str | None
) -> TorchSource:
    try:
        made = _call(module, np.zeros((1, 3, *size), np.float32))
    except (RuntimeError, ValueError, TypeError, AssertionError) as error:
        raise ModelError(
            f"{path} does not run on (1, 3, {size[0]}, {size[1]}): {_line(error)}"
        ) from error
    outputs = ("output",) if len(made) == 1 else tuple(f"output{i}" for i in range(len(made)))
    if output is not None:
        raise ModelError(f"{path} has outputs without names: --output cannot choose among them")
    return TorchSource(path, module, program, size, outputs)


def _call(module: Any, blob: Floats) -> list[Floats]:
    library = torch("to check the result")
    with library.no_grad():
        made = module(library.from_numpy(np.ascontiguousarray(blob)))
    return [each.numpy() for each in (made if isinstance(made, list | tuple) else [made])]


def _line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
