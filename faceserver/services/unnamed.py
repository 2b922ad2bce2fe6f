"""Faces that nobody has named, as the people that they are likely to show."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from faceserver.errors import NotFound
from faceserver.models.distances import SimilarityCurve
from faceserver.services.apart import ApartPairs
from faceserver.services.context import Context
from faceserver.services.grouping import likely_people
from faceserver.services.ignoring import ignored_faces
from faceserver.services.negatives import without_refused
from faceserver.store.base import Collection
from faceserver.types import NOWHERE, Face, Filter, Subject

MOST_EXAMINED = 10_000
"""Faces that are grouped at once; naming them makes room for those that come after."""

_NOBODY = Filter(named=False)
_SOMEBODY = Filter(named=True)


@dataclass(frozen=True)
class Grouping:
    """Which faces are grouped, and which groups are told.

    Faces of which a figure is not known count as good.

    Attributes:
        threshold: squared L2 distance; None takes the collection's.
        min_size: only faces with so many pixels along the shorter side of their boxes.
        min_sharpness: only faces whose attribute is that, 0 to 1.
        min_quality: likewise.
        hidden: groups that were hidden are told as well.
    """

    threshold: float | None = None
    min_size: float = 0.0
    min_sharpness: float = 0.0
    min_quality: float = 0.0
    hidden: bool = False

    def takes(self, face: Face) -> bool:
        """Whether a face is good enough."""
        box = face.detection.box
        size = min(box.x2 - box.x1, box.y2 - box.y1)
        if face.detection != NOWHERE and size < self.min_size:
            return False
        return all(
            figure is None or figure >= least
            for figure, least in (
                (_sharpness(face), self.min_sharpness),
                (face.quality, self.min_quality),
            )
        )


EVERY_FACE = Grouping()


@dataclass(frozen=True)
class Lookalike:
    """A person with a name who looks like a group of faces.

    Attributes:
        person: who.
        distance: of the group's middle face to this person's nearest one, as squared L2.
    """

    person: Subject
    distance: float


@dataclass(frozen=True, eq=False)
class LikelyPerson:
    """Faces that are likely to show one person.

    Attributes:
        faces: those nearest to their middle first.
        lookalike: the nearest person with a name under the threshold, None if there is none.
        hidden: whether somebody has hidden one of the faces.
    """

    faces: tuple[Face, ...]
    lookalike: Lookalike | None
    hidden: bool = False


@dataclass(frozen=True, eq=False)
class Unnamed:
    """What is known of the faces without a name.

    Attributes:
        threshold: that was used, as squared L2 distance.
        similarity: what distances mean, if that was measured.
        examined: how many faces were grouped.
        is_complete: whether those are all of them.
        left_out: how many faces were too small or blurred to be grouped.
        groups: how many groups they make, those apart that are hidden and not asked for.
        hidden: how many groups are hidden.
        people: the largest of the groups.
    """

    threshold: float
    similarity: SimilarityCurve | None
    examined: int
    is_complete: bool
    left_out: int
    groups: int
    hidden: int
    people: tuple[LikelyPerson, ...]


class UnnamedFaces:
    """Groups faces of all collections. Safe to call from several threads at once."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context

    def group(self, collection: str, rules: Grouping = EVERY_FACE, *, limit: int) -> Unnamed:
        """Group the faces that nobody has named, the first :data:`MOST_EXAMINED` of them.

        Args:
            collection: whose faces.
            rules: which faces, and which groups.
            limit: at most so many groups, the largest.

        Raises:
            NotFound: there is no such collection.
            TimedOut: the request's time is over.
        """

        def group(held: Collection) -> Unnamed:
            analyzer = self._context.analyzer_of(held)
            under = rules.threshold or self._context.threshold_of(analyzer)
            found = grouped(held, rules, threshold=under)
            told = [each for each in found.groups if rules.hidden or not each.hidden]
            apart = ApartPairs(held)
            return Unnamed(
                threshold=under,
                similarity=analyzer.embedder.distances.similarity,
                examined=found.examined,
                is_complete=found.is_complete,
                left_out=found.left_out,
                groups=len(told),
                hidden=sum(each.hidden for each in found.groups),
                people=tuple(
                    replace(each, lookalike=_lookalike(held, each.faces, under, apart))
                    for each in told[:limit]
                ),
            )

        return self._context.on(collection, group)


@dataclass(frozen=True, eq=False)
class Groups:
    """Likely people, without whom they look like; see :class:`Unnamed`."""

    examined: int
    is_complete: bool
    left_out: int
    groups: tuple[LikelyPerson, ...]


def grouped(collection: Collection, rules: Grouping, *, threshold: float) -> Groups:
    """Group the faces that nobody has named; the largest groups first, hidden ones among them.

    Raises:
        TimedOut: the request's time is over.
    """
    page = collection.faces(limit=MOST_EXAMINED, only=_NOBODY)
    faces = [face for face in page.items if rules.takes(face)]
    vectors = np.array([face.embedding for face in faces], np.float32)
    groups = likely_people(
        vectors.reshape(-1, collection.dims),
        threshold=threshold,
        pictures=[picture_of(face) for face in faces],
    )
    ignored = ignored_faces(collection)
    return Groups(
        examined=len(faces),
        is_complete=page.cursor is None,
        left_out=len(page.items) - len(faces),
        groups=tuple(
            LikelyPerson(
                faces=tuple(faces[row] for row in rows),
                lookalike=None,
                hidden=any(faces[row].id in ignored for row in rows),
            )
            for rows in groups
        ),
    )


def _lookalike(
    collection: Collection,
    faces: Sequence[Face],
    threshold: float,
    apart: ApartPairs,
) -> Lookalike | None:
    """Whom a group looks like, apart from those whom one of its faces is known not to be.

    People who are hidden are nobody's.
    """
    middle = faces[0].embedding
    known = apart.people_apart_from(face.id for face in faces)
    only = replace(_SOMEBODY, without=tuple(sorted(known)))
    only = without_refused(collection, middle, only, threshold=threshold)
    while found := collection.search(middle, k=1, max_distance=threshold, only=only):
        subject = found[0].face.subject
        if subject is None:
            return None
        try:
            person = collection.subject(subject)
        except NotFound:  # deleted since the search
            return None
        if not person.hidden and not are_together(collection, faces, subject):
            return Lookalike(person, found[0].distance)
        only = replace(only, without=(*only.without, subject))
    return None


def are_together(collection: Collection, faces: Sequence[Face], subject: str) -> bool:
    """Whether a person is in a picture with one of the faces, and so is somebody else."""
    pictures = {picture_of(face) for face in faces}
    theirs = collection.faces(limit=MOST_EXAMINED, only=Filter(subject=subject)).items
    return any(picture_of(face) in pictures for face in theirs)


def _sharpness(face: Face) -> float | None:
    """As it was measured by itself, or with the quality."""
    told = face.attributes.get("sharpness", face.attributes.get("quality_sharpness"))
    return float(told) if isinstance(told, int | float) else None


def picture_of(face: Face) -> Hashable:
    """What is the same for the faces of one picture, and for no others.

    Where no picture is kept, it is what the sender called it, and the time: faces of one picture
    are stored together.
    """
    if face.picture is not None:
        return face.picture
    if face.detection == NOWHERE:
        return face.id  # of no picture
    return face.source, face.created
