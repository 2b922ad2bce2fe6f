"""Pictures that are in already: by which ids they are known, and whether a list says otherwise.

A picture is the same if its bytes are the same, whatever it is called and wherever it lies now. Of
a URL the address counts alone, so that it is not fetched again; a picture that is fetched under a
new address is compared by its bytes too, and by what is stored of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from faceserver.errors import NotFound
from faceserver.services.outcomes import Changed, Differs, Examined, NewPicture, Present
from faceserver.store.base import Collection
from faceserver.types import Detection, Face, Filter

_FACE_IDS = UUID("7d9a3a5e-3c0f-4a52-9d53-0d8f6d3a1b64")
"""The namespace of the ids; another one would make every picture a new one."""

_MOST_FACES = 100
"""So many faces of a picture are looked at."""


_Difference = tuple[bool, str]


@dataclass(frozen=True)
class Keys:
    """What the ids of a picture's faces follow from.

    Attributes:
        own: of the ids that its faces get.
        others: of ids that they may have from before.
        first: the id of its first face, if that is given.
    """

    own: str
    others: tuple[str, ...] = ()
    first: str = ""

    def all_ids(self, number: int) -> list[str]:
        """Every id that the face of this place may have; a new one gets the first."""
        ids = [uuid5(_FACE_IDS, f"{key}\0{number}").hex for key in (self.own, *self.others)]
        return [self.first, *ids] if self.first and number == 0 else ids


@dataclass(frozen=True, eq=False)
class Stored:
    """What is stored of a picture that was searched for faces.

    Attributes:
        places: the stored face at each place, None where none is.
        is_in: whether any face of the picture is stored.
    """

    places: Sequence[Face | None]
    is_in: bool

    @property
    def faces(self) -> list[Face]:
        """The faces that are stored, largest first."""
        return [face for face in self.places if face is not None]


def keys_of(collection: str, item: NewPicture, digest: str) -> Keys:
    """What a picture is known by.

    Args:
        collection: its name.
        item: the picture.
        digest: the SHA-256 of its bytes; empty where they are not known yet.
    """
    by_bytes = f"{collection}\0\0{digest}"
    by_name = f"{collection}\0{item.source}\0"
    if item.by_name:
        return Keys(by_name, (by_bytes,) if digest else (), item.face_id)
    # Versions before this one took the name in too.
    return Keys(by_bytes, (f"{by_name}{digest}",), item.face_id)


@dataclass(frozen=True, eq=False)
class Known:
    """The pictures of a collection. All but `compare` may be called from several threads.

    Attributes:
        collection: what is in already.
        largest: of a picture with a person's name the largest face is that person.
        update: what is said anew of a picture that is in counts.
    """

    collection: Collection
    largest: bool
    update: bool

    def faces(self, keys: Keys) -> list[Face]:
        """A picture's faces that are stored, up to one that is not; none if it is new."""
        return list(self._from_first(keys.all_ids(place) for place in range(_MOST_FACES)))

    def again(self, faces: Sequence[Face]) -> list[Face]:
        """The same faces as they are now, without those that are gone."""
        return list(self._stored([face.id for face in faces]))

    def stored(self, examined: Examined) -> Stored:
        """What is stored of a picture, whatever brought it: by ids, or by where its faces are."""
        places = [next(self._stored(ids), None) for ids in examined.ids]
        if examined.picture is None or None not in places:
            return Stored(places, any(places))
        same = self.collection.faces(limit=_MOST_FACES, only=Filter(picture=examined.picture))
        found = [
            known or next((face for face in same.items if _is_there(face, new.detection)), None)
            for known, new in zip(places, examined.faces, strict=True)
        ]
        return Stored(found, bool(same.items or any(found)))

    def compare(
        self, item: NewPicture, faces: Sequence[Face], *, rival: str | None = None
    ) -> Present | Changed | Differs:
        """Tell whether what is said of a picture that is in is what is stored; bring it up to date.

        What nobody has said before is taken over. What contradicts is told, and taken over where
        that is wanted.

        Args:
            item: what is said.
            faces: its faces that are stored, largest first.
            rival: what this same import called the picture before; what it said of it stays.
        """
        update = self.update and rival is None
        checks = (self._person, self._subject, self._tags, self._external_id)
        changes = [check(item, faces, update) for check in checks]
        done = [told for taken_over, told in filter(None, changes) if taken_over]
        differing = [told for taken_over, told in filter(None, changes) if not taken_over]
        if differing:
            same = f"it is the same picture as {rival}, and" if rival else "it is in already, and"
            return Differs(item.source, f"{same} {'; '.join([*differing, *done])}")
        return Changed(item.source, "; ".join(done)) if done else Present(item.source)

    # Each of these says whether a difference was taken over, and how it is told; None where there
    # is none.

    def _person(self, item: NewPicture, faces: Sequence[Face], update: bool) -> _Difference | None:
        if item.person is None:
            return None
        known = self.collection.subject_named(item.person)
        face = faces[0]
        if known is not None and face.subject == known.id:
            return None
        if face.subject is None and len(faces) > 1 and not self.largest:
            return (
                False,
                f"it holds several faces, and it is not clear which of them is {item.person}",
            )
        if face.subject is not None and not update:
            return False, f"shows {self._name(face.subject)}, not {item.person}"
        was = "nobody" if face.subject is None else self._name(face.subject)
        subject = known or self.collection.add_subject(item.person)
        self.collection.move([face.id], subject.id)
        return True, f"shows {subject.name} now, not {was}"

    def _subject(self, item: NewPicture, faces: Sequence[Face], update: bool) -> _Difference | None:
        others = [face for face in faces if face.subject != item.subject]
        if item.subject is None or not others:
            return None
        wanted = self._name(item.subject)
        named = next((face.subject for face in others if face.subject is not None), None)
        taken = [face.id for face in others if update or face.subject is None]
        self.collection.move(taken, item.subject)
        if named is not None and not update:
            return False, f"shows {self._name(named)}, not {wanted}"
        return True, f"shows {wanted} now"

    def _tags(self, item: NewPicture, faces: Sequence[Face], update: bool) -> _Difference | None:
        wanted = set(item.tags)
        if not wanted or all(wanted == set(face.tags) for face in faces):
            return None
        if any(face.tags for face in faces) and not update:
            return False, f"its tags are {_listed(faces[0].tags)}, not {_listed(item.tags)}"
        for face in faces:
            self.collection.tag(face.id, sorted(wanted))
        return True, f"its tags are {_listed(item.tags)} now"

    def _external_id(
        self, item: NewPicture, faces: Sequence[Face], update: bool
    ) -> _Difference | None:
        known, wanted = faces[0].external_id, item.external_id
        if wanted is None or wanted == known:
            return None
        if known is not None and not update:
            return False, f"its external_id is {known}, not {wanted}"
        for face in faces:
            self.collection.identify(face.id, wanted)
        return True, f"its external_id is {wanted} now"

    def _name(self, subject: str) -> str:
        try:
            return self.collection.subject(subject).name
        except NotFound:  # deleted just now
            return "nobody"

    def _from_first(self, places: Iterable[Sequence[str]]) -> Iterator[Face]:
        """The faces of a picture's places, by the ids that each may have."""
        for ids in places:
            face = next(self._stored(ids), None)
            if face is None:
                return
            yield face

    def _stored(self, face_ids: Sequence[str]) -> Iterator[Face]:
        for face_id in face_ids:
            try:
                yield self.collection.get(face_id)
            except NotFound:
                continue


def _listed(tags: Sequence[str]) -> str:
    return ", ".join(sorted(tags)) or "none"


def _is_there(face: Face, detection: Detection) -> bool:
    """Whether a stored face is where one was found: their centres lie near each other."""
    one, other = face.detection.box, detection.box
    return (
        abs(one.x1 + one.x2 - other.x1 - other.x2) < other.width / 2
        and abs(one.y1 + one.y2 - other.y1 - other.y2) < other.height / 2
    )
