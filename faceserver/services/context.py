"""What the use cases share, and how they reach a collection that may change its model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from faceserver.errors import ModelChanged, StoreMismatch
from faceserver.pictures.fetch import Fetch
from faceserver.services.registering import Limits, Registrar
from faceserver.store.base import Collection, Store
from faceserver.store.pictures import PictureStore
from faceserver.types import DecodedPicture
from faceserver.vision.analyzer import Analyzer, FoundFace, FoundFaces
from faceserver.vision.pool import AnalyzerPool

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Gallery:
    """A collection, and the analyzer of its model; good for one use."""

    collection: Collection
    analyzer: Analyzer


@dataclass(frozen=True, eq=False)
class Parts:
    """What does the work.

    Attributes:
        analyzers: of each model that there is.
        store: holds the faces.
        pictures: holds their pictures.
        fetch: turns a URL into bytes.
        limits: what is accepted, and what is answered.
    """

    analyzers: AnalyzerPool
    store: Store
    pictures: PictureStore
    fetch: Fetch
    limits: Limits

    def gallery(self, name: str) -> Gallery:
        """A collection and the analyzer of its model.

        Raises:
            NotFound: there is no collection of that name.
            StoreMismatch: its model is not loaded.
        """
        return self.gallery_of(self.store.collection(name))

    def gallery_of(self, collection: Collection) -> Gallery:
        """A collection with the analyzer of its model, which is loaded when it is first used.

        Raises:
            StoreMismatch: there is no such model, or one of that name with other embeddings.
            ModelError: the model cannot be loaded.
        """
        if self.analyzers.dims(collection.model) != collection.dims:
            raise StoreMismatch(
                f"the collection {collection.name!r} holds faces of the model {collection.model}; "
                f"there are: {', '.join(self.analyzers.names())}"
            )
        return Gallery(collection, self.analyzers.analyzer(collection.model))

    @property
    def analyzer(self) -> Analyzer:
        """Of the model that the server is set to."""
        return self.analyzers.default

    def on(self, name: str, act: Callable[[Gallery], Result]) -> Result:
        """Act with a collection's model of the moment; anew, if it was switched meanwhile.

        Raises:
            NotFound: there is no collection of that name.
            StoreMismatch: its model is not loaded.
        """
        before: Collection | None = None
        while True:
            gallery = self.gallery(name)
            if before is not None:
                before.lifetime.check()  # emptied meanwhile: it must not begin anew
            try:
                return act(gallery)
            except ModelChanged:
                if self.store.collection(name) is gallery.collection:
                    raise
                before = gallery.collection

    def registrar(self, gallery: Gallery) -> Registrar:
        """What registers pictures in a collection."""
        return Registrar(
            analyzer=gallery.analyzer,
            collection=gallery.collection,
            pictures=self.pictures,
            limits=self.limits,
        )

    def read(
        self, data: bytes, attributes: Sequence[str] = ()
    ) -> tuple[DecodedPicture, FoundFaces]:
        """Decode a picture within the limits and find its faces, largest first.

        Args:
            data: the file's content.
            attributes: what will be told of the faces.

        Raises:
            ImageError: it cannot be used.
            UnknownAttribute: there is no such attribute.
        """
        limits = self.limits
        return self.analyzer.read(
            data,
            max_bytes=limits.max_bytes,
            max_pixels=limits.max_pixels,
            attributes=self.analyzer.attributes.wanted(attributes),
        )


def threshold_of(gallery: Gallery, limits: Limits) -> float:
    """The distance below which two faces of a collection are taken for one person."""
    return limits.max_distance or gallery.analyzer.embedder.distances.threshold


def chosen(faces: Sequence[FoundFace], *, largest: bool) -> Sequence[FoundFace]:
    """All of a picture's faces, or the largest alone."""
    return faces[:1] if largest else faces
