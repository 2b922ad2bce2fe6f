"""Who may be the same person: people who look alike, and groups of unnamed faces that do."""

from dataclasses import dataclass, replace

import numpy as np

from faceserver.errors import NotFound
from faceserver.models.distances import SimilarityCurve
from faceserver.runtime import deadline
from faceserver.services.apart import Apart, ApartPairs, apart_of, keep_apart
from faceserver.services.context import Context
from faceserver.services.unnamed import Grouping, are_together, grouped, picture_of
from faceserver.store.base import Collection, Page
from faceserver.types import Face, Filter, Floats, Subject

_FACES = 20
"""So many of a person's faces are asked what the person looks like."""

_NEAR = 5
"""So many people near one person are suggested."""

_MOST_GROUPS = 1_000
"""The largest groups are compared with one another."""


@dataclass(frozen=True, eq=False)
class Side:
    """One of two who may be the same.

    Attributes:
        faces: of a group all, the most typical first; of a person the cover, or the first face.
        person: None for a group of faces without a name.
    """

    faces: tuple[Face, ...]
    person: Subject | None = None


@dataclass(frozen=True, eq=False)
class Suggestion:
    """Two who may be the same person.

    Attributes:
        one: a person or a group.
        other: likewise.
        distance: between them, as squared L2.
    """

    one: Side
    other: Side
    distance: float


@dataclass(frozen=True, eq=False)
class Suggested:
    """Suggestions, and what their distances mean, if that was measured."""

    page: Page[Suggestion]
    similarity: SimilarityCurve | None


