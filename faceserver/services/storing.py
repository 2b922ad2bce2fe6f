"""The second half of registering: which pictures are in already, and the faces of the others in."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from faceserver.errors import AlreadyExists, NoFace, NotFound
from faceserver.services.known import Known, Stored
from faceserver.services.outcomes import (
    Changed,
    Differs,
    Examined,
    Found,
    NewPicture,
    Outcome,
    Passed,
    Present,
    Refused,
    Registered,
    Rules,
)
from faceserver.services.thumbnails import keep_thumbnails
from faceserver.store.base import Collection
from faceserver.store.faces import sorted_tags
from faceserver.store.names import check_external_id, check_name
from faceserver.store.pictures import PictureStore
from faceserver.types import AttributeValue, Face, Floats
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.attributes.base import Value

SavePicture = Callable[[bytes], str]
"""Stores a JPEG and returns its file name."""

_TRIES = 8
"""So often others may bring the same picture just before it is stored, until that is an error."""


@dataclass(frozen=True, eq=False)
class _New:
    """A picture of which faces are to be stored.

    Attributes:
        item: what is said of it.
        examined: its faces.
        stored: those that are in already.
        missing: the places of the faces that are to be stored.
    """

    item: NewPicture
    examined: Examined
    stored: Stored
    missing: Sequence[int]


class Storing:
    """Stores groups of pictures in one collection, one group after the other."""

    def __init__(
        self,
        collection: Collection,
        analyzer: Analyzer,
        known: Known,
        rules: Rules,
        claims: dict[str, str],
        *,
        pictures: PictureStore,
    ) -> None:
        """Take the collection, the analyzer of its model, and what else decides.

        Args:
            collection: where to.
            analyzer: embeds the faces.
            known: tells which pictures are in.
            rules: how.
            claims: by face, which picture said first whom it shows; added to.
            pictures: where thumbnails go.
        """
        self._collection = collection
        self._analyzer = analyzer
        self._known = known
        self._rules = rules
        self._claims = claims
        self._pictures = pictures
        self._subjects: dict[str, str] = {}

    def store(self, items: Sequence[NewPicture], found: Sequence[Found]) -> list[Outcome]:
        """Embed and store the faces of all pictures that are not in, as one batch.

        Raises:
            StoreFull: no space left on the device; nothing is stored.
            InputError: a picture cannot be used, and the rules are that no other one is taken then.
        """
        if self._rules.whole:
            _refuse_unusable(found)
        stored: dict[int, Registered] = {}
        for turn in range(_TRIES):
            new = self._new(items, found)
            try:
                stored = self._add(new) if new else {}
                break
            except AlreadyExists:  # another request has brought the same picture just now
                if turn == _TRIES - 1:
                    raise
            except NotFound:  # a person has just been deleted, and is somebody new of that name
                if turn == _TRIES - 1 or not self._subjects:
                    raise
                self._subjects.clear()
        return [
            stored[at] if at in stored else self._compared(item, result)
            for at, (item, result) in enumerate(zip(items, found, strict=True))
        ]

    def _new(self, items: Sequence[NewPicture], found: Sequence[Found]) -> dict[int, _New]:
        """The pictures of which faces are to be stored, each once, by their places in the group."""
        new: dict[int, _New] = {}
        met: set[str] = set()
        for at, (item, result) in enumerate(zip(items, found, strict=True)):
            if not isinstance(result, Examined):
                continue
            first = result.ids[0][0]
            marks = {first, result.picture or first}  # what two pictures share that are the same
            if not met.isdisjoint(marks):
                continue
            stored = self._known.stored(result)
            missing = [place for place, face in enumerate(stored.places) if face is None]
            if missing if self._rules.complete else not stored.is_in:
                met |= marks
                new[at] = _New(item, result, stored, missing)
        return new

    def _add(self, new: Mapping[int, _New]) -> dict[int, Registered]:
        found = [pic.examined.faces[place] for pic in new.values() for place in pic.missing]
        vectors, told = iter(self._analyzer.embed(found)), iter(self._analyzer.tell(found))
        faces = [
            face for picture in new.values() for face in self._new_faces(picture, vectors, told)
        ]
        stored = self._collection.add(faces)
        self._keep_thumbnails(new.values(), stored)
        added = iter(stored)
        return {at: self._registered(picture, added) for at, picture in new.items()}

    def _keep_thumbnails(self, new: Iterable[_New], added: Sequence[Face]) -> None:
        made = [
            picture.examined.thumbnails[place]
            for picture in new
            for place in picture.missing
            if picture.examined.thumbnails
        ]
        if made:
            ids = [face.id for face in added]
            keep_thumbnails(self._pictures, self._collection, zip(ids, made, strict=True))

    def _new_faces(
        self, picture: _New, vectors: Iterator[Floats], told: Iterator[Mapping[str, Value]]
    ) -> list[Face]:
        examined = picture.examined
        item = examined.item
        subject = item.subject
        if subject is None and item.person is not None:
            subject = self._subject(item.person)
        known = examined.told or [{}] * len(examined.faces)
        return [
            Face(
                embedding=next(vectors),
                detection=examined.faces[place].detection,
                picture=examined.picture,
                source=item.source,
                crop=examined.crops[place],
                subject=subject,
                tags=item.tags,
                external_id=item.external_id,
                attributes=_attributes({**next(told), **known[place]}),
                id=examined.ids[place][0],
            )
            for place in picture.missing
        ]

    def _registered(self, picture: _New, added: Iterator[Face]) -> Registered:
        before = picture.stored.faces
        if before:
            self._known.compare(picture.item, before)
            before = self._known.again(before)
        by_id = {face.id: face for face in before}
        places = [
            next(added) if face is None else by_id.get(face.id, face)
            for face in picture.stored.places
        ]
        self._first_to_say(picture.item, places[0].id)
        return picture.examined.registered(places)

    def _subject(self, name: str) -> str:
        if name not in self._subjects:
            known = self._collection.subject_named(name)
            self._subjects[name] = (known or self._collection.add_subject(name)).id
        return self._subjects[name]

    def _compared(self, item: NewPicture, result: Found) -> Outcome:
        """What became of a picture of which nothing was stored now."""
        if isinstance(result, Refused):
            return result
        if isinstance(result, Passed):
            return self._told(item, result.faces)
        stored = self._known.stored(result)
        if stored.places[0] is None:  # it was deleted by hand: what the user has tidied up
            return Present(item.source)
        outcome = self._told(item, stored.faces)
        if not self._rules.complete:
            return outcome
        now = self._known.again(stored.faces) or stored.faces
        return replace(outcome, known=result.registered(now))

    def _told(self, item: NewPicture, faces: Sequence[Face]) -> Present | Changed | Differs:
        rival = self._first_to_say(item, faces[0].id)
        # What was found in another thread may be out of date by now.
        return self._known.compare(item, self._known.again(faces) or faces, rival=rival)

    def _first_to_say(self, item: NewPicture, face_id: str) -> str | None:
        """What this import called the picture when something was said of it first, if not now."""
        if face_id not in self._claims and (item.person or item.tags or item.external_id):
            self._claims[face_id] = item.source
            return None
        return self._claims.get(face_id)


def _refuse_unusable(found: Sequence[Found]) -> None:
    for result in found:
        if isinstance(result, Refused) and not isinstance(result.error, NoFace):
            raise result.error


def checked(item: NewPicture) -> NewPicture:
    """The picture, with texts that can be stored.

    Raises:
        InvalidRequest: one breaks the rule; see :mod:`faceserver.texts`.
    """
    return replace(
        item,
        person=None if item.person is None else check_name(item.person),
        tags=sorted_tags(item.tags),
        external_id=None if item.external_id is None else check_external_id(item.external_id),
    )


def _attributes(told: Mapping[str, Value]) -> dict[str, AttributeValue]:
    """What is stored of what attributes tell of a face.

    The ``value`` of an attribute has its name, its other fields have the attribute's and their own:
    ``quality``, ``quality_sharpness``, ``pose_yaw``. Points are not stored.
    """
    return {
        name if field == "value" else f"{name}_{field}": value
        for name, fields in told.items()
        for field, value in fields.items()
        if isinstance(value, bool | int | float | str)
    }
