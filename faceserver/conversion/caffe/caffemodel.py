"""Caffemodel: a network's layers with their weights, in protobuf's binary format."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError

from faceserver.conversion.caffe.caffe_pb2 import (
    BlobProto,
    LayerParameter,
    NetParameter,
    V1LayerParameter,
)
from faceserver.errors import ModelError
from faceserver.types import Floats

Weights = Mapping[str, Sequence[Floats]]
"""For each layer that has weights, its blobs in Caffe's order."""

_DATA_TAG = BlobProto.DATA_FIELD_NUMBER << 3 | 2  # wire type 2: a length, then that many bytes


def read_caffemodel(path: Path) -> dict[str, tuple[Floats, ...]]:
    """Read the weights.

    Returns:
        For each layer that has weights, its blobs in Caffe's order, float32, in the shapes that the
        file gives (files from before 2014 give all of them four axes).

    Raises:
        ModelError: the file is missing, truncated, or no caffemodel.
    """
    net = NetParameter()
    try:
        net.ParseFromString(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except DecodeError as error:
        raise ModelError(f"{path} is truncated, or not a caffemodel") from error
    layers: list[LayerParameter | V1LayerParameter] = [*net.layers, *net.layer]
    weights = {
        layer.name: tuple(_to_array(blob, f"{path}, layer {layer.name!r}") for blob in layer.blobs)
        for layer in layers
        if layer.blobs
    }
    if not weights:
        raise ModelError(f"{path} holds no weights in any layer")
    return weights


def format_caffemodel(net: NetParameter, weights: Weights) -> bytes:
    """Write a network and its weights; the same network always gives the same bytes.

    Raises:
        ValueError: there are weights for a layer that the network does not have.
    """
    full = NetParameter()
    full.CopyFrom(net)
    unknown = set(weights) - {layer.name for layer in full.layer}
    if unknown:
        raise ValueError(f"no such layers: {sorted(unknown)}")
    for layer in full.layer:
        layer.blobs.extend(_to_blob(array) for array in weights.get(layer.name, ()))
    return full.SerializeToString(deterministic=True)


def _to_array(blob: BlobProto, where: str) -> Floats:
    if blob.HasField("shape"):
        shape = list(blob.shape.dim)
    else:
        shape = [blob.num, blob.channels, blob.height, blob.width]
    data = np.array(blob.data or blob.double_data, dtype=np.float32)
    if data.size != np.prod(shape, dtype=np.int64):
        raise ModelError(f"{where}: {data.size} numbers do not fill the shape {shape}")
    return data.reshape(shape)


def _to_blob(array: Floats) -> BlobProto:
    blob = BlobProto()
    # Handing over the packed bytes is many times faster than millions of Python floats.
    data = np.ascontiguousarray(array, dtype="<f4").tobytes()
    blob.MergeFromString(bytes([_DATA_TAG]) + _varint(len(data)) + data)
    blob.shape.SetInParent()  # a single number has a shape, without any axis
    blob.shape.dim.extend(array.shape)
    return blob


def _varint(number: int) -> bytes:
    groups = bytearray()
    while number >= 0x80:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)
