"""How much memory recognition takes, and whether it grows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from faceserver.types import Image
from faceserver.vision.analyzer import Analyzer

_STATM = Path("/proc/self/statm")
_PAGE = 4096
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Usage:
    """Memory that the process holds, in megabytes.

    Attributes:
        loaded: once the models are loaded.
        rounds: after each round over the pictures.
        pictures: of each round.
    """

    loaded: float
    rounds: tuple[float, ...]
    pictures: int

    @property
    def peak(self) -> float:
        """The most after any round."""
        return max(self.rounds)

    @property
    def growth(self) -> float:
        """What the second half of the rounds added: the first one takes what it keeps."""
        middle = self.rounds[len(self.rounds) // 2]
        return self.rounds[-1] - middle


def resident() -> float:
    """Megabytes that the process holds; 0 on systems that do not tell."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * _PAGE / _MEGABYTE


def stress(
    analyzer: Analyzer,
    pictures: Sequence[Image],
    *,
    rounds: int,
    attributes: Sequence[str] = (),
    advance: Callable[[int], None] = lambda _: None,
) -> Usage:
    """Find, embed and describe the faces of pictures again and again.

    Args:
        analyzer: does it.
        pictures: of each round.
        rounds: how many.
        attributes: told of each face, by their own names.
        advance: told of each picture that is done.
    """
    analyzer.warm_up()
    loaded = resident()
    held = []
    for _ in range(rounds):
        for picture in pictures:
            faces = analyzer.find(picture, attributes)
            analyzer.embed(faces)
            analyzer.tell(faces)
            advance(1)
        held.append(resident())
    return Usage(loaded, tuple(held), len(pictures))
