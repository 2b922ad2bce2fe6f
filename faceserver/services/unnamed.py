"""Faces that nobody has named, as the people that they are likely to show."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from faceserver.errors import NotFound
from faceserver.models.distances import SimilarityCurve
from faceserver.services.context import Context
from faceserver.services.grouping import likely_people
from faceserver.services.negatives import refused_faces, without_refused
from faceserver.store.base import Collection
from faceserver.types import NOWHERE, Face, Filter, Subject

MOST_EXAMINED = 10_000
"""Faces that are grouped at once; naming them makes room for those that come after."""

_NOBODY = Filter(named=False)
_SOMEBODY = Filter(named=True)


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
    """

    faces: tuple[Face, ...]
    lookalike: Lookalike | None


@dataclass(frozen=True, eq=False)
class Unnamed:
    """What is known of the faces without a name.

    Attributes:
        threshold: that was used, as squared L2 distance.
        similarity: what distances mean, if that was measured.
        examined: how many faces were grouped.
        is_complete: whether those are all of them.
        groups: how many groups they make.
        people: the largest of the groups.
    """

    threshold: float
    similarity: SimilarityCurve | None
    examined: int
    is_complete: bool
    groups: int
    people: tuple[LikelyPerson, ...]


class UnnamedFaces:
    """Groups faces of all collections. Safe to call from several threads at once."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context

    def group(self, collection: str, *, limit: int, threshold: float | None = None) -> Unnamed:
        """Group the faces that nobody has named, the first :data:`MOST_EXAMINED` of them.

        Args:
            collection: whose faces.
            limit: at most so many groups, the largest.
            threshold: squared L2 distance; None takes the collection's.

        Raises:
            NotFound: there is no such collection.
            TimedOut: the request's time is over.
        """

        def group(held: Collection) -> Unnamed:
            analyzer = self._context.analyzer_of(held)
            under = threshold or self._context.threshold_of(analyzer)
            page = held.faces(limit=MOST_EXAMINED, only=_NOBODY)
            vectors = np.array([face.embedding for face in page.items], np.float32)
            groups = likely_people(
                vectors.reshape(-1, held.dims),
                threshold=under,
                pictures=[picture_of(face) for face in page.items],
            )
            chosen = [tuple(page.items[row] for row in rows) for rows in groups[:limit]]
            refused = refused_faces(held)
            return Unnamed(
                threshold=under,
                similarity=analyzer.embedder.distances.similarity,
                examined=len(page.items),
                is_complete=page.cursor is None,
                groups=len(groups),
                people=tuple(
                    LikelyPerson(faces, _lookalike(held, faces, under, refused)) for faces in chosen
                ),
            )

        return self._context.on(collection, group)


def _lookalike(
    collection: Collection,
    faces: Sequence[Face],
    threshold: float,
    refused: Mapping[str, set[str]],
) -> Lookalike | None:
    """Whom a group looks like, apart from those whom one of its faces is known not to be."""
    middle = faces[0].embedding
    known = {subject for face in faces for subject in refused.get(face.id, ())}
    only = replace(_SOMEBODY, without=tuple(sorted(known)))
    only = without_refused(collection, middle, only, threshold=threshold)
    while found := collection.search(middle, k=1, max_distance=threshold, only=only):
        subject = found[0].face.subject
        if subject is None:
            return None
        if _are_together(collection, faces, subject):
            only = replace(only, without=(*only.without, subject))
            continue
        try:
            return Lookalike(collection.subject(subject), found[0].distance)
        except NotFound:  # deleted since the search
            return None
    return None


def _are_together(collection: Collection, faces: Sequence[Face], subject: str) -> bool:
    """Whether a person is in a picture with one of the faces, and so is somebody else."""
    pictures = {picture_of(face) for face in faces}
    theirs = collection.faces(limit=MOST_EXAMINED, only=Filter(subject=subject)).items
    return any(picture_of(face) in pictures for face in theirs)


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
