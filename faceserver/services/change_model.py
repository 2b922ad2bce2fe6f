"""Gives the faces of a collection the embeddings of another model, from what is kept of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event

from faceserver.errors import ChangeIncomplete, Conflict, ImageError, NotFound
from faceserver.pictures import codec
from faceserver.store.base import DEFAULT, Collection, ModelChange, Store
from faceserver.store.pictures import PictureStore
from faceserver.types import DecodedPicture, Face, Image
from faceserver.vision import Embedder

_AT_ONCE = 32
"""Faces in one batch: so much is done anew after a crash."""


_SHOWN = 3


@dataclass(frozen=True)
class Lost:
    """A face that the new model cannot embed, and why."""

    face: Face
    reason: str


def outdated(store: Store, model: str) -> list[str]:
    """The names of the collections that are to be changed to the model that is set.

    They are those of the model that the default one is of, which comes last: so what an
    interruption has left is found again. Collections of further models were made so on purpose.
    """
    former = store.collection().model
    if former == model:
        return []
    names = [name for name in store.collections() if name != DEFAULT]
    return [name for name in names if store.collection(name).model == former] + [DEFAULT]


class Reembedder:
    """Changes collections to one model. Searches and changes go on meanwhile."""

    def __init__(
        self,
        store: Store,
        pictures: PictureStore,
        embedder: Embedder,
        *,
        crops_fit: Callable[[str], bool],
    ) -> None:
        """Take the parts.

        Args:
            store: what holds the collections.
            pictures: what is kept of their pictures.
            embedder: of the new model.
            crops_fit: whether the crops that were kept for a model, by its name, are cut as the
                new one wants them.
        """
        self._store = store
        self._pictures = pictures
        self._embedder = embedder
        self._crops_fit = crops_fit

    def pending(self, name: str) -> int:
        """How many faces of a collection have no embedding of the new model."""
        status = self._store.collection(name).status()
        if status.model == self._embedder.name:
            return 0
        done = status.changed if status.changing_to == self._embedder.name else 0
        return status.faces - done

    def run(
        self,
        name: str,
        *,
        advance: Callable[[int], None] = lambda _: None,
        stop: Event | None = None,
        drop_lost: bool = False,
    ) -> list[Lost] | None:
        """Change a collection to the new model; what an interruption left is gone on with.

        A change to another model that was not finished is abandoned.

        Args:
            name: the collection's.
            advance: told of each batch how many faces it had.
            stop: ends the work between two batches.
            drop_lost: delete the faces of which nothing is kept that the model could embed.

        Returns:
            The faces that were deleted; None if it was stopped.

        Raises:
            NotFound: there is no collection of that name.
            ChangeIncomplete: of some faces nothing is kept that the model could embed. What is done
                is kept, and the collection stays with the old model.
        """
        while True:
            held = self._store.collection(name)
            try:
                return self._change(held, advance, stop or Event(), drop_lost=drop_lost)
            except Conflict:
                if not held.lifetime.is_over:
                    raise
                if name not in self._store.collections():
                    return []  # it was deleted meanwhile

    def _change(
        self, held: Collection, advance: Callable[[int], None], stop: Event, *, drop_lost: bool
    ) -> list[Lost] | None:
        name = held.name
        if (held.model, held.dims) == (self._embedder.name, self._embedder.dims):
            self._store.abandon_change(name)
            return []
        change = self._store.change_model(name, model=self._embedder.name, dims=self._embedder.dims)
        work = _Work(
            held, change, self._pictures, self._embedder, use_crops=self._crops_fit(held.model)
        )
        dropped: list[Lost] = []
        while True:
            lost = work.embed_pending(advance, stop)
            if lost is None:
                return None
            if lost and not drop_lost:
                raise ChangeIncomplete(_told(lost, held))
            held.delete([item.face.id for item in lost])
            dropped += lost
            try:
                change.finish()
            except ChangeIncomplete:  # faces came meanwhile
                continue
            return dropped


class _Work:
    """One collection's change."""

    def __init__(
        self,
        collection: Collection,
        change: ModelChange,
        pictures: PictureStore,
        embedder: Embedder,
        *,
        use_crops: bool,
    ) -> None:
        self._collection = collection
        self._change = change
        self._pictures = pictures
        self._embedder = embedder
        self._use_crops = use_crops

    def embed_pending(self, advance: Callable[[int], None], stop: Event) -> list[Lost] | None:
        """Embed what is pending; return what cannot be embedded, None if it was stopped."""
        lost: list[Lost] = []
        cursor = None
        while not stop.is_set():
            page = self._change.pending(limit=_AT_ONCE, cursor=cursor)
            lost += self._embed(page.items)
            advance(len(page.items))
            if page.cursor is None:
                return [item for item in lost if self._is_there(item.face)]
            cursor = page.cursor
        return None

    def _embed(self, faces: Sequence[Face]) -> list[Lost]:
        lost: list[Lost] = []
        crops: dict[str, Image] = {}
        seen: dict[str, DecodedPicture] = {}  # faces of one picture mostly follow one another
        for face in faces:
            try:
                crops[face.id] = self._crop(face, seen)
            except (NotFound, ImageError) as error:
                lost.append(Lost(face, str(error)))
        vectors = self._embedder.embed(list(crops.values()))
        self._change.put(dict(zip(crops, vectors, strict=True)))
        return lost

    def _crop(self, face: Face, seen: dict[str, DecodedPicture]) -> Image:
        if face.picture is not None:
            if face.picture not in seen:
                seen.clear()
                seen[face.picture] = self._read(face.picture)
            picture = seen[face.picture]
            return self._embedder.crop(picture.image, face.detection.scaled(1 / picture.scale))
        if face.crop is None:
            raise NotFound("its picture was not kept")
        if not self._use_crops:
            raise NotFound("only its crop was kept, and the new model needs another crop")
        return self._read(face.crop).image

    def _read(self, name: str) -> DecodedPicture:
        return codec.decode_stored(self._pictures.read(name))

    def _is_there(self, face: Face) -> bool:
        """Whether the face was not deleted meanwhile, and its picture with it."""
        try:
            self._collection.get(face.id)
        except NotFound:
            return False
        return True


def _told(lost: Sequence[Lost], collection: Collection) -> str:
    shown = "; ".join(f"{item.face.source}: {item.reason}" for item in lost[:_SHOWN])
    more = f"; and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
    return (
        f"{len(lost)} of {collection.count()} faces cannot get their new embedding ({shown}{more}):"
        " register their pictures anew, or have `faceserver change-model --drop-lost` delete them"
    )
