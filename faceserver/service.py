"""The use cases: register pictures, find a face again."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from faceserver import images
from faceserver.analyzer import Analyzer, FoundFace
from faceserver.errors import InputError, NoFace, SeveralFaces
from faceserver.store.base import Store, StoreStatus
from faceserver.store.pictures import PictureStore
from faceserver.types import Image, Match, NewFace, StoredFace

_FETCHED_AT_ONCE = 8


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
        width: of the upright picture, in pixels.
        height: likewise.
        faces: at least one, largest first.
    """

    name: str
    picture: str
    width: int
    height: int
    faces: tuple[StoredFace, ...]


@dataclass(frozen=True)
class Refused:
    """A picture of which nothing is stored, and why."""

    name: str
    error: InputError


@dataclass(frozen=True)
class Limits:
    """What is accepted, and what is answered.

    Attributes:
        max_bytes: largest picture, in bytes.
        max_pixels: largest picture, in pixels.
        max_matches: most matches of one search.
        max_distance: matches lie below this squared L2 distance.
    """

    max_bytes: int
    max_pixels: int
    max_matches: int
    max_distance: float


@dataclass(frozen=True, eq=False)
class _Examined:
    name: str
    picture: str
    width: int
    height: int
    faces: Sequence[FoundFace]


class FaceService:
    """What a user can do; every front end calls this and nothing below it."""

    def __init__(
        self,
        *,
        analyzer: Analyzer,
        store: Store,
        pictures: PictureStore,
        fetch: Callable[[str], bytes],
        limits: Limits,
    ) -> None:
        """Take the parts; ``fetch`` turns a URL into bytes; :meth:`close` closes the store."""
        self._analyzer = analyzer
        self._store = store
        self._pictures = pictures
        self._fetch = fetch
        self._limits = limits

    def register(self, uploads: Sequence[Upload]) -> list[Registered | Refused]:
        """Store every face of every picture.

        Returns:
            A result for each picture, in order; one that is refused does not affect the others.
        """
        return self._keep([self._examine(upload.name, upload.data) for upload in uploads])

    def register_urls(self, urls: Sequence[str]) -> list[Registered | Refused]:
        """Fetch pictures and store their faces; like :meth:`register`, with URLs as names."""
        examined: list[_Examined | Refused] = []
        with ThreadPoolExecutor(_FETCHED_AT_ONCE) as pool:
            # A few at a time, so that memory holds a few pictures and not all of them.
            for start in range(0, len(urls), _FETCHED_AT_ONCE):
                group = urls[start : start + _FETCHED_AT_ONCE]
                pending = [pool.submit(self._fetch, url) for url in group]
                examined += map(self._examine_fetched, group, pending)
        return self._keep(examined)

    def retrieve(self, data: bytes) -> list[Match]:
        """Find stored faces near the one face in a picture.

        Returns:
            Matches under the distance threshold, nearest first.

        Raises:
            ImageError: the picture cannot be used.
            NoFace: it holds none.
            SeveralFaces: it holds more than one.
        """
        faces = self._find(self._decode(data))
        if len(faces) > 1:
            raise SeveralFaces(f"the picture holds {len(faces)} faces; send one with a single face")
        probe = self._analyzer.embed(faces)[0]
        limits = self._limits
        return self._store.search(probe, k=limits.max_matches, max_distance=limits.max_distance)

    def picture_path(self, name: str) -> Path:
        """Where a stored picture lies.

        Raises:
            NotFound: no picture of that name is stored.
        """
        return self._pictures.path(name)

    def status(self) -> StoreStatus:
        """Figures for ``/health``."""
        return self._store.status()

    def close(self) -> None:
        """Close the store; closing twice does nothing."""
        self._store.close()

    def _examine_fetched(self, url: str, fetched: Future[bytes]) -> _Examined | Refused:
        try:
            data = fetched.result()
        except InputError as error:
            return Refused(url, error)
        return self._examine(url, data)

    def _examine(self, name: str, data: bytes) -> _Examined | Refused:
        try:
            image = self._decode(data)
            faces = self._find(image)
        except InputError as error:
            return Refused(name, error)
        picture = self._pictures.save(images.encode_jpeg(image))
        height, width = image.shape[:2]
        return _Examined(name, picture, width, height, faces)

    def _keep(self, examined: Sequence[_Examined | Refused]) -> list[Registered | Refused]:
        """Embed and store the faces of all pictures as one batch."""
        found = [item for item in examined if isinstance(item, _Examined)]
        vectors = iter(self._analyzer.embed([face for item in found for face in item.faces]))
        stored = iter(
            self._store.add(
                [
                    NewFace(next(vectors), face.detection, item.picture, item.name)
                    for item in found
                    for face in item.faces
                ]
            )
        )
        return [
            item
            if isinstance(item, Refused)
            else Registered(
                name=item.name,
                picture=item.picture,
                width=item.width,
                height=item.height,
                faces=tuple(next(stored) for _ in item.faces),
            )
            for item in examined
        ]

    def _decode(self, data: bytes) -> Image:
        limits = self._limits
        return images.decode(data, max_bytes=limits.max_bytes, max_pixels=limits.max_pixels)

    def _find(self, image: Image) -> list[FoundFace]:
        faces = self._analyzer.find(image)
        if not faces:
            raise NoFace("no face was found in the picture")
        return faces
