"""Faces that are known not to be a certain person."""

from typing import Annotated

from pydantic import Field, RootModel
from pydantic import Tag as Branch

from faceserver.api.base import Answer, CollectionPath, Id, PageOf, Paging, Request, Time
from faceserver.api.pictures import Base64Picture, Embedding, UrlPicture, Which, by_key


class _PictureRefusal(Request):
    faces: Which = Field(
        default="all", description="`largest` where the picture holds several faces."
    )


class RefuseBase64(_PictureRefusal, Base64Picture):
    """The face of a picture as base64."""


class RefuseUrl(_PictureRefusal, UrlPicture):
    """The face of a picture that the server fetches."""


class RefuseEmbedding(Request):
    """A face that was embedded elsewhere, with the collection's model."""

    embedding: Embedding
    model: str = Field(description="The model that computed it; must be the collection's.")


class RefuseFace(Request):
    """A stored face; if it shows the person, it is unnamed from then on."""

    face: Id


class RefuseRequest(
    RootModel[
        Annotated[
            Annotated[RefuseBase64, Branch("<base64>")]
            | Annotated[RefuseUrl, Branch("<url>")]
            | Annotated[RefuseEmbedding, Branch("<embedding>")]
            | Annotated[RefuseFace, Branch("<face>")],
            by_key("base64", "url", "embedding", "face"),
        ]
    ]
):
    """The face that is not this person."""


class Refusal(Answer):
    """A face that is not a certain person."""

    id: Id = Field(description="Identifies the refusal when undoing it.")
    subject: Id = Field(description="The person whom the face is not.")
    face: Id | None = Field(description="The stored face; null if none was refused.")
    unnamed: bool = Field(
        description="Whether the face was this person's until then; undoing gives it back."
    )
    created: Time


class Refusals(PageOf[Refusal]):
    """Some of the refusals, in the order they were made."""


class RefusalQuery(Paging):
    """Which refusals."""

    subject: Id | None = Field(default=None, description="Only those of this person.")


class RefusalPath(CollectionPath):
    """A refusal by id."""

    refusal: Id


class UndoneRefusal(Answer):
    """The refusal that was undone."""

    id: Id
