"""What every inference runtime offers: named inputs in, named outputs out, float32, batches."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from faceserver.errors import ModelError
from faceserver.models.spec import NetworkFiles, Normalization
from faceserver.types import Floats, Image

Precision = Literal["auto", "f32"]


@dataclass(frozen=True)
class RemoteOptions:
    """An inference server.

    Attributes:
        url: its address: ``grpc://``, ``grpcs://``, ``http://`` or ``https://``, host and port.
        timeout: seconds that one call may last.
    """

    url: str
    timeout: float = 10.0


@dataclass(frozen=True)
class EngineOptions:
    """How an engine runs its networks.

    Attributes:
        threads: processors that a network may use. OpenVINO makes so many predictions at the same
            time, each on one of them, unless one gains much from all; the others make one after
            the other.
        provider: what computes, for the engine that knows several; see
            :data:`faceserver.engines.onnxruntime.PROVIDERS`.
        cache_dir: where compiled networks are kept; None keeps none.
        remote: the inference server, for the engine that uses one.
    """

    threads: int = 1
    provider: str = "auto"
    cache_dir: Path | None = None
    remote: RemoteOptions | None = None


@dataclass(frozen=True)
class Preprocessing:
    """How a network that takes pictures makes its input of them.

    Attributes:
        normalization: what happens to the pixels, each picture by itself.
        axes: the order in which the axes of the pictures (batch, row, column, channel) become
            those of the network's input.
    """

    normalization: Normalization
    axes: tuple[int, int, int, int] = (0, 3, 1, 2)


class Network(ABC):
    """A loaded network. Safe to call from several threads at once.

    Attributes:
        inputs: the input blobs' names.
        outputs: the output blobs' names.
        takes: the inputs' dtype: uint8 where it was loaded with a preprocessing, else float32.
        at_once: predictions that it makes at the same time; more wait.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    takes: np.dtype[np.float32] | np.dtype[np.uint8] = np.dtype(np.float32)
    at_once: int = 1

    def predict(self, feeds: Mapping[str, Floats | Image]) -> dict[str, Floats]:
        """Run the network once.

        Args:
            feeds: for each input its array: float32, shape (batch, channels, rows, columns); or
                pictures where it was loaded to take them: uint8, shape (batch, rows, columns, 3).

        Returns:
            For each output its float32 array, batch first; the caller owns it.

        Raises:
            ValueError: an input is missing, unknown, of another dtype or not four-dimensional.
        """
        if set(feeds) != set(self.inputs):
            raise ValueError(f"inputs are {sorted(self.inputs)}, not {sorted(feeds)}")
        for name, array in feeds.items():
            if array.dtype != self.takes or array.ndim != 4:
                raise ValueError(
                    f"input {name!r} must be {self.takes} with 4 axes, "
                    f"not {array.dtype} {array.shape}"
                )
        return self._predict(feeds)

    @abstractmethod
    def _predict(self, feeds: Mapping[str, Floats | Image]) -> dict[str, Floats]:
        """Do the work of :meth:`predict` on checked input."""


class Engine(Protocol):
    """An inference runtime, made from :class:`EngineOptions`."""

    def load(
        self,
        files: NetworkFiles,
        precision: Precision,
        preprocessing: Preprocessing | None = None,
    ) -> Network:
        """Load a network.

        Args:
            files: where it lies.
            precision: "auto" computes in bfloat16 where engine and processor have it; "f32"
                never does.
            preprocessing: makes it a network that takes pictures, and turns them into its input
                by itself.

        Raises:
            ModelError: a file is missing or cannot be read.
        """
        ...


def required(path: Path | None, what: str) -> Path:
    """The file that a runtime reads a network from.

    Raises:
        ModelError: the network does not have that format, or the file is missing.
    """
    if path is None:
        raise ModelError(f"the network has no {what}, which this engine reads")
    if not path.is_file():
        raise ModelError(f"{path} is missing: run `faceserver models build`")
    return path