class Suggestions:
    """Suggestions for all collections. Safe to call from several threads at once."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context

    def people(self, collection: str, *, limit: int, cursor: str | None = None) -> Suggested:
        """Pairs of people who look alike, each pair once, of some of the people.

        Left out are those who are hidden, who are in one picture, and whom somebody has called
        different.

        Args:
            collection: whose people.
            limit: so many people are looked at; there may be fewer pairs, or none.
            cursor: from the page before; None begins.

        Raises:
            NotFound: there is no such collection.
            InvalidCursor: the cursor is none.
            TimedOut: the request's time is over.
        """

        def suggested(held: Collection) -> Suggested:
            analyzer = self._context.analyzer_of(held)
            threshold = self._context.threshold_of(analyzer)
            page = held.subjects(limit=limit, cursor=cursor, hidden=False)
            pairs = _Pairs(held, threshold)
            found = [pair for person in page.items for pair in pairs.of(person)]
            found.sort(key=lambda pair: pair.distance)
            curve = analyzer.embedder.distances.similarity
            return Suggested(Page(tuple(found), page.cursor), curve)

        return self._context.on(collection, suggested)

    def groups(self, collection: str, rules: Grouping, *, limit: int) -> Suggested:
        """Pairs of groups of unnamed faces that look alike, the most alike first.

        Raises:
            NotFound: there is no such collection.
            TimedOut: the request's time is over.
        """

        def suggested(held: Collection) -> Suggested:
            analyzer = self._context.analyzer_of(held)
            threshold = rules.threshold or self._context.threshold_of(analyzer)
            found = _near_groups(held, replace(rules, threshold=threshold), threshold)
            curve = analyzer.embedder.distances.similarity
            return Suggested(Page(tuple(found[:limit]), None), curve)

        return self._context.on(collection, suggested)

    def refuse(self, collection: str, one: str, other: str) -> Apart:
        """Remember that two faces show different people: neither they nor theirs are suggested.

        Raises:
            NotFound: there is no such collection or face.
            InvalidRequest: both are the same face, or show the same person.
        """
        return self._context.on(collection, lambda held: keep_apart(held, one, other))

    def refused(self, collection: str, *, limit: int, cursor: str | None) -> Page[Apart]:
        """Some of those that were refused, in the order they were.

        Raises:
            NotFound: there is no such collection.
            InvalidCursor: the cursor is none.
        """

        def listed(held: Collection) -> Page[Apart]:
            page = held.exemplars("apart", limit=limit, cursor=cursor)
            return Page(tuple(map(apart_of, page.items)), page.cursor)

        return self._context.on(collection, listed)

    def undo(self, collection: str, refusal_id: str) -> None:
        """Take a refusal back: the two are suggested again.

        Raises:
            NotFound: there is no such collection or refusal.
        """

        def undo(held: Collection) -> None:
            if held.exemplar(refusal_id).kind != "apart":
                raise NotFound(f"no suggestion was refused as {refusal_id!r}")
            held.forget([refusal_id])

        self._context.on(collection, undo)


class _Pairs:
    """Finds people who look like a person; what it has looked at it remembers."""

    def __init__(self, collection: Collection, threshold: float) -> None:
        self._collection = collection
        self._threshold = threshold
        self._apart = ApartPairs(collection)
        self._near: dict[str, dict[str, float]] = {}

    def of(self, person: Subject) -> list[Suggestion]:
        """The pairs of a person, apart from those that the other one's look has found."""
        deadline.check()
        found = []
        for subject, distance in self._near_to(person.id).items():
            if subject < person.id and person.id in self._near_to(subject):
                continue
            pair = self._pair(person, subject, distance)
            if pair is not None:
                found.append(pair)
        return found

    def _pair(self, person: Subject, subject: str, distance: float) -> Suggestion | None:
        if self._apart.are_apart([("person", person.id)], [("person", subject)]):
            return None
        try:
            other = self._collection.subject(subject)
            sides = [self._side(person), self._side(other)]
        except NotFound:  # deleted just now
            return None
        if other.hidden or are_together(self._collection, self._faces(person.id), subject):
            return None
        return Suggestion(sides[0], sides[1], distance)

    def _near_to(self, subject: str) -> dict[str, float]:
        """Ids of the people near somebody, with their distances."""
        if subject not in self._near:
            faces = self._faces(subject)
            self._near[subject] = self._look(subject, faces) if faces else {}
        return self._near[subject]

    def _look(self, subject: str, faces: tuple[Face, ...]) -> dict[str, float]:
        middle = _middle(np.array([face.embedding for face in faces], np.float32))
        found = self._collection.search_subjects(
            middle,
            k=_NEAR,
            max_distance=self._threshold,
            only=Filter(named=True, without=(subject,)),
        )
        return {match.subject: match.best.distance for match in found if match.subject}

    def _faces(self, subject: str) -> tuple[Face, ...]:
        return self._collection.faces(limit=_FACES, only=Filter(subject=subject)).items

    def _side(self, person: Subject) -> Side:
        if person.cover is not None:
            return Side((self._collection.get(person.cover),), person)
        faces = self._faces(person.id)
        if not faces:
            raise NotFound(f"the subject {person.id!r} has no face any more")
        return Side(faces[:1], person)


def _near_groups(collection: Collection, rules: Grouping, threshold: float) -> list[Suggestion]:
    found = grouped(collection, rules, threshold=threshold)
    groups = [group.faces for group in found.groups if not group.hidden][:_MOST_GROUPS]
    if len(groups) < 2:
        return []
    middles = np.array(
        [_middle(np.array([face.embedding for face in faces])) for faces in groups], np.float32
    )
    distances = 2 - 2 * middles @ middles.T
    apart = ApartPairs(collection)
    keys = [{("face", face.id) for face in faces} for faces in groups]
    pictures = [{picture_of(face) for face in faces} for faces in groups]
    pairs = []
    for one, other in np.argwhere(np.triu(distances < threshold, 1)).tolist():
        if not pictures[one] & pictures[other] and not apart.are_apart(keys[one], keys[other]):
            distance = max(float(distances[one, other]), 0.0)
            pairs.append(Suggestion(Side(groups[one]), Side(groups[other]), distance))
    return sorted(pairs, key=lambda pair: pair.distance)


def _middle(vectors: Floats) -> Floats:
    """The mean of unit vectors, of unit length; the first where they cancel each other out."""
    mean = vectors.mean(axis=0)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length if length > 0 else vectors[0], np.float32)
