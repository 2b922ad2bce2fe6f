"""Searching: who is it? Each probe gets its matches and a verdict."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import TypeVar

from faceserver.errors import InputError, InvalidCombination, SeveralFaces
from faceserver.services.context import ALL_FACES, DEFAULT, Choice, Context
from faceserver.services.events import events_of
from faceserver.services.faces import checked_embedding, unit_vector
from faceserver.services.found import (
    Answer,
    FramesSearched,
    Hit,
    Person,
    ProbeResult,
    Searched,
    SearchQuery,
    Verdict,
)
from faceserver.services.frames import MOST_FACES, FrameFace, consensus, outcomes
from faceserver.services.negatives import without_refused
from faceserver.services.rounds import Round
from faceserver.store.base import EVERYTHING, Collection
from faceserver.types import Face, Floats, Match
from faceserver.vision.analyzer import Analyzer, FoundFace

Result = TypeVar("Result")

__all__ = [
    "Answer",
    "FramesSearched",
    "Hit",
    "Person",
    "ProbeResult",
    "SearchQuery",
    "Searched",
    "Searching",
    "Verdict",
]


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
        attributes: Sequence[str] = (),
        choice: Choice = ALL_FACES,
    ) -> Searched:
        """Search for each face of a picture that is meant.

        Raises:
            UnknownAttribute: there is no such attribute.
            NotFound: there is no such collection.
            ImageError: the picture cannot be used.
            NoFace: it holds none.
            InvalidCombination: strangers are to be remembered, with a filter.
        """

        def search(held: Collection) -> Searched:
            analyzer = self._context.analyzer_of(held)
            picture, faces = self._context.find(data, analyzer, attributes, choice)
            vectors, told = analyzer.embed(faces), analyzer.tell(faces)
            round_ = self.begin(held, analyzer, query)
            probes = [
                replace(round_.probe(vector, face.detection), attributes=known, embedding=vector)
                for vector, face, known in zip(vectors, faces, told, strict=True)
            ]
            searched = round_.searched(self._recognised(held, round_, probes, list(vectors), query))
            shown = replace(searched, notes=picture.notes, size=(picture.width, picture.height))
            return self.told(held, shown, query)

        return self._ask(collection, search, query)

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
            probes = [round_.probe(vector, None)]
            searched = round_.searched(self._recognised(held, round_, probes, [vector], query))
            return self.told(held, searched, query)

        return self._ask(collection, search, query)

    def by_vectors(
        self, collection: str, vectors: Sequence[Sequence[float]], query: SearchQuery
    ) -> Searched:
        """Search for faces that were embedded by the collection's model, as their sender knows.

        Raises:
            NotFound: there is no such collection.
            InvalidEmbedding: a vector has no length, or another number of numbers.
        """

        def search(held: Collection) -> Searched:
            round_ = self.begin(held, self._context.analyzer_of(held), query)
            probes = [unit_vector(held, numbers) for numbers in vectors]
            return round_.searched([round_.probe(probe, None) for probe in probes])

        return self._context.reading(collection, search)

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

        return self._context.reading(collection, search)

    def by_frames(
        self, collection: str, pictures: Sequence[Callable[[], bytes]], query: SearchQuery
    ) -> FramesSearched:
        """Search once for the person whom several pictures show.

        Args:
            collection: where to search.
            pictures: give their bytes; one at least.
            query: how to search.

        Returns:
            One probe, and what became of each picture: one that cannot be used, holds no face or
            shows somebody else is left out.

        Raises:
            NotFound: there is no such collection.
            InputError: no picture can be used; what is wrong with the first.
            InvalidCombination: strangers are to be remembered, with a filter.
        """

        def search(held: Collection) -> FramesSearched:
            analyzer = self._context.analyzer_of(held)
            round_ = self.begin(held, analyzer, query)
            faces, frames = self._frames(analyzer, pictures)
            same = self._context.threshold_of(analyzer)
            person = consensus(faces, threshold=same)
            probes = self._recognised(
                held, round_, [round_.probe(person.vector, None)], [person.vector], query
            )
            searched = self.told(held, round_.searched(probes), query)
            return FramesSearched(searched, outcomes(frames, person))

        return self._ask(collection, search, query)

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
            probe, under = analyzer.embed(faces)[0], self._context.threshold_of(analyzer)
            only = without_refused(held, probe, EVERYTHING, threshold=under)
            k = self._context.limits.max_matches
            return held.search(probe, k=k, max_distance=under, only=only)

        return self._context.reading(DEFAULT, search)

    def told(self, held: Collection, found: Searched, query: SearchQuery) -> Searched:
        """What was found, once those have heard of it who want to."""
        for event in events_of(held, found, remembered=query.remember):
            self._context.tell(event)
        return found

    def _ask(
        self, collection: str, search: Callable[[Collection], Result], query: SearchQuery
    ) -> Result:
        """Search where strangers can be remembered, if that is asked for."""
        if query.remember:
            return self._context.on(collection, search)
        return self._context.reading(collection, search)

    def _frames(
        self, analyzer: Analyzer, pictures: Sequence[Callable[[], bytes]]
    ) -> tuple[list[FrameFace], list[InputError | None]]:
        """The faces of several pictures, and what is wrong with each picture."""
        faults: list[InputError | None] = []
        found: list[tuple[int, FoundFace]] = []
        for number, load in enumerate(pictures):
            try:
                _, faces = self._context.find(load(), analyzer)
            except InputError as error:
                faults.append(error)
                continue
            faults.append(None)
            found += [(number, face) for face in faces[:MOST_FACES]]
        if not found and faults[0] is not None:
            raise faults[0]
        vectors = analyzer.embed([face for _, face in found])
        return [
            FrameFace(number, face.detection, vector)
            for (number, face), vector in zip(found, vectors, strict=True)
        ], faults

    def _recognised(
        self,
        held: Collection,
        round_: Round,
        probes: Sequence[ProbeResult],
        vectors: Sequence[Floats],
        query: SearchQuery,
    ) -> list[ProbeResult]:
        """The probes with the strangers among them; two requests make no two of one."""
        with held.one_at_a_time() if query.remember else nullcontext():
            keep_for = self._context.limits.keep_strangers
            return round_.recognised(probes, vectors, keep_for=keep_for)

    def begin(
        self,
        held: Collection,
        analyzer: Analyzer,
        query: SearchQuery,
        apart_from: Face | None = None,
    ) -> Round:
        """Begin a search of a collection.

        Args:
            held: the collection.
            analyzer: of its model.
            query: how; what it leaves out is filled in.
            apart_from: a face that is not found.

        Raises:
            InvalidCombination: strangers are to be remembered, with a filter.
        """
        if query.remember and query.only != EVERYTHING:
            raise InvalidCombination("strangers cannot be remembered in a filtered search")
        limits = self._context.limits
        filled = replace(
            query,
            k=min(query.k, limits.max_matches),
            threshold=query.threshold or self._context.threshold_of(analyzer),
            margin=limits.margin if query.margin is None else query.margin,
        )
        return Round(
            held,
            analyzer.embedder.distances,
            filled,
            same=self._context.threshold_of(analyzer),
            apart_from=apart_from,
        )
