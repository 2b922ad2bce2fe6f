"""The use cases: register pictures, find a face again."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, TypeVar

from faceserver.api.pictures import Credentials
from faceserver.api.urls import tellable
from faceserver.errors import InputError, ModelChanged, SeveralFaces
from faceserver.pictures.fetch import Fetch
from faceserver.runtime import deadline
from faceserver.runtime.waiting import Outside
from faceserver.services.analysis import Stateless
from faceserver.services.change_model import Reembedder
from faceserver.services.collections import Galleries
from faceserver.services.context import Parts
from faceserver.services.faces import FaceKeeper
from faceserver.services.registering import (
    Examined,
    Limits,
    Refused,
    Registered,
    Registrar,
    SavePicture,
)
from faceserver.services.searching import Searching
from faceserver.services.unnamed import UnnamedFaces
from faceserver.store.base import DEFAULT, Collection, Store, StoreStatus
from faceserver.store.pictures import PictureStore
from faceserver.types import Filter, Match
from faceserver.vision.pool import AnalyzerPool

__all__ = ["FaceService", "Limits", "Link", "Refused", "Registered", "Upload"]

_FETCHED_AT_ONCE = 8

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Upload:
    """A picture as it came in: what the sender called it, and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Link:
    """A picture that is to be fetched: its URL, and what its host asks for."""

    url: str
    credentials: Credentials | None = None


