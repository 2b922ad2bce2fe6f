"""Which files of a data folder are for its owner alone: all that the server makes there."""

from itertools import chain
from pathlib import Path

from faceserver.layout import EVERYTHING
from faceserver.runtime.private_files import tighten


def tighten_data(folder: Path) -> None:
    """Close to other users what an older version, or a copy, has left open to them.

    The folder itself stays as it is: who made it may have had reasons.
    """
    tighten(chain.from_iterable(folder.glob(pattern) for pattern in EVERYTHING))
