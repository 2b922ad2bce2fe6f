"""Tells by its first bytes what a file is, so that a wrong one is called by its name."""

import re
import zipfile
from collections.abc import Collection
from enum import Enum
from pathlib import Path

from faceserver.errors import ModelError

_HEAD_BYTES = 1 << 16
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # protobuf's wire types


class Kind(Enum):
    """What a file or folder is; the value is what it is called in messages."""

    ONNX = "an ONNX file"
    GRAPH_DEF = "a TensorFlow graph"
    META_GRAPH = "the graph of a TensorFlow checkpoint"
    CAFFEMODEL = "a caffemodel"
    PROTOTXT = "a prototxt"
    KERAS_H5 = "a Keras HDF5 file"
    KERAS = "a Keras file"
    TORCHSCRIPT = "a TorchScript file"
    TORCH_EXPORT = "a program of torch.export"
    TORCH_WEIGHTS = "a file of PyTorch's torch.save"
    NUMPY = "a NumPy file"
    CHECKPOINT_FOLDER = "the folder of a TensorFlow checkpoint"
    SAVED_MODEL_FOLDER = "the folder of a SavedModel"
    MODEL_FOLDER = "a model's folder with its model.toml"
    FOLDER = "a folder"
    SAVED_MODEL = "the graph of a SavedModel"
    TFLITE = "a TFLite file"
    SAFETENSORS = "a safetensors file"
    COREML = "a CoreML file"
    DLIB = "a network of dlib"
    TORCH_LEGACY = "a file of torch.save, in the form before PyTorch 1.6"
    PICKLE = "a pickle"
    MXNET = "a file of MXNet's weights"
    NCNN = "the layers of an ncnn network"
    OPENVINO_IR = "an OpenVINO IR file"
    MATLAB = "a MATLAB file"
    CHECKPOINT_PART = "a part of a TensorFlow checkpoint"
    ZIP = "a zip archive"
    GZIP = "a gzip archive"
    HTML = "a web page"
    LFS = "a pointer to a file in Git LFS, not the file itself"
    EMPTY = "an empty file"
    UNKNOWN = "a file of no kind that is known here"


_ADVICE = {
    Kind.DLIB: "`faceserver models add` takes it as it is",
    Kind.META_GRAPH: "give the folder that holds it and the checkpoint's other files",
    Kind.SAVED_MODEL: "give the folder that holds it",
    Kind.CHECKPOINT_PART: "give the folder that holds it and the .meta file",
    Kind.PICKLE: "reading it would run whatever code it holds; save the weights with torch.save, "
    "or the network as ONNX",
    Kind.MXNET: "load it with MXNet and its -symbol.json, and export it as ONNX",
    Kind.NCNN: "it is made to be run, not converted: take what it was made from",
    Kind.OPENVINO_IR: "it is made to be run, not converted: take what it was made from",
    Kind.MATLAB: "export the network as ONNX",
    Kind.SAFETENSORS: "load it with PyTorch, and save its state dict with torch.save",
    Kind.TFLITE: "it is made to be run, not converted: take what it was made from",
    Kind.COREML: "it is made to be run, not converted: take what it was made from",
    Kind.CAFFEMODEL: "give its prototxt, too",
    Kind.PROTOTXT: "give its caffemodel, too",
    Kind.HTML: "its address gave a page in place of the file",
    Kind.LFS: "`git lfs pull` fetches the file",
    Kind.ZIP: "unpack it first",
    Kind.GZIP: "unpack it first",
}

