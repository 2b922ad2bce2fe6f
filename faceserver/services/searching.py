"""Searching: who is it? Each probe gets its matches and a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from faceserver.errors import SeveralFaces
from faceserver.models.spec import Distances, SimilarityCurve
from faceserver.runtime import metrics
from faceserver.services.choosing import Candidates
from faceserver.services.context import DEFAULT, Context, chosen
from faceserver.services.faces import checked_embedding
from faceserver.store.base import EVERYTHING, Collection, Look
from faceserver.types import Detection, Face, Filter, Floats, Match, Note
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.attributes.base import Value

Answer = Literal["known", "unknown", "ambiguous"]


@dataclass(frozen=True)
class Person:
    """Whom a face shows: the person's id and name."""

    id: str
    name: str


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
    person: Person | None
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
    next: Person | None
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
        notes: what is worth knowing about the picture.
        picture: the faces that were chosen among, where they were.
    """

    model: str
    similarity: SimilarityCurve | None
    threshold: float
    margin: float
    probes: tuple[ProbeResult, ...]
    notes: tuple[Note, ...] = ()
    picture: Candidates | None = None


class Searching:
    """Searches of all collections. Safe to call from several threads at once."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context

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

        def search(held: Collection) -> Searched:
            analyzer = self._context.analyzer_of(held)
            picture, found = self._context.find(data, analyzer, attributes)
            faces = chosen(found, largest=largest)
            vectors, told = analyzer.embed(faces), analyzer.tell(faces)
            round_ = self.begin(held, analyzer, query)
            searched = round_.searched(
                [
                    replace(round_.probe(vector, face.detection), attributes=known)
                    for vector, face, known in zip(vectors, faces, told, strict=True)
                ]
            )
            return replace(searched, notes=picture.notes)

        return self._context.on(collection, search)

    def by_embedding(
        self, collection: str, embedding: Sequence[float], query: SearchQuery, *, model: str
    ) -> Searched:
        """Search for a face that was embedded elsewhere.

        Raises:
            NotFound: there is no such collection.
            InvalidEmbedding: another model made it, or it is no unit vector of the right length.
        """

        def search(held: Collection) -> Searched:
            analyzer = self._context.analyzer_of(held)
            vector = checked_embedding(held, embedding, model=model)
            round_ = self.begin(held, analyzer, query)
            return round_.searched([round_.probe(vector, None)])

        return self._context.on(collection, search)

    def by_face(
        self, collection: str, face_id: str, query: SearchQuery, *, itself: bool = False
    ) -> Searched:
        """Search for whom a stored face shows.

        Args:
            collection: where to.
            face_id: of the face.
            query: how.
            itself: the face may be found, too.

        Raises:
            NotFound: there is no such collection or face.
        """

        def search(held: Collection) -> Searched:
            analyzer = self._context.analyzer_of(held)
            face = held.get(face_id)
            round_ = self.begin(held, analyzer, query, apart_from=None if itself else face)
            return round_.searched([round_.probe(face.embedding, None)])

        return self._context.on(collection, search)

    def by_only_face(self, data: bytes) -> list[Match]:
        """Find faces of the default collection near the one face of a picture.

        Returns:
            Matches under the distance threshold, nearest first.

        Raises:
            ImageError: the picture cannot be used.
            NoFace: it holds none.
            SeveralFaces: it holds more than one.
        """

        def search(held: Collection) -> list[Match]:
            analyzer = self._context.analyzer_of(held)
            _, faces = self._context.find(data, analyzer)
            if len(faces) > 1:
                raise SeveralFaces(
                    f"the picture holds {len(faces)} faces; send one with a single face"
                )
            return held.search(
                analyzer.embed(faces)[0],
                k=self._context.limits.max_matches,
                max_distance=self._context.threshold_of(analyzer),
            )

        return self._context.on(DEFAULT, search)

    def begin(
        self,
        held: Collection,
        analyzer: Analyzer,
        query: SearchQuery,
        apart_from: Face | None = None,
    ) -> "Round":
        """Begin a search of a collection.

        Args:
            held: the collection.
            analyzer: of its model.
            query: how; what it leaves out is filled in.
            apart_from: a face that is not found.
        """
        limits = self._context.limits
        filled = replace(
            query,
            k=min(query.k, limits.max_matches),
            threshold=query.threshold or self._context.threshold_of(analyzer),
            margin=limits.margin if query.margin is None else query.margin,
        )
        return Round(held, analyzer.embedder.distances, filled, apart_from)


class Round:
    """One search of one collection."""

    def __init__(
        self,
        collection: Collection,
        distances: Distances,
        query: SearchQuery,
        apart_from: Face | None,
    ) -> None:
        """Take what :meth:`Searching.begin` has put together."""
        self._collection = collection
        self._distances = distances
        self._query = query
        self._threshold = query.threshold or 0.0
        self._margin = query.margin or 0.0
        self._apart_from = apart_from.id if apart_from else None

    def searched(self, probes: Sequence[ProbeResult]) -> Searched:
        """What the search has found."""
        return Searched(
            model=self._collection.model,
            similarity=self._distances.similarity,
            threshold=self._threshold,
            margin=self._margin,
            probes=tuple(probes),
        )

    @metrics.stage("search")
    def probe(self, vector: Floats, detection: Detection | None) -> ProbeResult:
        """Search for a vector: float32, shape (dims,), of unit length."""
        look = self._collection.look(vector, only=self._query.only, apart_from=self._apart_from)
        hits = self._hits(look)
        return ProbeResult(detection, self._verdict(look, hits), tuple(hits))

    def _hits(self, look: Look) -> list[Hit]:
        k, under = self._query.k, self._threshold
        if self._query.grouped:
            groups = look.people(k=k, max_distance=under)
            return [Hit(group.best, _person(group.best), group.faces) for group in groups]
        matches = look.faces(k=k, max_distance=under)
        return [Hit(match, _person(match)) for match in matches]

    def _verdict(self, look: Look, hits: Sequence[Hit]) -> Verdict:
        people = look.named(k=2)
        margin = people[1].distance - people[0].distance if len(people) > 1 else None
        answer: Answer = "known" if hits else "unknown"
        if hits and margin is not None and margin < self._margin:
            answer = "ambiguous" if people[0].distance < self._threshold else answer
        best = Hit(hits[0].match, hits[0].person) if hits else None
        following = _person(people[1]) if len(people) > 1 else None
        return Verdict(answer, best, following, margin)


def _person(match: Match) -> Person | None:
    if match.face.subject is None or match.name is None:
        return None
    return Person(match.face.subject, match.name)
