"""The use cases: register pictures, find a face again."""

from collections.abc import Sequence
from dataclasses import dataclass

from faceserver.errors import InputError
from faceserver.types import Match, StoredFace


@dataclass(frozen=True)
class Upload:
    """A picture as it came in: what the sender called it, and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Registered:
    """A picture whose faces are stored.

    Attributes:
        name: what the sender called it.
        picture: the stored picture's file name.
        faces: at least one, largest first.
    """

    name: str
    picture: str
    faces: tuple[StoredFace, ...]


@dataclass(frozen=True)
class Refused:
    """A picture of which nothing is stored, and why."""

    name: str
    error: InputError


class FaceService:
    """What a user can do; every front end calls this and nothing below it."""

    def register(self, uploads: Sequence[Upload]) -> list[Registered | Refused]:
        """Store every face of every picture.

        Returns:
            A result for each picture, in order; one that is refused does not affect the others.
        """
        raise NotImplementedError

    def register_urls(self, urls: Sequence[str]) -> list[Registered | Refused]:
        """Fetch pictures and store their faces; like :meth:`register`, with URLs as names."""
        raise NotImplementedError

    def retrieve(self, data: bytes) -> list[Match]:
        """Find stored faces near the one face in a picture.

        Returns:
            Matches under the distance threshold, nearest first.

        Raises:
            ImageError: the picture cannot be used.
            NoFace: it holds none.
            SeveralFaces: it holds more than one.
        """
        raise NotImplementedError
