"""What a source of a network is, whatever it is kept in, and what a user may say of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from faceserver.conversion.fingerprint import sha256_of
from faceserver.conversion.graph.layers import Layer
from faceserver.types import Floats


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
class OneFile:
    """The part of a :class:`Source` that is the same for all that are one file.

    Attributes:
        path: the file.
    """

    path: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that hold the network."""
        return (self.path,)

    def sha256(self) -> dict[str, str]:
        """Return the sha256 of the file, by its name."""
        return {self.path.name: sha256_of(self.path)}


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
