"""Which files of a data folder are for its owner alone: all that the server makes there."""

from itertools import chain
from pathlib import Path

from faceserver.runtime.atomic_files import TEMPORARY
from faceserver.runtime.private_files import tighten

_MADE = (
    "*.sqlite",
    "*.sqlite-*",
    "*.sqlite.damaged-*",
    "faces.commits",
    "keys.made",
    "audit.jsonl*",
    "lock",
    "uploadImages",
    "index",
    "jobs",
    "damaged",
    "before-restore-*",
    f"*{TEMPORARY}",
)


def tighten_data(folder: Path) -> None:
    """Close to other users what an older version, or a copy, has left open to them.

    The folder itself stays as it is: who made it may have had reasons.
    """
    tighten(chain.from_iterable(folder.glob(pattern) for pattern in _MADE))
