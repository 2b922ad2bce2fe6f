"""Opens whatever a network is kept in: one function for all converters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from faceserver.conversion.graph.layers import Layer
from faceserver.conversion.readers.kinds import Kind, kind_of, refusal
from faceserver.errors import ModelError
from faceserver.types import Floats

WANTED = (
    "a frozen TensorFlow graph, the folder of a checkpoint or a SavedModel, a Keras file, an ONNX "
    "file or a PyTorch file"
)


class Source(Protocol):
    """A network as it is published."""

    @property
    def path(self) -> Path:
        """The file or folder that was given."""

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that hold the network."""

    @property
    def judge(self) -> str:
        """Who runs it when what was made of it is compared."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """What it makes, by its own names."""

    def sha256(self) -> dict[str, str]:
        """Return the sha256 of each file, by its name."""

    def layers(self, size: tuple[int, int] | None) -> list[Layer]:
        """Return its layers; ``size`` are rows and columns, where it leaves them open.

        Raises:
            ModelError: ops are not supported; the message names the file and all of them.
        """

    def run(self, blob: Floats, names: Sequence[str]) -> Mapping[str, Floats]:
        """Compute its values of one picture (1, 3, rows, columns), by its own names.

        Names that cannot be looked at are left out; channels come on the second axis.
        """


@dataclass(frozen=True)
class Opening:
    """What a user says of a source.

    Attributes:
        output: the node or tensor that makes the result, where that is not clear.
        network: the architecture of a file that holds weights alone.
        size: rows and columns of the input, where the source leaves them open.
    """

    output: str | None = None
    network: str | None = None
    size: tuple[int, int] | None = None


def open_source(path: Path, opening: Opening | None = None) -> Source:
    """Open a file or folder, by what it is and not by what it is called.

    Raises:
        ModelError: there is none, it is of a kind that holds no network, or it is damaged.
        SetupError: what reads it is not installed.
    """
    if not path.exists():
        raise ModelError(f"{path} cannot be read: No such file or folder")
    opening, kind = opening or Opening(), kind_of(path)
    if opening.network and kind is not Kind.TORCH_WEIGHTS:
        raise ModelError(f"{path} is {kind.value}, which tells its architecture itself")
    opener = _OPENERS.get(kind)
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


_OPENERS: dict[Kind, Callable[[Path, Opening], Source]] = {
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
}
