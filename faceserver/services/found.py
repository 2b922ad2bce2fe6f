"""What a search is asked, and what it finds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from faceserver.models.distances import SimilarityCurve
from faceserver.services.choosing import Candidates
from faceserver.services.frames import Frame
from faceserver.services.strangers import Stranger
from faceserver.store.base import EVERYTHING
from faceserver.types import Detection, Filter, Floats, Match, Note
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
        remember: who is unknown gets a lasting id; with a filter that is refused.
    """

    k: int = 10
    threshold: float | None = None
    margin: float | None = None
    grouped: bool = False
    only: Filter = EVERYTHING
    remember: bool = False


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
        embedding: its own: float32, shape (dims,), unit length; None where that was not computed.
        stranger: who it is, if it is unknown and remembered.
    """

    detection: Detection | None
    verdict: Verdict
    hits: tuple[Hit, ...]
    attributes: Mapping[str, Value] = field(default_factory=dict)
    embedding: Floats | None = None
    stranger: Stranger | None = None


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
        size: width and height of the upright picture, in pixels; zeros where there was none.
        picture: the faces that were chosen among, where they were.
    """

    model: str
    similarity: SimilarityCurve | None
    threshold: float
    margin: float
    probes: tuple[ProbeResult, ...]
    notes: tuple[Note, ...] = ()
    size: tuple[int, int] = (0, 0)
    picture: Candidates | None = None


@dataclass(frozen=True, eq=False)
class FramesSearched:
    """What a search by several pictures of one person has found.

    Attributes:
        searched: with one probe, of no picture.
        frames: what became of each picture.
    """

    searched: Searched
    frames: tuple[Frame, ...]
