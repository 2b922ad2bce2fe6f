"""What is remembered beside the faces: an embedding, and what it is an example of.

A :class:`Collection` keeps these with five generic methods, whatever they are for; what each kind
means, and what its ``content`` holds, is the business of the service that keeps it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, Protocol, get_args
from uuid import uuid4

from faceserver.errors import InvalidRequest
from faceserver.store.faces import check_embedding
from faceserver.store.results import Page
from faceserver.types import NEVER, Floats

ExemplarKind = Literal["refusal", "stranger", "ignored", "apart"]
"""``refusal``: it does not show a person. ``stranger``: nobody has named them. ``ignored``:
a stored face without a name that is of no interest. ``apart``: two that are not the same person.
"""

KINDS: tuple[ExemplarKind, ...] = get_args(ExemplarKind)

MAX_CONTENT = 4096
"""So many characters the content of an exemplar has as JSON, at most."""


@dataclass(frozen=True, eq=False)
class Exemplar:
    """An embedding that is remembered beside the faces; no search among faces answers it.

    Attributes:
        kind: what it is remembered as.
        embedding: float32, shape (dims,), unit length.
        subject: id of the person whom it is about, None for nobody; it goes with the person.
        face: id of the stored face that it is the embedding of, None for none; it goes with the
            face. Where the collection's model is changed, it follows the face; one of no face goes.
        content: what else is known of it: a small object that JSON can hold.
        id: a uuid, as 32 hexadecimal digits; the store makes it where it is empty.
        created: in UTC; the store fills it in where it is ``NEVER``.
        until: it is remembered so long, in UTC; None without end.
    """

    kind: ExemplarKind
    embedding: Floats
    subject: str | None = None
    face: str | None = None
    content: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    created: datetime = NEVER
    until: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.until is not None and self.until <= now


@dataclass(frozen=True, eq=False)
class NearExemplar:
    """An exemplar near a probe; ``distance`` is the squared L2 distance, 0 to 4."""

    exemplar: Exemplar
    distance: float


class ExemplarCollection(Protocol):
    """What every collection remembers beside its faces.

    What is over its ``until`` is never answered, and leaves the disk within the hour or with the
    next one that is kept. Where people are merged, what is about the one who goes is about the one
    who stays; undoing the merge takes it back. ``delete_all`` and a purge forget everything.
    """

    def keep(self, exemplar: Exemplar) -> Exemplar:
        """Remember an exemplar, in the place of the one that has its id; it survives a crash.

        Returns:
            It, with its id and its time.

        Raises:
            ValueError: the embedding is not float32, of another length, or not of unit length.
            InvalidRequest: the content is not JSON, or too much.
            NotFound: it names a person or a face that is not there.
            AlreadyExists: its id is taken by one of another kind or collection.
            StoreFull: no space left on the device.
        """
        ...

    def exemplar(self, exemplar_id: str) -> Exemplar:
        """Return one.

        Raises:
            NotFound: there is none of that id, or its time is over.
        """
        ...

    def exemplars(
        self,
        kind: ExemplarKind,
        *,
        limit: int,
        cursor: str | None = None,
        subject: str | None = None,
    ) -> Page[Exemplar]:
        """List those of a kind in the order they were first kept.

        Args:
            kind: which.
            limit: at most so many, 1 or more.
            cursor: from the page before; None begins.
            subject: they are about this person, by id.

        Raises:
            InvalidCursor: the cursor is none.
        """
        ...

    def near_exemplars(
        self, kind: ExemplarKind, probe: Floats, *, max_distance: float, k: int = 100
    ) -> list[NearExemplar]:
        """Find the nearest of a kind, exactly.

        Args:
            kind: which.
            probe: float32, shape (dims,), unit length.
            max_distance: squared L2; only those strictly nearer.
            k: at most so many.

        Returns:
            Nearest first.
        """
        ...

    def forget(self, exemplar_ids: list[str]) -> int:
        """Forget these; return how many there were."""
        ...


def accept_exemplar(exemplar: Exemplar, *, dims: int) -> Exemplar:
    """Check an exemplar that comes in, and give it id and time.

    Raises:
        ValueError: the embedding is not float32, of another length, or not of unit length.
        InvalidRequest: the content is not JSON, or too much.
    """
    check_embedding(exemplar.embedding, dims=dims)
    embedding = exemplar.embedding.copy()
    embedding.flags.writeable = False
    created = datetime.now(UTC) if exemplar.created == NEVER else exemplar.created
    return replace(
        exemplar,
        embedding=embedding,
        content=json.loads(content_text(exemplar.content)),
        id=exemplar.id or uuid4().hex,
        created=created.astimezone(UTC),
        until=exemplar.until.astimezone(UTC) if exemplar.until else None,
    )


def content_text(content: Mapping[str, Any]) -> str:
    """The content as JSON.

    Raises:
        InvalidRequest: it is none, or too much.
    """
    try:
        text = json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequest(f"the content is not JSON: {error}") from error
    if len(text) > MAX_CONTENT:
        raise InvalidRequest(f"the content has {len(text)} characters; at most {MAX_CONTENT}")
    return text
