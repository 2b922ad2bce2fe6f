"""A picture's faces into a collection, those that are chosen; of the others it is told why not."""

from dataclasses import dataclass, replace
from hashlib import sha256

from faceserver.errors import Busy, NotFound
from faceserver.pictures import codec
from faceserver.services.choosing import Candidates, Choose, judged
from faceserver.services.context import Context
from faceserver.services.faces import SIZE
from faceserver.services.known import Known, keys_of
from faceserver.services.outcomes import Examined, NewPicture, Refused, Registered, Rules
from faceserver.services.storing import SavePicture, Storing, checked
from faceserver.services.thumbnails import thumbnails_of
from faceserver.store.base import Collection
from faceserver.types import DecodedPicture, Face
from faceserver.vision.analyzer import FoundFaces

_RULES = Rules(complete=True, update=True)
"""Of a picture that is in already, what is said last counts."""

_DELETED = "faces of this picture were deleted just now: send it again"


@dataclass(frozen=True, eq=False)
class Indexed:
    """A picture, and which of its faces are stored.

    Attributes:
        model: the collection's.
        picture: its faces, and why some were left out.
        stored: the chosen ones as they are stored, in the same order.
    """

    model: str
    picture: Candidates
    stored: tuple[Face, ...]


@dataclass(frozen=True, eq=False)
class _Read:
    """A picture on its way in, the SHA-256 of its bytes, and its faces."""

    digest: str
    picture: DecodedPicture
    found: FoundFaces
    candidates: Candidates


class Indexing:
    """Takes in chosen faces. Safe to call from several threads at once."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context

    def add(self, collection: str, picture: NewPicture, choose: Choose) -> Indexed:
        """Register those faces of a picture that are chosen; none occurs twice.

        The size of the picture is kept with each face, as attributes.

        Args:
            collection: where to.
            picture: its faces get the tags and the external id; nobody is said to be on it.
            choose: judges its faces.

        Raises:
            NotFound: there is no such collection.
            ImageError: the picture cannot be used.
            UnknownAttribute: there is no such attribute.
            StoreFull: no space left on the device.
            Busy: somebody deletes its faces at the same time.
        """
        return self._context.on(collection, lambda held: self._add(held, checked(picture), choose))

    def _add(self, held: Collection, item: NewPicture, choose: Choose) -> Indexed:
        analyzer = self._context.analyzer_of(held)
        data = item.load()
        wanted = (*item.attributes, *self._context.attributes)
        picture, found = self._context.find(data, analyzer, wanted, required=False)
        candidates = judged(picture, found, analyzer.tell(found), choose)
        if not candidates.chosen:
            return Indexed(held.model, candidates, ())
        read = _Read(sha256(data).hexdigest(), picture, found, candidates)
        known = Known(held, largest=False, update=_RULES.update)
        storing = Storing(held, analyzer, known, _RULES, {}, pictures=self._context.pictures)
        with self._context.pictures.batch(held.lifetime) as save:
            examined = self._examined(held, item, read, save)
            try:
                (outcome,) = storing.store([item], [examined])
            except NotFound as error:
                raise Busy(_DELETED) from error
        if isinstance(outcome, Refused):
            raise outcome.error
        registered = outcome if isinstance(outcome, Registered) else outcome.known
        if registered is None or len(registered.faces) != len(candidates.chosen):
            raise Busy(_DELETED)
        return Indexed(held.model, candidates, registered.faces)

    def _examined(
        self, held: Collection, item: NewPicture, read: _Read, save: SavePicture
    ) -> Examined:
        candidates, places = read.candidates, read.candidates.chosen
        keys = keys_of(held.name, item, read.digest)
        faces = [replace(read.found[place], cuts={}) for place in places]  # they have told
        size = {SIZE[0]: {"value": candidates.width}, SIZE[1]: {"value": candidates.height}}
        keep = self._context.pictures.keep
        return Examined(
            item=item,
            picture=save(codec.encode(read.picture)) if keep == "originals" else None,
            width=candidates.width,
            height=candidates.height,
            faces=faces,
            crops=[save(codec.encode_jpeg(f.crop)) if keep == "crops" else None for f in faces],
            ids=[keys.all_ids(place) for place in places],
            notes=read.picture.notes,
            thumbnails=thumbnails_of(read.picture, faces, keep),
            told=[{**candidates.faces[place].attributes, **size} for place in places],
        )
