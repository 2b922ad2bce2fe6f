"""Opens whatever a network is kept in: one function for all converters."""

from collections.abc import Callable
from pathlib import Path

from faceserver.conversion.readers.kinds import Kind, kind_of, refusal
from faceserver.conversion.readers.opening import Opening, Source
from faceserver.errors import ModelError

WANTED = (
    "a frozen TensorFlow graph, the folder of a checkpoint or a SavedModel, a Keras file, an ONNX "
    "file or a PyTorch file"
)


def open_source(path: Path, opening: Opening | None = None) -> Source:
    """Open a file or folder, by what it is and not by what it is called.

    Raises:
        ModelError: there is none, it is of a kind that holds no network, or it is damaged.
        SetupError: what reads it is not installed.
    """
    if not path.exists():
        raise ModelError(f"{path} cannot be read: No such file or folder")
    opening, kind = opening or Opening(), kind_of(path)
    if opening.network and kind not in (Kind.TORCH_WEIGHTS, Kind.TORCH_LEGACY):
        raise ModelError(f"{path} is {kind.value}, which tells its architecture itself")
    opener = OPENERS.get(kind)
    if opener is None:
        raise refusal(path, kind, WANTED)
    return opener(path, opening)


# Each of them loads what it reads with only when it is needed.


def _tensorflow(path: Path, opening: Opening) -> Source:
    from faceserver.conversion.readers.tf_source import read_source  # noqa: PLC0415

    return read_source(path, opening.output)


def _keras(path: Path, opening: Opening) -> Source:
    from faceserver.conversion.readers.keras_source import read_keras  # noqa: PLC0415

    return read_keras(path, opening)


def _onnx(path: Path, opening: Opening) -> Source:
    from faceserver.conversion.readers.onnx_source import read_onnx  # noqa: PLC0415

    return read_onnx(path, opening.output)


def _torch(path: Path, opening: Opening) -> Source:
    from faceserver.conversion.readers.torch_source import read_torch  # noqa: PLC0415

    return read_torch(path, opening)


OPENERS: dict[Kind, Callable[[Path, Opening], Source]] = {
    Kind.GRAPH_DEF: _tensorflow,
    Kind.CHECKPOINT_FOLDER: _tensorflow,
    Kind.SAVED_MODEL_FOLDER: _tensorflow,
    Kind.FOLDER: _tensorflow,
    Kind.MODEL_FOLDER: _tensorflow,
    Kind.UNKNOWN: _tensorflow,  # a damaged file, perhaps: who reads it says what is wrong
    Kind.KERAS_H5: _keras,
    Kind.KERAS: _keras,
    Kind.ONNX: _onnx,
    Kind.TORCHSCRIPT: _torch,
    Kind.TORCH_EXPORT: _torch,
    Kind.TORCH_WEIGHTS: _torch,
    Kind.TORCH_LEGACY: _torch,
}
