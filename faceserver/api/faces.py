"""Stored faces, and how they are added and found."""

from typing import Annotated, Any, Self

from pydantic import FailFast, Field, RootModel, model_validator
from pydantic import Tag as Branch

from faceserver.api.base import (
    Answer,
    CollectionPath,
    Id,
    PageOf,
    Paging,
    Request,
    Tags,
    Text,
    Time,
)
from faceserver.api.pictures import (
    Base64Picture,
    Box,
    DetectedFace,
    Embedding,
    FacePlace,
    Notes,
    Points,
    UrlPicture,
    Which,
    by_key,
)

MAX_MOVED = 10_000
"""Faces of one request."""


class FaceOptions(Request):
    """What is to be known of the new faces."""

    subject: Id | None = Field(default=None, description="Id of the person whom they show.")
    tags: Tags = ()
    external_id: Text | None = Field(default=None, description="What another system calls them.")


class PictureOptions(FaceOptions):
    """And which of a picture's faces are meant."""

    faces: Which = Field(default="all", description="All faces, or the largest alone.")
    source: Text | None = Field(default=None, description="What the picture is called.")


class AddBase64(PictureOptions, Base64Picture):
    """Faces of a picture as base64."""


class AddUrl(PictureOptions, UrlPicture):
    """Faces of a picture that the server fetches."""


class AddEmbedding(FaceOptions):
    """A face that was embedded elsewhere, with the collection's model."""

    embedding: Embedding
    model: str = Field(description="The model that made it: the collection's.")
    face: FacePlace | None = Field(default=None, description="Where it was in its picture.")
    source: Text | None = Field(default=None, description="What its picture is called.")


class AddFaces(
    RootModel[
        Annotated[
            Annotated[AddBase64, Branch("<base64>")]
            | Annotated[AddUrl, Branch("<url>")]
            | Annotated[AddEmbedding, Branch("<embedding>")],
            by_key("base64", "url", "embedding"),
        ]
    ]
):
    """A picture or a ready embedding."""


class FacePath(CollectionPath):
    """A stored face by id."""

    face: Id


class Face(Answer):
    """A stored face."""

    id: Id
    collection: str
    subject: Id | None = Field(description="Whom it shows; null where nobody said.")
    box: Box | None = Field(description="Null of an embedding that came without.")
    points: Points | None
    score: float | None = Field(description="How sure the detector was, 0 to 1.")
    quality: float | None = Field(description="One of the attributes; null where nobody judged.")
    attributes: dict[str, Any] = Field(default={}, description="What else is told of it, by name.")
    tags: tuple[str, ...]
    external_id: str | None
    source: str = Field(description="What the sender called the picture.")
    picture: str | None = Field(description="Path of the stored picture, null if none is kept.")
    crop: str | None = Field(description="Path of the aligned face, null if none can be made.")
    created: Time


class Faces(PageOf[Face]):
    """Some of the faces, in the order they were stored."""


class AddedFaces(Answer):
    """What was stored."""

    faces: tuple[Face, ...] = Field(description="Largest first.")
    notes: Notes = ()


class FaceQuery(Paging):
    """Which faces."""

    subject: Id | None = Field(default=None, description="They show this person.")
    tag: Tags = Field(default=(), description="They, or their people, have each of these.")
    external_id: Text | None = None
    named: bool | None = Field(
        default=None, description="Whether somebody said whom they show; left out: all."
    )


class FaceChange(Request):
    """What is to be different; what is left out stays."""

    subject: Id | None = Field(default=None, description="Whom it shows; null for nobody.")
    tags: Tags | None = None


class FaceMove(Request):
    """Faces, and whom they show."""

    faces: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MAX_MOVED), FailFast()]
    subject: Id | None = Field(description="Whom they show; null for nobody.")


class MovedFaces(Answer):
    """What has moved."""

    moved: int = Field(description="How many of the faces there are.")


class DeletedFace(Answer):
    """What is gone."""

    id: Id


class SearchFilter(Request):
    """Which stored faces are searched: those that fit all of it."""

    subject: Id | None = Field(default=None, description="They show this person.")
    tags: Tags = Field(default=(), description="They, or their people, have each of these.")
    external_id: Text | None = None


class SearchOptions(Request):
    """How to search."""

    k: int = Field(
        default=10, ge=1, le=10_000, description="At most so many; FACESERVER_MAX_MATCHES caps it."
    )
    threshold: float | None = Field(
        default=None, gt=0, le=4, description="Only what is nearer; null takes the collection's."
    )
    margin: float | None = Field(
        default=None,
        ge=0,
        le=4,
        description="Two people whose distances differ by less are ambiguous; null takes "
        "FACESERVER_AMBIGUITY_MARGIN.",
    )
    grouped: bool = Field(default=False, description="A match for each person, not for each face.")
    filter: SearchFilter = SearchFilter()


class PictureSearch(SearchOptions):
    """And which of the picture's faces are searched for."""

    faces: Which = Field(default="all", description="All faces, or the largest alone.")


class SearchBase64(PictureSearch, Base64Picture):
    """By the faces of a picture as base64."""


class SearchUrl(PictureSearch, UrlPicture):
    """By the faces of a picture that the server fetches."""


class SearchEmbedding(SearchOptions):
    """By an embedding of the collection's model."""

    embedding: Embedding
    model: str = Field(description="The model that made it: the collection's.")


class SearchFace(SearchOptions):
    """By a stored face, which is not found itself."""

    face: Id


class SearchRequest(
    RootModel[
        Annotated[
            Annotated[SearchBase64, Branch("<base64>")]
            | Annotated[SearchUrl, Branch("<url>")]
            | Annotated[SearchEmbedding, Branch("<embedding>")]
            | Annotated[SearchFace, Branch("<face>")],
            by_key("base64", "url", "embedding", "face"),
        ]
    ]
):
    """What is searched for, and how."""


class Person(Answer):
    """Whom a face shows."""

    id: Id
    name: str


class Match(Answer):
    """A stored face near a probe, or a person by the nearest face."""

    face: Face
    person: Person | None = Field(description="Null where nobody said.")
    distance: float = Field(description="Squared L2 distance of the embeddings, 0 to 4.")
    similarity: float | None = Field(
        ge=0, le=1, description="Calibrated; null where the model has no calibration."
    )
    faces: int = Field(
        description="Grouped: how many faces of this person lie under the threshold; else 1."
    )


class Verdict(Answer):
    """What a search says about one face."""

    answer: str = Field(pattern="^(known|unknown|ambiguous)$")
    best: Match | None = Field(description="The nearest face under the threshold.")
    next: Person | None = Field(
        description="The second nearest person, under the threshold or not."
    )
    margin: float | None = Field(
        description="By how much the second person is farther away than the first; null where "
        "there are not two."
    )

    @model_validator(mode="after")
    def _best_unless_unknown(self) -> Self:
        if (self.best is None) != (self.answer == "unknown"):
            raise ValueError("unknown is who has no best match")
        return self


class Probe(Answer):
    """A face that was searched for."""

    detection: DetectedFace | None = Field(description="Where it is in the picture, if in one.")
    verdict: Verdict
    matches: tuple[Match, ...] = Field(description="Nearest first.")


class SearchAnswer(Answer):
    """Each face that was searched for, with its own matches."""

    collection: str
    model: str
    threshold: float
    margin: float
    probes: tuple[Probe, ...] = Field(description="Of a picture: largest first.")
    notes: Notes = ()