_BEGINNINGS = (
    (b"\x89HDF\r\n\x1a\n", Kind.KERAS_H5),
    (b"\x93NUMPY", Kind.NUMPY),
    (b"version https://git-lfs", Kind.LFS),
    (b"\x1f\x8b", Kind.GZIP),
    (b"\x01\x01\x01\x0dloss_metric_", Kind.DLIB),
    (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19", Kind.TORCH_LEGACY),
    *((bytes((0x80, protocol)), Kind.PICKLE) for protocol in (2, 3, 4, 5)),
    (b"\x12\x01\0\0\0\0\0\0", Kind.MXNET),
    (b"7767517", Kind.NCNN),
    (b"MATLAB 5.0 MAT-file", Kind.MATLAB),
)

_TABLE_END = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
"""How TensorFlow's tables end, such as a checkpoint's .index; its .data files have no mark."""
_DATA_NAME = re.compile(r"\.data-\d{5}-of-\d{5}$")

_HTML = re.compile(rb"\s*<(!doctype html|html|\?xml[^>]*>\s*<html)", re.IGNORECASE)
_OPENVINO_IR = re.compile(rb"\s*(<\?xml[^>]*>\s*)?<net[\s>]")
_PROTOTXT = re.compile(rb"(\s|#[^\n]*\n)*(name|layers?|input\w*|force_backward)\s*[:{]")


def kind_of(path: Path) -> Kind:
    """Return what a file or folder is, whatever it is called.

    Raises:
        ModelError: there is none, or it cannot be read.
    """
    if path.is_dir():
        return _kind_of_folder(path)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    if not head:
        return Kind.EMPTY
    if head.startswith(b"PK"):
        return _kind_of_zip(path)
    return _kind_by_marks(path, head) or _kind_of_text(head) or _kind_of_message(head)


def refusal(path: Path, kind: Kind, wanted: str) -> ModelError:
    """Make the error for a file of another kind than is wanted, with what to do about it."""
    advice = f": {_ADVICE[kind]}" if kind in _ADVICE else ""
    return ModelError(f"{path} is {kind.value}, where {wanted} is expected{advice}")


def require(path: Path, kinds: Collection[Kind], wanted: str) -> None:
    """Refuse a file that is surely of another kind than wanted.

    One that is of no known kind passes, for it may be damaged: who reads it says how.

    Raises:
        ModelError: it is of another kind, or cannot be read.
    """
    found = kind_of(path)
    if found not in (*kinds, Kind.UNKNOWN):
        raise refusal(path, found, wanted)


def _kind_of_folder(folder: Path) -> Kind:
    if (folder / "model.toml").is_file():
        return Kind.MODEL_FOLDER
    if (folder / "saved_model.pb").is_file():
        return Kind.SAVED_MODEL_FOLDER
    return Kind.CHECKPOINT_FOLDER if any(folder.glob("*.meta")) else Kind.FOLDER


def _kind_by_marks(path: Path, head: bytes) -> Kind | None:
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    if _DATA_NAME.search(path.name) or _end_of(path) == _TABLE_END:
        return Kind.CHECKPOINT_PART
    if head[4:8] == b"TFL3":
        return Kind.TFLITE
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size:
        return Kind.SAFETENSORS
    return None


def _kind_of_text(head: bytes) -> Kind | None:
    patterns = {Kind.HTML: _HTML, Kind.OPENVINO_IR: _OPENVINO_IR, Kind.PROTOTXT: _PROTOTXT}
    return next((kind for kind, pattern in patterns.items() if pattern.match(head)), None)


def _end_of(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - len(_TABLE_END), 0))
        return file.read()


def _kind_of_zip(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.partition("/")[2] or name for name in archive.namelist()]
            tops = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return Kind.ZIP
    if "model.weights.h5" in tops:
        return Kind.KERAS
    if any(name in names for name in ("archive_format", "serialized_exported_program.json")):
        return Kind.TORCH_EXPORT
    if "data.pkl" in names:
        return Kind.TORCHSCRIPT if "constants.pkl" in names else Kind.TORCH_WEIGHTS
    return Kind.ZIP


def _kind_of_message(head: bytes) -> Kind:  # noqa: PLR0911 - likewise
    """Tell protobuf's messages apart by the numbers and types of their outermost fields."""
    fields = _fields(head)
    if not fields:
        return Kind.UNKNOWN
    first = fields[0][:2]
    numbers = {number for number, _wire, _content in fields}
    if first == (1, _VARINT):
        if fields[min(1, len(fields) - 1)][:2] == (2, _BYTES) and numbers <= {1, 2}:
            return Kind.SAVED_MODEL
        return Kind.COREML if max(numbers) >= 200 else Kind.ONNX
    if first != (1, _BYTES):
        return Kind.CAFFEMODEL if numbers & {2, 100} else Kind.UNKNOWN
    if len(fields) > 1 and _is_meta(fields):
        return Kind.META_GRAPH
    if fields[0][2].startswith(b"\x0a"):  # a message with a name, where Caffe has a name itself
        return Kind.GRAPH_DEF
    return Kind.CAFFEMODEL if numbers & {2, 3, 100} or len(fields) == 1 else Kind.UNKNOWN


def _is_meta(fields: list[tuple[int, int, bytes]]) -> bool:
    """A meta graph has its own version first, then one graph, whose first field is a node."""
    number, wire, content = fields[1]
    return (number, wire) == (2, _BYTES) and content.startswith(b"\x0a")


def _fields(head: bytes) -> list[tuple[int, int, bytes]]:
    """The outermost fields as far as the bytes reach: number, wire type, and how each begins."""
    fields: list[tuple[int, int, bytes]] = []
    place = 0
    while place < len(head):
        tag, place = _varint(head, place)
        number, wire = tag >> 3, tag & 7
        content = b""
        if wire == _VARINT:
            _value, place = _varint(head, place)
        elif wire == _BYTES:
            length, place = _varint(head, place)
            content = head[place : place + 16]
            place += length
        elif wire in (_FIXED32, _FIXED64):
            place += 4 if wire == _FIXED32 else 8
        else:
            return []
        if not number:
            return []
        fields.append((number, wire, content))
    return fields


def _varint(head: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(head):
        byte = head[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            break
    return value, place
