"""How collections, people and faces stand in an archive.

::

    faceserver-archive.json           what follows, with counts
    collections/<name>/model.toml     the contract of its model, if it was there
    collections/<name>/subjects.jsonl a person a line
    collections/<name>/merges.jsonl   a merge that can be undone a line, if there are any
    collections/<name>/exemplars.jsonl what is remembered beside, a line each, if there is any
    collections/<name>/faces.jsonl    a face a line, in the order they were stored
    collections/<name>/vectors.npy    float32, shape (faces, dims), in the same order
    pictures/<sha-256>.jpg            pictures and crops, each once

Format 4 is written. These are read, too: format 3, where nobody is hidden or has a chosen cover,
format 2, without exemplars, and format 1, where a face has a ``quality`` and no ``attributes``.
"""

import io
import json
from datetime import datetime
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    model_validator,
)

from faceserver.store.codec import checked_attributes, face_of, plain
from faceserver.store.exemplars import Exemplar, ExemplarKind
from faceserver.types import (
    Box,
    Detection,
    Face,
    Floats,
    Merge,
    MergeRecord,
    Point,
    Subject,
    place_fault,
)

MANIFEST = "faceserver-archive.json"


_Id = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
_Picture = Annotated[str, Field(pattern=r"^[0-9a-f]{64}\.jpg$")]
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


_QUALITY: TypeAdapter[float | None] = TypeAdapter(
    Annotated[float, Field(allow_inf_nan=False)] | None
)


def _finite(metadata: dict[str, Any]) -> dict[str, Any]:
    json.dumps(metadata, allow_nan=False)  # ValueError: a number in it is not finite
    return metadata


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CollectionEntry(_Line):
    """A collection of the archive."""

    name: _Name
    model: Annotated[str, Field(min_length=1, max_length=200)]
    dims: Annotated[int, Field(ge=1, le=65_536)]
    subjects: Annotated[int, Field(ge=0)]
    faces: Annotated[int, Field(ge=0)]
    contract: bool
    merges: Annotated[int, Field(ge=0)] = 0
    exemplars: Annotated[int, Field(ge=0)] = 0

    def member(self, name: str) -> str:
        """Where a file of this collection stands in the archive."""
        return f"collections/{self.name}/{name}"


class Manifest(_Line):
    """What an archive holds; ``missing`` are pictures that were not there when it was made."""

    kind: Literal["faceserver-archive"] = "faceserver-archive"
    format: Literal[1, 2, 3, 4] = 4
    created: datetime
    collections: tuple[CollectionEntry, ...]
    pictures: Annotated[int, Field(ge=0)]
    missing: tuple[_Picture, ...]


class SubjectLine(_Line):
    """A person."""

    id: _Id
    name: Annotated[str, Field(min_length=1)]
    tags: tuple[str, ...]
    metadata: Annotated[dict[str, Any], AfterValidator(_finite)]
    created: AwareDatetime
    hidden: bool = False
    cover: _Id | None = None


class MergeLine(_Line):
    """A merge that can be undone, and the person who went."""

    id: _Id
    into: _Id
    at: AwareDatetime
    until: AwareDatetime
    gone: SubjectLine
    faces: tuple[_Id, ...]
    exemplars: tuple[_Id, ...] = ()

    def to_record(self) -> MergeRecord:
        """The merge, to be taken in."""
        gone = self.gone
        return MergeRecord(
            merge=Merge(
                id=self.id,
                into=self.into,
                subject=gone.id,
                name=gone.name,
                faces=len(self.faces),
                at=self.at,
                until=self.until,
            ),
            gone=Subject(
                id=gone.id,
                name=gone.name,
                tags=gone.tags,
                metadata=gone.metadata,
                created=gone.created,
                faces=0,
                cover=gone.cover,
                cover_chosen=gone.cover is not None,
                hidden=gone.hidden,
            ),
            faces=self.faces,
            exemplars=self.exemplars,
        )


class ExemplarLine(_Line):
    """What is remembered beside the faces, such as a refusal or a stranger, with its vector."""

    id: _Id
    kind: ExemplarKind
    subject: _Id | None
    face: _Id | None
    content: Annotated[dict[str, Any], AfterValidator(_finite)]
    created: AwareDatetime
    until: AwareDatetime | None
    vector: tuple[float, ...]

    def to_exemplar(self) -> Exemplar:
        """The exemplar, to be kept under its own id."""
        return Exemplar(
            kind=self.kind,
            embedding=np.array(self.vector, np.float32),
            subject=self.subject,
            face=self.face,
            content=self.content,
            id=self.id,
            created=self.created,
            until=self.until,
        )


class FaceLine(_Line):
    """A face without its vector."""

    id: _Id
    subject: _Id | None
    source: str
    picture: _Picture | None
    crop: _Picture | None
    tags: tuple[str, ...]
    external_id: str | None
    attributes: Annotated[dict[str, Any], AfterValidator(checked_attributes)]
    created: AwareDatetime
    box: tuple[float, float, float, float]
    points: tuple[Point, Point, Point, Point, Point]
    score: float

    @model_validator(mode="before")
    @classmethod
    def _of_format_1(cls, values: Any) -> Any:
        """A line of format 1 tells the quality alone, in a field of its own."""
        if not isinstance(values, dict) or "attributes" in values or "quality" not in values:
            return values
        quality = _QUALITY.validate_python(values["quality"])
        others = {name: value for name, value in values.items() if name != "quality"}
        return {**others, "attributes": {} if quality is None else {"quality": quality}}

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        fault = place_fault(Detection(Box(*self.box), self.points, self.score))
        if fault is not None:
            raise ValueError(fault)
        return self

    def pictures(self) -> tuple[str, ...]:
        """The files that belong to the face."""
        return tuple(name for name in (self.picture, self.crop) if name)

    def to_face(self, embedding: Floats) -> Face:
        """The face, to be stored under its own id."""
        return face_of(self.model_dump(mode="json"), embedding)


def subject_line(subject: Subject) -> SubjectLine:
    """A person as a line."""
    return SubjectLine(
        id=subject.id,
        name=subject.name,
        tags=subject.tags,
        metadata=dict(subject.metadata),
        created=subject.created,
        hidden=subject.hidden,
        cover=subject.cover if subject.cover_chosen else None,
    )


def merge_line(record: MergeRecord) -> MergeLine:
    """A merge as a line."""
    return MergeLine(
        id=record.merge.id,
        into=record.merge.into,
        at=record.merge.at,
        until=record.merge.until,
        gone=subject_line(record.gone),
        faces=record.faces,
        exemplars=record.exemplars,
    )


def exemplar_line(exemplar: Exemplar) -> ExemplarLine:
    """An exemplar as a line."""
    return ExemplarLine(
        id=exemplar.id,
        kind=exemplar.kind,
        subject=exemplar.subject,
        face=exemplar.face,
        content=dict(exemplar.content),
        created=exemplar.created,
        until=exemplar.until,
        vector=tuple(exemplar.embedding.tolist()),
    )


def face_line(face: Face) -> FaceLine:
    """A face as a line."""
    return FaceLine.model_validate(plain(face))


def vectors_header(faces: int, dims: int) -> bytes:
    """What stands before the numbers in ``vectors.npy``."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f4", "fortran_order": False, "shape": (faces, dims)}
    )
    return file.getvalue()
