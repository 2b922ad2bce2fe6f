"""One search: the hits and the verdict of each probe."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from faceserver.models.distances import Distances
from faceserver.runtime import metrics
from faceserver.services.found import (
    Answer,
    Hit,
    Person,
    ProbeResult,
    Searched,
    SearchQuery,
    Verdict,
)
from faceserver.services.negatives import without_refused
from faceserver.services.strangers import recognise
from faceserver.store.base import EVERYTHING, Collection, Look
from faceserver.types import Detection, Face, Floats, Match


class Round:
    """One search of one collection."""

    def __init__(
        self,
        collection: Collection,
        distances: Distances,
        query: SearchQuery,
        *,
        same: float,
        apart_from: Face | None = None,
    ) -> None:
        """Take the question.

        Args:
            collection: where is searched.
            distances: what they mean.
            query: threshold and margin are set.
            same: the distance below which two faces are taken for one person, as squared L2.
            apart_from: a face that is passed over.
        """
        self._same = same
        self._collection = collection
        self._distances = distances
        self._query = query
        self._threshold = query.threshold or 0.0
        self._margin = query.margin or 0.0
        self._apart_from = apart_from.id if apart_from else None

    def searched(self, probes: Sequence[ProbeResult]) -> Searched:
        """The answer, of what each probe has found."""
        return Searched(
            model=self._collection.model,
            similarity=self._distances.similarity,
            threshold=self._threshold,
            margin=self._margin,
            probes=tuple(probes),
        )

    def recognised(
        self,
        probes: Sequence[ProbeResult],
        vectors: Sequence[Floats],
        *,
        keep_for: timedelta | None,
    ) -> list[ProbeResult]:
        """The probes of one picture, with the strangers whom the unknown ones show.

        Args:
            probes: as :meth:`probe` gave them.
            vectors: of the probes.
            keep_for: so long strangers are remembered; None without end.
        """
        if self._query.only != EVERYTHING:
            return list(probes)  # who is unknown there may be somebody elsewhere
        unknown = [row for row, probe in enumerate(probes) if probe.verdict.answer == "unknown"]
        strangers = recognise(
            self._collection,
            [vectors[row] for row in unknown],
            threshold=self._same,
            remember=self._query.remember,
            keep_for=keep_for,
        )
        found = dict(zip(unknown, strangers, strict=True))
        return [replace(probe, stranger=found.get(row)) for row, probe in enumerate(probes)]

    @metrics.stage("search")
    def probe(self, vector: Floats, detection: Detection | None) -> ProbeResult:
        """Search for one face; vector is float32, shape (dims,), of unit length."""
        only = without_refused(
            self._collection,
            vector,
            self._query.only,
            threshold=self._same,
            apart_from=self._apart_from,
        )
        look = self._collection.look(vector, only=only, apart_from=self._apart_from)
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
