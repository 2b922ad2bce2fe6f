"""Stored faces, and how they are added and found."""

from typing import Annotated, Any, Literal, Self

from pydantic import FailFast, Field, RootModel, model_validator
from pydantic import Tag as Branch

from faceserver.api.base import (
    WHOLE,
    Answer,
    CollectionPath,
    Id,
    PageOf,
    Paging,
    Query,
    Request,
    Tags,
    Text,
    Time,
    WholeNumber,
)
from faceserver.api.filters import AttributeFilter
from faceserver.api.pictures import (
    Base64Picture,
    Box,
    DescribedFace,
    Describing,
    DetectedFace,
    Embedding,
    FacePlace,
    Notes,
    Points,
    UrlPicture,
    Which,
    by_key,
)
from faceserver.api.stranger import Stranger

REMEMBER = (
    "Remember unknown people, so that they are recognised later; needs the scope `write`, and no "
    "filter."
)

MIN_SIZE = "Shorter side of a face's box, in pixels."
MIN_SHARPNESS = "The attribute `sharpness`."
MAX_ANGLE = "Maximum angle in degrees by which the head is turned aside, up or down."
MIN_QUALITY = "The attribute `quality`, which needs its model."
KEEP_BEST = "Keep only so many faces of the person, the best; the others are deleted."

MAX_MOVED = 10_000
"""Faces of one request."""


class FaceOptions(Request):
    """What is to be known of the new faces."""

    subject: Id | None = Field(default=None, description="Id of the person they show.")
    tags: Tags = ()
    external_id: Text | None = Field(default=None, description="Their id in another system.")


class Gate(Request):
    """What a face must have to be stored; nothing by default."""

    min_size: float | None = Field(default=None, gt=0, le=100_000, description=MIN_SIZE)
    min_sharpness: float | None = Field(default=None, ge=0, le=1, description=MIN_SHARPNESS)
    max_angle: float | None = Field(default=None, gt=0, le=90, description=MAX_ANGLE)
    min_quality: float | None = Field(default=None, ge=0, le=1, description=MIN_QUALITY)
    keep_best: Annotated[int, Field(ge=1, le=1000), WHOLE] | None = Field(
        default=None, description=KEEP_BEST
    )


class PictureOptions(Gate, Describing, FaceOptions):
    """And which of a picture's faces are meant."""

    faces: Which = Field(default="all", description="All faces, or only the largest.")
    source: Text | None = Field(default=None, description="Name of the picture.")


class AddBase64(PictureOptions, Base64Picture):
    """Faces of a picture as base64."""


class AddUrl(PictureOptions, UrlPicture):
    """Faces of a picture that the server fetches."""


class AddEmbedding(FaceOptions):
    """A face that was embedded elsewhere, with the collection's model."""

    embedding: Embedding
    model: str = Field(description="The model that computed it; must be the collection's.")
    face: FacePlace | None = Field(default=None, description="Its place in the picture.")
    source: Text | None = Field(default=None, description="Name of its picture.")


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
    subject: Id | None = Field(description="The person it shows; null if unnamed.")
    box: Box | None = Field(description="Null if the embedding was sent without one.")
    points: Points | None
    score: float | None = Field(description="Confidence of the detector, 0 to 1.")
    quality: float | None = Field(description="One of the attributes; null if not measured.")
    attributes: dict[str, Any] = Field(default={}, description="Further attributes, by name.")
    tags: tuple[str, ...]
    external_id: str | None
    source: str = Field(description="Name or URL of the picture, as sent.")
    picture: str | None = Field(description="Path of the stored picture; null if not kept.")
    crop: str | None = Field(description="Path of the aligned face; null if unavailable.")
    thumbnail: str | None = Field(
        default=None, description="Path of the face as a small picture; null if unavailable."
    )
    created: Time


ThumbnailSize = Literal["small", "large"]


class ThumbnailQuery(Query):
    """How large a thumbnail is to be."""

    size: ThumbnailSize = Field(default="large", description="96 or 256 pixels wide and high.")


class Faces(PageOf[Face]):
    """Some of the faces, in the order they were stored."""


class LeftOutFace(Answer):
    """A face of the picture that was not stored."""

    face: DetectedFace
    code: str = Field(description="small, blurred, turned, low_quality or not_among_best.")
    reason: str = Field(description="The same in words; may change.")


class AddedFaces(Answer):
    """What was stored."""

    faces: tuple[Face, ...] = Field(description="Largest first.")
    notes: Notes = ()
    known: bool = Field(
        default=False,
        description="The same picture was in already: these are its faces as they are stored.",
    )
    left_out: tuple[LeftOutFace, ...] = Field(default=(), description="What was not good enough.")
    deleted: tuple[Id, ...] = Field(
        default=(), description="Faces of the person that were deleted because others are better."
    )


