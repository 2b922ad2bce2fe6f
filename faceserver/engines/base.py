"""What every inference runtime offers: named inputs in, named outputs out, float32, batches."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from faceserver.models import NetworkFiles
from faceserver.types import Floats

Precision = Literal["auto", "f32"]


@dataclass(frozen=True)
class EngineOptions:
    """How an engine runs its networks.

    Attributes:
        threads: processor threads for one prediction.
        cache_dir: where compiled networks are kept; None keeps none.
    """

    threads: int = 1
    cache_dir: Path | None = None


class Network(ABC):
    """A loaded network. Safe to call from several threads at once.

    Attributes:
        inputs: the input blobs' names.
        outputs: the output blobs' names.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def predict(self, feeds: Mapping[str, Floats]) -> dict[str, Floats]:
        """Run the network once.

        Args:
            feeds: for each input its float32 array, shape (batch, channels, rows, columns).

        Returns:
            For each output its float32 array, batch first; the caller owns it.

        Raises:
            ValueError: an input is missing, unknown, not float32 or not four-dimensional.
        """
        if set(feeds) != set(self.inputs):
            raise ValueError(f"inputs are {sorted(self.inputs)}, not {sorted(feeds)}")
        for name, array in feeds.items():
            if array.dtype != np.float32 or array.ndim != 4:
                raise ValueError(
                    f"input {name!r} must be float32 with 4 axes, not {array.dtype} {array.shape}"
                )
        return self._predict(feeds)

    @abstractmethod
    def _predict(self, feeds: Mapping[str, Floats]) -> dict[str, Floats]:
        """Do the work of :meth:`predict` on checked input."""


class Engine(Protocol):
    """An inference runtime, made from :class:`EngineOptions`."""

    def load(self, files: NetworkFiles, precision: Precision) -> Network:
        """Load a network.

        Args:
            files: where it lies.
            precision: "auto" computes in bfloat16 where engine and processor have it; "f32"
                never does.

        Raises:
            ModelError: a file is missing or cannot be read.
        """
        ...
