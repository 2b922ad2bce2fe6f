"""Searching: who is it? Each probe gets its matches and a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from faceserver.errors import NotFound
from faceserver.models.spec import SimilarityCurve
from faceserver.services.context import Gallery, Parts, chosen, threshold_of
from faceserver.services.faces import checked_embedding
from faceserver.store.base import EVERYTHING, Collection
from faceserver.types import Detection, Filter, Floats, Match, StoredFace, Subject, SubjectMatch
from faceserver.vision.attributes.base import Value

Answer = Literal["known", "unknown", "ambiguous"]

_ANYWHERE = 5.0
"""Beyond every squared L2 distance of unit vectors."""

_PEOPLE_ROUNDS = (8, 64, 512)
"""So many groups are looked at for two people with a name: faces of nobody stand between them."""


@dataclass(frozen=True)
class SearchQuery:
    """How to search.

    Attributes:
        k: at most so many matches.
        threshold: only what is nearer, as squared L2 distance; None takes the collection's.
        margin: two people whose distances differ by less are ambiguous; None takes the setting.
        grouped: a match for each person, not for each face.
        only: which stored faces.
    """

    k: int = 10
    threshold: float | None = None
    margin: float | None = None
    grouped: bool = False
    only: Filter = EVERYTHING


@dataclass(frozen=True, eq=False)
class Hit:
    """A stored face near the probe, whom it shows, and for how many faces of theirs it stands."""

    match: Match
    person: Subject | None
    faces: int = 1


@dataclass(frozen=True, eq=False)
class Verdict:
    """Who the probe is.

    Attributes:
        answer: ``known`` where a stored face lies under the threshold, ``ambiguous`` where two
            people do within the margin, else ``unknown``.
        best: the nearest face under the threshold.
        next: the second nearest person, under the threshold or not.
        margin: by how much that person's distance is greater than the nearest person's.
    """

    answer: Answer
    best: Hit | None
    next: Subject | None
    margin: float | None


@dataclass(frozen=True, eq=False)
class ProbeResult:
    """A face that was searched for.

    Attributes:
        detection: where in the picture it is, None if it was not in one.
        verdict: who it is.
        hits: nearest first.
        attributes: what was asked for of the face.
    """

    detection: Detection | None
    verdict: Verdict
    hits: tuple[Hit, ...]
    attributes: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Searched:
    """What a search has found.

    Attributes:
        model: whose embeddings were compared.
        similarity: what their distances mean, if that was measured.
        threshold: that was used.
        margin: likewise.
        probes: of a picture: largest face first.
    """

    model: str
    similarity: SimilarityCurve | None
    threshold: float
    margin: float
    probes: tuple[ProbeResult, ...]


class Searching:
    """Searches of all collections. Safe to call from several threads at once."""

    def __init__(self, parts: Parts) -> None:
        """Take the parts."""
        self._parts = parts

    def by_picture(
        self,
        collection: str,
        data: bytes,
        query: SearchQuery,
        *,
        largest: bool = False,
        attributes: Sequence[str] = (),
    ) -> Searched:
        """Search for each face of a picture.

        Raises:
            UnknownAttribute: there is no such attribute.
            NotFound: there is no such collection.
            ImageError: the picture cannot be used.
            NoFace: it holds none.
        """

        def search(gallery: Gallery) -> Searched:
            _, found = self._parts.registrar(gallery).find(data, attributes)
            faces = chosen(found, largest=largest)
            vectors, told = gallery.analyzer.embed(faces), gallery.analyzer.tell(faces)
            round_ = self._round(gallery, query)
            return round_.searched(
                [
                    replace(round_.probe(vector, face.detection), attributes=known)
                    for vector, face, known in zip(vectors, faces, told, strict=True)
                ]
            )

        return self._parts.on(collection, search)

    def by_embedding(
        self, collection: str, embedding: Sequence[float], query: SearchQuery, *, model: str
    ) -> Searched:
        """Search for a face that was embedded elsewhere.

        Raises:
            NotFound: there is no such collection.
            InvalidEmbedding: another model made it, or it is no unit vector of the right length.
        """

        def search(gallery: Gallery) -> Searched:
            vector = checked_embedding(gallery, embedding, model=model)
            round_ = self._round(gallery, query)
            return round_.searched([round_.probe(vector, None)])

        return self._parts.on(collection, search)

    def by_face(self, collection: str, face_id: str, query: SearchQuery) -> Searched:
        """Search for whom a stored face shows; the face itself is not found.

        Raises:
            NotFound: there is no such collection or face.
        """

        def search(gallery: Gallery) -> Searched:
            face = gallery.collection.get(face_id)
            round_ = self._round(gallery, query, apart_from=face)
            return round_.searched([round_.probe(face.embedding, None)])

        return self._parts.on(collection, search)

    def _round(
        self, gallery: Gallery, query: SearchQuery, apart_from: StoredFace | None = None
    ) -> "_Round":
        limits = self._parts.limits
        filled = replace(
            query,
            k=min(query.k, limits.max_matches),
            threshold=query.threshold or threshold_of(gallery, limits),
            margin=limits.margin if query.margin is None else query.margin,
        )
        return _Round(gallery, filled, apart_from)


class _Round:
    """One search of one collection; it remembers the people it has met."""

    def __init__(self, gallery: Gallery, query: SearchQuery, apart_from: StoredFace | None) -> None:
        self._gallery = gallery
        self._collection = gallery.collection
        self._query = query
        self._threshold = query.threshold or 0.0
        self._margin = query.margin or 0.0
        self._near: _Near = _Near(gallery.collection, query.only, apart_from)
        self._has_people = bool(gallery.collection.subjects(limit=1).items)
        self._people: dict[str, Subject | None] = {}

    def searched(self, probes: Sequence[ProbeResult]) -> Searched:
        distances = self._gallery.analyzer.embedder.distances
        return Searched(
            model=self._collection.model,
            similarity=distances.similarity,
            threshold=self._threshold,
            margin=self._margin,
            probes=tuple(probes),
        )

    def probe(self, vector: Floats, detection: Detection | None) -> ProbeResult:
        k, under = self._query.k, self._threshold
        best = self._near.faces(vector, k=1, max_distance=under)
        if not best:
            hits = []
        elif self._query.grouped:
            groups = self._near.people(vector, k=k, max_distance=under)
            hits = [Hit(group.best, self._person(group.subject), group.faces) for group in groups]
        else:
            hits = [self._hit(match) for match in self._near.faces(vector, k=k, max_distance=under)]
        verdict = self._verdict(vector, self._hit(best[0]) if best else None)
        return ProbeResult(detection, verdict, tuple(hits))

    def _verdict(self, vector: Floats, best: Hit | None) -> Verdict:
        people = self._two_people(vector)
        margin = people[1].best.distance - people[0].best.distance if len(people) > 1 else None
        answer: Answer = "known" if best else "unknown"
        if margin is not None and margin < self._margin:
            first = people[0].best.distance
            answer = "ambiguous" if first < self._threshold else answer
        following = self._person(people[1].subject) if len(people) > 1 else None
        return Verdict(answer, best, following, margin)

    def _two_people(self, vector: Floats) -> list[SubjectMatch]:
        """The two nearest people with a name, however far away."""
        if not self._has_people:
            return []
        named: list[SubjectMatch] = []
        for k in _PEOPLE_ROUNDS:
            groups = self._near.people(vector, k=k, max_distance=_ANYWHERE)
            named = [group for group in groups if group.subject]
            if len(named) > 1 or len(groups) < k:
                break
        return named[:2]

    def _hit(self, match: Match) -> Hit:
        return Hit(match, self._person(match.face.subject))

    def _person(self, subject_id: str | None) -> Subject | None:
        if subject_id is None:
            return None
        if subject_id not in self._people:
            try:
                self._people[subject_id] = self._collection.subject(subject_id)
            except NotFound:  # deleted since the search
                self._people[subject_id] = None
        return self._people[subject_id]


class _Near:
    """What lies near a probe, without the stored face that the probe is."""

    def __init__(self, collection: Collection, only: Filter, apart_from: StoredFace | None) -> None:
        self._collection = collection
        self._only = only
        self._apart = apart_from

    def faces(self, probe: Floats, *, k: int, max_distance: float) -> list[Match]:
        return self._search(probe, self._only, k=k, max_distance=max_distance)

    def people(self, probe: Floats, *, k: int, max_distance: float) -> list[SubjectMatch]:
        if self._apart is None:
            return self._collection.search_subjects(
                probe, k=k, max_distance=max_distance, only=self._only
            )
        found = self._collection.search_subjects(
            probe, k=k + 1, max_distance=max_distance, only=self._only
        )
        groups = [self._without_itself(probe, group, max_distance) for group in found]
        kept = [group for group in groups if group is not None]
        return sorted(kept, key=lambda group: group.best.distance)[:k]

    def _search(self, probe: Floats, only: Filter, *, k: int, max_distance: float) -> list[Match]:
        if self._apart is None:
            return self._collection.search(probe, k=k, max_distance=max_distance, only=only)
        found = self._collection.search(probe, k=k + 1, max_distance=max_distance, only=only)
        return [match for match in found if match.face.id != self._apart.id][:k]

    def _without_itself(
        self, probe: Floats, group: SubjectMatch, max_distance: float
    ) -> SubjectMatch | None:
        """The group as it is without the probe's own face; None if nothing else is in it."""
        if self._apart is None or group.best.face.id != self._apart.id:
            return group
        if group.subject is None or group.faces == 1:
            return None
        only = replace(self._only, subject=group.subject)
        others = self._search(probe, only, k=1, max_distance=max_distance)
        return SubjectMatch(group.subject, others[0], group.faces - 1) if others else None