class FaceService:
    """What a user can do; every front end calls this and nothing below it.

    Which model embeds is asked of the collection, for each call anew: it can change at any time.

    Attributes:
        parts: what the use cases share.
        stateless: detects, embeds and compares.
        galleries: makes, describes and deletes collections.
        faces: adds, shows, moves and deletes faces.
        searching: says who somebody is.
        unnamed: groups faces that nobody has named.
    """

    def __init__(
        self,
        *,
        analyzers: AnalyzerPool,
        store: Store,
        pictures: PictureStore,
        fetch: Fetch,
        limits: Limits,
        outside: Outside | None = None,
    ) -> None:
        """Take the parts; :meth:`close` closes the store.

        Args:
            analyzers: of each model that there is.
            store: holds the faces.
            pictures: holds their pictures.
            fetch: turns a URL into bytes.
            limits: what is accepted, and what is answered.
            outside: bounds how many URLs are fetched at the same time.

        Raises:
            StoreMismatch: the default collection is of none of these models.
        """
        self._analyzers = analyzers
        self._analyzer = analyzers.default
        self._store = store
        self._pictures = pictures
        self._fetch = fetch
        self._outside = outside or Outside(_FETCHED_AT_ONCE)
        self._limits = limits
        self.parts = Parts(analyzers, store, pictures, fetch, limits)
        self.stateless = Stateless(self.parts)
        self.galleries = Galleries(self.parts)
        self.faces = FaceKeeper(self.parts)
        self.searching = Searching(self.parts)
        self.unnamed = UnnamedFaces(self.parts)
        self.registrar()

    def registrar(self, collection: str = DEFAULT) -> Registrar:
        """What registers pictures in a collection, which is made where it is missing.

        Raises:
            InvalidRequest: it cannot have that name.
            StoreMismatch: it holds embeddings of another model.
        """
        embedder = self._analyzer.embedder
        if collection not in self._store.collections():
            self._store.create(collection, model=embedder.name, dims=embedder.dims)
        return self.parts.registrar(self.parts.gallery(collection))

    def reembedder(self, *, crops_fit: Callable[[str], bool]) -> Reembedder:
        """What changes collections to the new model; see :class:`Reembedder`."""
        return Reembedder(self._store, self._pictures, self._analyzer.embedder, crops_fit=crops_fit)

    def outdated(self) -> list[str]:
        """The names of the collections that are to be changed to the new model.

        They are those of the model that the default one is of, which comes last: so what an
        interruption has left is found again. Collections of further models were made so on purpose.
        """
        former, model = self._store.collection().model, self._analyzer.embedder.name
        if former == model:
            return []
        names = [name for name in self._store.collections() if name != DEFAULT]
        return [n for n in names if self._store.collection(n).model == former] + [DEFAULT]

    def fetch(self, url: str, credentials: Credentials | None = None) -> bytes:
        """A URL's bytes; the credentials are for its own host alone.

        Raises:
            FetchError: it gives none, or must not be asked.
            Busy: too many are being fetched already.
        """
        with self._outside.waiting():
            return self._fetch(url, credentials)

    def register(self, uploads: Sequence[Upload]) -> list[Registered | Refused]:
        """Store every face of every picture.

        Returns:
            A result for each picture, in order; one that is refused does not affect the others.
        """

        def store(registrar: Registrar) -> list[Registered | Refused]:
            with self._pictures.batch(registrar.collection.lifetime) as save:
                examined = [registrar.examine(it.name, it.data, save) for it in uploads]
                return registrar.store(examined)

        return self._with_current(store)

    def register_urls(self, links: Sequence[Link]) -> list[Registered | Refused]:
        """Fetch pictures and store their faces; like :meth:`register`, with URLs as names.

        Raises:
            Busy: too many URLs are being fetched already; nothing was begun.
            TimedOut: the request that this is done for has taken too long; nothing is stored.
        """
        return self._with_current(lambda registrar: self._register_urls(registrar, links))

    def _register_urls(
        self, registrar: Registrar, links: Sequence[Link]
    ) -> list[Registered | Refused]:
        examined: list[Examined | Refused] = []
        with (
            self._pictures.batch(registrar.collection.lifetime) as save,
            self._outside.waiting(min(len(links), _FETCHED_AT_ONCE) or 1) as at_once,
            ThreadPoolExecutor(at_once) as pool,
        ):
            # A few at a time, so that memory holds a few pictures and not all of them.
            for start in range(0, len(links), at_once):
                deadline.check()
                group = links[start : start + at_once]
                pending = [pool.submit(self._fetch, it.url, it.credentials) for it in group]
                examined += [
                    _examine_fetched(registrar, tellable(it.url), fetched, save)
                    for it, fetched in zip(group, pending, strict=True)
                ]
            return registrar.store(examined)

    def retrieve(self, data: bytes) -> list[Match]:
        """Find stored faces near the one face in a picture.

        Returns:
            Matches under the distance threshold, nearest first.

        Raises:
            ImageError: the picture cannot be used.
            NoFace: it holds none.
            SeveralFaces: it holds more than one.
        """

        def search(registrar: Registrar) -> list[Match]:
            _, faces = registrar.find(data)
            if len(faces) > 1:
                raise SeveralFaces(
                    f"the picture holds {len(faces)} faces; send one with a single face"
                )
            return registrar.search(faces[0])

        return self._with_current(search)

    def open_picture(self, name: str) -> IO[bytes]:
        """A stored picture as a stream, to be closed.

        Raises:
            NotFound: no picture of that name is stored.
        """
        return self._pictures.open(name)

    def picture_place(self, name: str) -> str:
        """Where a person finds a stored picture.

        Raises:
            NotFound: no picture of that name is stored.
        """
        return self._pictures.place(name)

    def shows(self, collection: str, picture: str) -> bool:
        """Whether a stored picture shows a face of a collection.

        Raises:
            NotFound: there is no collection of that name.
        """
        held = self._store.collection(collection)
        return bool(held.faces(limit=1, only=Filter(picture=picture)).items)

    def status(self) -> StoreStatus:
        """Figures for ``/health``."""
        return self._store.status()

    def warm_up(self) -> None:
        """Make the first request as fast as those that follow."""
        self._analyzer.warm_up()

    def close(self) -> None:
        """Close the store; closing twice does nothing."""
        self._store.close()

    def _with_current(self, act: Callable[[Registrar], Answer]) -> Answer:
        """Act with the model of the moment; anew, if it was switched meanwhile."""
        before: Collection | None = None
        while True:
            registrar = self.registrar()
            if before is not None:
                before.lifetime.check()
            try:
                return act(registrar)
            except ModelChanged:
                if self._store.collection() is registrar.collection:
                    raise
                before = registrar.collection


def _examine_fetched(
    registrar: Registrar, url: str, fetched: Future[bytes], save: SavePicture
) -> Examined | Refused:
    try:
        data = fetched.result()
    except InputError as error:
        return Refused(url, error)
    return registrar.examine(url, data, save)
