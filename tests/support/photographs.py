"""The photographs of the tests: fetched once, checked, and kept in ``.cache/photographs``.

Six are of two men, taken by the US government, from the source package of ``face_recognition``
together with a 32-bit PNG; the astronaut is scikit-image's.
"""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from faceserver.conversion.sources import Member, fetch
from faceserver.errors import SetupError
from faceserver.folders import REQUIREMENTS

_CACHE = Path(__file__).resolve().parents[2] / ".cache"
_PINNED = REQUIREMENTS / "pictures.txt"


def _of_face_recognition(name: str, sha256: str) -> Member:
    path = f"face_recognition-1.3.0/tests/test_images/{name}"
    return Member(_PINNED, "face_recognition-1.3.0.tar.gz", path, sha256)


_MEMBERS = [
    _of_face_recognition(
        "obama.jpg", "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6"
    ),
    _of_face_recognition(
        "obama2.jpg", "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6"
    ),
    _of_face_recognition(
        "obama3.jpg", "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3"
    ),
    _of_face_recognition(
        "obama_partial_face.jpg",
        "c2d1f09e7ef3042352b41e41286e6eb0522f64f88308be13886991b95db52117",
    ),
    _of_face_recognition(
        "obama_partial_face2.jpg",
        "9a812347f97633542b8cd9992de22def11b74f79d82056bc3ee830f13878e028",
    ),
    _of_face_recognition(
        "biden.jpg", "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c"
    ),
    _of_face_recognition(
        "32bit.png", "44dca895a7d635a4aedddd91a4f37af9a8a5b44e66154282a24645a757b5f627"
    ),
    Member(
        _PINNED,
        "scikit_image-*.whl",
        "skimage/data/astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    ),
]


Photographs = Mapping[str, Path]
"""The photographs' paths by their file names."""


def fetch_photographs() -> Photographs:
    """Fetch what is missing.

    Raises:
        SetupError: a photograph cannot be had; the message says why.
    """
    folder = _CACHE / "photographs"
    folder.mkdir(parents=True, exist_ok=True)
    found = [fetch(member, _CACHE) for member in _MEMBERS]
    return {path.name: _copied(path, folder / path.name) for path in found}


def _copied(source: Path, target: Path) -> Path:
    """A copy that stays untouched once it is there: another run may be reading it."""
    if not target.is_file() or target.read_bytes() != source.read_bytes():
        shutil.copyfile(source, target)
    return target


if __name__ == "__main__":
    try:
        fetch_photographs()
    except SetupError as error:
        sys.exit(f"the photographs cannot be had: {error}")