class FaceQuery(AttributeFilter, Paging):
    """Which faces."""

    subject: Id | None = Field(default=None, description="Only faces of this person.")
    tag: Tags = Field(
        default=(), description="Only faces that have all of these tags, or whose person has."
    )
    external_id: Text | None = None
    named: bool | None = Field(
        default=None,
        description="true: only named faces; false: only unnamed ones. All by default.",
    )


class PictureQuery(Query):
    """How large a stored picture is wanted."""

    side: int | None = Field(
        default=None,
        ge=64,
        le=8192,
        description="Longest side in pixels; a larger picture is scaled down. Boxes are told in "
        "pixels of the whole picture, whose size the headers `Picture-Width` and "
        "`Picture-Height` give.",
    )


class FaceChange(Request):
    """The fields to change; omitted ones stay unchanged."""

    subject: Id | None = Field(
        default=None, description="The person it shows; null removes the name."
    )
    tags: Tags | None = None


class FaceMove(Request):
    """Faces, and whom they show."""

    faces: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MAX_MOVED), FailFast()]
    subject: Id | None = Field(description="The person they show; null removes the name.")


class MovedFaces(Answer):
    """Result of moving faces."""

    moved: int = Field(description="Number of faces found and moved.")


class DeletedFace(Answer):
    """The deleted face."""

    id: Id


class SearchFilter(AttributeFilter, Request):
    """Which stored faces are searched: those that fit all of it."""

    subject: Id | None = Field(default=None, description="Only faces of this person.")
    tags: Tags = Field(
        default=(), description="Only faces that have all of these tags, or whose person has."
    )
    external_id: Text | None = None


class SearchOptions(Request):
    """How to search."""

    k: WholeNumber = Field(
        default=10,
        ge=1,
        le=10_000,
        description="Maximum number of matches, up to FACESERVER_MAX_MATCHES.",
    )
    threshold: float | None = Field(
        default=None,
        gt=0,
        le=4,
        description="Maximum distance; null means the collection's threshold.",
    )
    margin: float | None = Field(
        default=None,
        ge=0,
        le=4,
        description="Two people whose distances differ by less are ambiguous; null means "
        "FACESERVER_AMBIGUITY_MARGIN.",
    )
    grouped: bool = Field(
        default=False, description="Return one match per person instead of one per face."
    )
    filter: SearchFilter = SearchFilter()


class Remembering(SearchOptions):
    """And whether strangers are remembered."""

    remember: bool = Field(default=False, description=REMEMBER)


class PictureSearch(Describing, Remembering):
    """And which of the picture's faces are searched for."""

    faces: Which = Field(default="all", description="All faces, or only the largest.")


class SearchBase64(PictureSearch, Base64Picture):
    """By the faces of a picture as base64."""


class SearchUrl(PictureSearch, UrlPicture):
    """By the faces of a picture that the server fetches."""


class SearchEmbedding(Remembering):
    """By an embedding of the collection's model."""

    embedding: Embedding
    model: str = Field(description="The model that computed it; must be the collection's.")


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
    """The person a face shows."""

    id: Id
    name: str


class Match(Answer):
    """A stored face near a probe, or a person by the nearest face."""

    face: Face
    person: Person | None = Field(description="Null if the face is unnamed.")
    distance: float = Field(description="Squared L2 distance of the embeddings, 0 to 4.")
    similarity: float | None = Field(
        ge=0, le=1, description="Calibrated; null if the model is not calibrated."
    )
    faces: int = Field(
        description="If grouped, how many faces of this person are below the threshold; else 1."
    )


class Verdict(Answer):
    """The verdict on one face."""

    answer: str = Field(pattern="^(known|unknown|ambiguous)$")
    best: Match | None = Field(description="The nearest face below the threshold.")
    next: Person | None = Field(
        description="The second nearest person, below the threshold or not."
    )
    margin: float | None = Field(
        description="How much farther away the second person is than the first; null unless "
        "there are two."
    )

    @model_validator(mode="after")
    def _best_unless_unknown(self) -> Self:
        if (self.best is None) != (self.answer == "unknown"):
            raise ValueError("unknown is who has no best match")
        return self


class Probe(Answer):
    """A face that was searched for."""

    detection: DescribedFace | None = Field(
        description="Its place in the picture, if it came in one."
    )
    verdict: Verdict
    matches: tuple[Match, ...] = Field(description="Nearest first.")
    stranger: Stranger | None = Field(
        default=None, description="Who it is, if it is unknown and remembered."
    )


class SearchAnswer(Answer):
    """Each face that was searched for, with its own matches."""

    collection: str
    model: str
    threshold: float
    margin: float
    probes: tuple[Probe, ...] = Field(description="Of a picture: largest first.")
    notes: Notes = ()
