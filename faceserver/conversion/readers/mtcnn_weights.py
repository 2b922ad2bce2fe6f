"""Reads MTCNN's weights as others keep them: det1.npy to det3.npy, or pnet.pt, rnet.pt and onet.pt.

Both hold weights alone; the layers are those of the prototxt files that come with this project,
whose input is (batch, 3, width, height). So is that of the .npy files, which were made of the
original's; the .pt files of facenet-pytorch take (batch, 3, height, width).
"""

import io
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from faceserver.conversion.caffe.caffe_pb2 import LayerParameter, NetParameter
from faceserver.conversion.caffe.shapes import infer_shapes
from faceserver.conversion.readers.kinds import Kind, kind_of, refusal
from faceserver.conversion.readers.torch_library import torch
from faceserver.errors import ModelError
from faceserver.types import Floats

_Blobs = Callable[[LayerParameter, tuple[int, ...]], list[Floats]]
"""The blobs of a layer that reads a blob of a shape (channels, width, height), or (values,)."""


def read_weights(path: Path, net: NetParameter) -> dict[str, list[Floats]]:
    """Return a network's weights from a file that holds nothing else.

    Args:
        path: a .npy file of a dictionary, or a state dict of PyTorch.
        net: the network's layers.

    Raises:
        ModelError: the file is of another kind, is damaged, or lacks weights of the network.
        SetupError: PyTorch is needed and not installed.
    """
    kind = kind_of(path)
    if kind is Kind.NUMPY:
        blobs = _of_numpy(_dictionary(path))
    elif kind in (Kind.TORCH_WEIGHTS, Kind.TORCH_LEGACY):
        blobs = _of_torch(_state_dict(path))
    else:
        raise refusal(path, kind, "MTCNN's weights in ONNX, .npy or .pt")
    shapes, weights = infer_shapes(net), {}
    for layer in net.layer:
        if layer.type not in ("Convolution", "InnerProduct", "PReLU"):
            continue
        bottom, top = shapes[layer.bottom[0]][1:], shapes[layer.top[0]]
        try:
            weights[layer.name] = [
                np.ascontiguousarray(blob, np.float32) for blob in blobs(layer, bottom)
            ]
        except (KeyError, ValueError, TypeError) as error:
            raise ModelError(
                f"{path} does not hold the weights of {net.name}'s layer {layer.name!r}"
            ) from error
        if len(weights[layer.name][0]) != top[1]:
            raise ModelError(f"{path}: {layer.name!r} makes {len(weights[layer.name][0])} channels")
    return weights


def _of_numpy(table: Mapping[str, Mapping[str, Any]]) -> _Blobs:
    def blobs(layer: LayerParameter, bottom: tuple[int, ...]) -> list[Floats]:
        entry = table[layer.name]
        if layer.type == "PReLU":
            return [np.reshape(entry["alpha"], -1)]
        values, bias = np.asarray(entry["weights"]), np.asarray(entry["biases"])
        if layer.type == "Convolution":
            return [values.transpose(3, 2, 0, 1), bias]
        if len(bottom) == 3:  # the rows of the matrix are by place, then by channel
            channels, first, second = bottom
            values = values.reshape(first, second, channels, -1).transpose(2, 0, 1, 3)
        return [values.reshape(-1, len(bias)).T, bias]

    return blobs


def _of_torch(state: Mapping[str, Any]) -> _Blobs:
    def blobs(layer: LayerParameter, bottom: tuple[int, ...]) -> list[Floats]:
        name = layer.name.lower().replace("-", "_")
        if layer.type == "InnerProduct":
            name = name.replace("conv", "dense")
        values = np.asarray(state[f"{name}.weight"])
        if layer.type == "PReLU":
            return [values]
        bias = np.asarray(state[f"{name}.bias"])
        if layer.type == "Convolution":
            return [values.transpose(0, 1, 3, 2), bias]
        if len(bottom) == 3:
            channels, first, second = bottom
            values = values.reshape(-1, first, second, channels).transpose(0, 3, 1, 2)
        return [values.reshape(len(bias), -1), bias]

    return blobs


class _Restricted(pickle.Unpickler):
    """Reads arrays in dictionaries, and nothing that could run code."""

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("numpy") and name in ("_reconstruct", "ndarray", "dtype", "scalar"):
            home = {"_reconstruct": np.array(0).__reduce__()[0], "scalar": None}
            return home.get(name) or getattr(np, name)
        if (module, name) == ("_codecs", "encode"):
            return lambda text, _encoding: text.encode("latin1")
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed")


def _dictionary(path: Path) -> Mapping[str, Mapping[str, Any]]:
    content = io.BytesIO(path.read_bytes())
    try:
        version = npy.read_magic(content)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        read(content)
        found = _Restricted(content, encoding="latin1").load()
        table = found.item() if isinstance(found, np.ndarray) else found
    except (pickle.UnpicklingError, ValueError, EOFError, AttributeError, TypeError) as error:
        raise ModelError(f"{path} is damaged, or not a dictionary of weights: {error}") from error
    if not isinstance(table, Mapping):
        raise ModelError(f"{path} holds no dictionary of weights")
    return table


def _state_dict(path: Path) -> dict[str, Any]:
    library = torch(f"to read {path.name}")
    try:
        state = library.load(str(path), map_location="cpu", weights_only=True)
        return {name: values.numpy() for name, values in state.items()}
    except (RuntimeError, OSError, EOFError, AttributeError, pickle.UnpicklingError) as error:
        raise ModelError(f"{path} is damaged, or not a state dict") from error
