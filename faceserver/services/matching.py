"""Searches for those faces of a picture that somebody chooses, and for people like another one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from faceserver.services.choosing import Choose, judged
from faceserver.services.context import Context
from faceserver.services.searching import Searched, Searching, SearchQuery
from faceserver.store.base import Collection
from faceserver.types import Filter, Floats

_FACES_OF_A_PERSON = 100
"""So many of a person's faces are taken together."""

_SHORTEST = 1e-3


class Matching:
    """Searches of all collections. Safe to call from several threads at once."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context
        self._searching = Searching(context)

    def by_chosen(
        self,
        collection: str,
        data: bytes,
        query: SearchQuery,
        choose: Choose,
        *,
        attributes: Sequence[str] = (),
    ) -> Searched:
        """Search for those faces of a picture that are chosen; none is no probe.

        Raises:
            UnknownAttribute: there is no such attribute.
            NotFound: there is no such collection.
            ImageError: the picture cannot be used.
        """

        def search(held: Collection) -> Searched:
            analyzer = self._context.analyzer_of(held)
            picture, found = self._context.find(data, analyzer, attributes, required=False)
            candidates = judged(picture, found, analyzer.tell(found), choose)
            faces = [found[place] for place in candidates.chosen]
            round_ = self._searching.begin(held, analyzer, query)
            searched = round_.searched(
                [
                    round_.probe(vector, face.detection)
                    for vector, face in zip(analyzer.embed(faces), faces, strict=True)
                ]
            )
            shown = replace(searched, notes=picture.notes, picture=candidates)
            return self._searching.told(held, shown, query)

        return self._context.reading(collection, search)

    def by_person(self, collection: str, subject_id: str, query: SearchQuery) -> Searched:
        """Search for people like another one, who is not found; a person without faces is no probe.

        The probe is the mean of the person's first faces.

        Raises:
            NotFound: there is no such collection.
        """

        def search(held: Collection) -> Searched:
            analyzer = self._context.analyzer_of(held)
            shown = held.faces(limit=_FACES_OF_A_PERSON, only=Filter(subject=subject_id)).items
            round_ = self._searching.begin(
                held, analyzer, replace(query, k=query.k + 1, grouped=True)
            )
            if not shown:
                return round_.searched([])
            probe = round_.probe(_mean([face.embedding for face in shown]), None)
            others = [hit for hit in probe.hits if not hit.person or hit.person.id != subject_id]
            return round_.searched([replace(probe, hits=tuple(others[: query.k]))])

        return self._context.reading(collection, search)


def _mean(vectors: Sequence[Floats]) -> Floats:
    """The mean of unit vectors, brought to length 1; of those that have none, the first."""
    mean = np.mean(vectors, axis=0, dtype=np.float64)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length, np.float32) if length > _SHORTEST else vectors[0]
