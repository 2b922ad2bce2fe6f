"""What the use cases share, and the one way to a collection, whose model may change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from faceserver.api.pictures import Credentials
from faceserver.errors import ModelChanged, StoreMismatch
from faceserver.pictures import codec
from faceserver.pictures.fetch import Fetch
from faceserver.runtime.waiting import Outside
from faceserver.services.telling import Tell, tell_nobody
from faceserver.store.base import DEFAULT, Collection, Store
from faceserver.store.pictures import PictureStore
from faceserver.types import DecodedPicture
from faceserver.vision.analyzer import Analyzer, FoundFaces
from faceserver.vision.pool import AnalyzerPool

__all__ = ["ALL_FACES", "DEFAULT", "LARGEST", "Choice", "Context", "Limits"]

_FETCHED_AT_ONCE = 8

Result = TypeVar("Result")


@dataclass(frozen=True)
class Limits:
    """What is accepted, and what is answered.

    Attributes:
        max_bytes: largest picture, in bytes.
        max_pixels: largest picture, in pixels.
        max_matches: most matches of one search.
        max_distance: matches lie below this squared L2 distance; None takes the model's own.
        margin: two people whose distances from a probe differ by less are ambiguous.
        keep_strangers: how long a stranger is remembered; None without end.
    """

    max_bytes: int
    max_pixels: int
    max_matches: int
    max_distance: float | None
    margin: float = 0.05
    keep_strangers: timedelta | None = timedelta(days=30)


@dataclass(frozen=True)
class Choice:
    """Which faces of a picture are meant; without more all that are found.

    Attributes:
        most: so many of the largest; None for all.
        min_score: only those of which the detector is as sure as this, 0 to 1.
        whole: the picture is one face, which need not be looked for.
    """

    most: int | None = None
    min_score: float = 0.0
    whole: bool = False

    def among(self, faces: FoundFaces) -> FoundFaces:
        """The faces that are meant, largest first."""
        sure = (face for face in faces if face.detection.score >= self.min_score)
        return FoundFaces(islice(sure, self.most), refused=faces.refused)


ALL_FACES = Choice()
LARGEST = Choice(most=1)


@dataclass(frozen=True, eq=False)
class Context:
    """What does the work. Safe to use from several threads at once.

    Which model embeds is asked of the collection, for each call anew: it can change at any time.

    Attributes:
        analyzers: of each model that there is.
        store: holds the faces.
        pictures: holds their pictures.
        fetch: turns a URL into bytes.
        limits: what is accepted, and what is answered.
        outside: bounds how many URLs are fetched for requests at the same time.
        attributes: names of those that are stored with every face, asked for or not.
        tell: takes what others may want to hear of; see :mod:`faceserver.services.events`.
    """

    analyzers: AnalyzerPool
    store: Store
    pictures: PictureStore
    fetch: Fetch
    limits: Limits
    outside: Outside = field(default_factory=lambda: Outside(_FETCHED_AT_ONCE))
    tell: Tell = tell_nobody
    attributes: tuple[str, ...] = ()

    @property
    def analyzer(self) -> Analyzer:
        """Of the model that the server is set to."""
        return self.analyzers.default

    def on(self, name: str, act: Callable[[Collection], Result]) -> Result:
        """Act on a collection; anew, if its model was switched meanwhile.

        Raises:
            NotFound: there is no collection of that name.
        """
        before: Collection | None = None
        while True:
            collection = self.store.collection(name)
            if before is not None:
                before.lifetime.check()  # emptied meanwhile: it must not begin anew
            try:
                return act(collection)
            except ModelChanged:
                if self.store.collection(name) is collection:
                    raise
                before = collection

    def reading(self, name: str, act: Callable[[Collection], Result]) -> Result:
        """Like :meth:`on`, for what only reads.

        Where servers share a gallery, what others have written a moment ago may be missing.

        Raises:
            NotFound: there is no collection of that name.
        """
        return self.on(name, lambda collection: act(collection.for_reading()))

    def analyzer_of(self, collection: Collection) -> Analyzer:
        """The analyzer of a collection's model, which is loaded when it is first used.

        Raises:
            StoreMismatch: there is no such model, or one of that name with other embeddings.
            ModelError: the model cannot be loaded.
        """
        if self.analyzers.dims(collection.model) != collection.dims:
            raise StoreMismatch(
                f"the collection {collection.name!r} holds faces of the model {collection.model}; "
                f"there are: {', '.join(self.analyzers.names())}"
            )
        return self.analyzers.analyzer(collection.model)

    def threshold_of(self, analyzer: Analyzer) -> float:
        """The distance below which two faces are taken for one person."""
        return self.limits.max_distance or analyzer.embedder.distances.threshold

    def find(
        self,
        data: bytes,
        analyzer: Analyzer,
        attributes: Sequence[str] = (),
        choice: Choice = ALL_FACES,
        *,
        required: bool = True,
    ) -> tuple[DecodedPicture, FoundFaces]:
        """Decode a picture within the limits and find its faces, largest first.

        Args:
            data: the file's content.
            analyzer: finds them.
            attributes: what will be told of the faces.
            choice: which of them are meant.
            required: at least one must be there.

        Raises:
            ImageError: it cannot be used.
            UnknownAttribute: there is no such attribute.
            NoFace: it holds none, and one is required.
        """
        limits = self.limits
        picture, found = analyzer.read(
            data,
            max_bytes=limits.max_bytes,
            max_pixels=limits.max_pixels,
            attributes=analyzer.attributes.wanted(attributes),
            whole=choice.whole,
        )
        faces = found if choice is ALL_FACES else choice.among(found)
        if required and not faces:
            raise faces.none()
        return picture, faces

    def decode(self, data: bytes) -> DecodedPicture:
        """Decode a picture within the limits.

        Raises:
            ImageError: it cannot be used.
        """
        limits = self.limits
        return codec.decode(data, max_bytes=limits.max_bytes, max_pixels=limits.max_pixels)

    def fetch_for_request(self, url: str, credentials: Credentials | None = None) -> bytes:
        """A URL's bytes; the credentials are for its own host alone.

        Raises:
            FetchError: it gives none, or must not be asked.
            Busy: too many are being fetched already.
        """
        with self.outside.waiting():
            return self.fetch(url, credentials)
