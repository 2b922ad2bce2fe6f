"""The use cases: register pictures, find a face again."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from faceserver.analyzer import Analyzer
from faceserver.errors import InputError, SeveralFaces, StoreMismatch
from faceserver.registrar import Examined, Limits, Refused, Registered, Registrar, SavePicture
from faceserver.store.base import DEFAULT, Store, StoreStatus
from faceserver.store.pictures import PictureStore
from faceserver.types import Match

__all__ = ["FaceService", "Limits", "Refused", "Registered", "Upload"]

_FETCHED_AT_ONCE = 8


@dataclass(frozen=True)
class Upload:
    """A picture as it came in: what the sender called it, and its bytes."""

    name: str
    data: bytes


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
        self._registrar = self.registrar()

    def registrar(self, collection: str = DEFAULT) -> Registrar:
        """What registers pictures in a collection, which is made where it is missing.

        Raises:
            InvalidRequest: it cannot have that name.
            StoreMismatch: it holds embeddings of another model.
        """
        embedder = self._analyzer.embedder
        if collection not in self._store.collections():
            self._store.create(collection, model=embedder.name, dims=embedder.dims)
        held = self._store.collection(collection)
        if collection != DEFAULT and (held.model, held.dims) != (embedder.name, embedder.dims):
            raise StoreMismatch(
                f"the collection {collection!r} holds faces of the model {held.model}, "
                f"not of {embedder.name}"
            )
        return Registrar(
            analyzer=self._analyzer, collection=held, pictures=self._pictures, limits=self._limits
        )

    def fetch(self, url: str) -> bytes:
        """A URL's bytes.

        Raises:
            FetchError: it gives none, or must not be asked.
        """
        return self._fetch(url)

    def register(self, uploads: Sequence[Upload]) -> list[Registered | Refused]:
        """Store every face of every picture.

        Returns:
            A result for each picture, in order; one that is refused does not affect the others.
        """
        registrar = self._registrar
        with self._pictures.batch() as save:
            return registrar.store([registrar.examine(it.name, it.data, save) for it in uploads])

    def register_urls(self, urls: Sequence[str]) -> list[Registered | Refused]:
        """Fetch pictures and store their faces; like :meth:`register`, with URLs as names."""
        examined: list[Examined | Refused] = []
        with self._pictures.batch() as save, ThreadPoolExecutor(_FETCHED_AT_ONCE) as pool:
            # A few at a time, so that memory holds a few pictures and not all of them.
            for start in range(0, len(urls), _FETCHED_AT_ONCE):
                group = urls[start : start + _FETCHED_AT_ONCE]
                pending = [pool.submit(self._fetch, url) for url in group]
                examined += [
                    self._examine_fetched(url, fetched, save)
                    for url, fetched in zip(group, pending, strict=True)
                ]
            return self._registrar.store(examined)

    def retrieve(self, data: bytes) -> list[Match]:
        """Find stored faces near the one face in a picture.

        Returns:
            Matches under the distance threshold, nearest first.

        Raises:
            ImageError: the picture cannot be used.
            NoFace: it holds none.
            SeveralFaces: it holds more than one.
        """
        _, faces = self._registrar.find(data)
        if len(faces) > 1:
            raise SeveralFaces(f"the picture holds {len(faces)} faces; send one with a single face")
        probe = self._analyzer.embed(faces)[0]
        limits = self._limits
        return self._registrar.collection.search(
            probe, k=limits.max_matches, max_distance=limits.max_distance
        )

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

    def _examine_fetched(
        self, url: str, fetched: Future[bytes], save: SavePicture
    ) -> Examined | Refused:
        try:
            data = fetched.result()
        except InputError as error:
            return Refused(url, error)
        return self._registrar.examine(url, data, save)
