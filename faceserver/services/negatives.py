"""What refusals change: a face that was refused as a match for somebody is never answered so again.

A refusal is a negative example. A person is left out of an answer where the probe is the refused
face itself, or nearer to it than to every face of the person: near the refused face the refusal
counts, near the person's own faces they do.
"""

from collections.abc import Sequence
from dataclasses import replace

from faceserver.errors import NotFound
from faceserver.store.base import Collection, Exemplar
from faceserver.store.exemplars import ExemplarKind
from faceserver.types import Filter, Floats

SAME_FACE = 1e-3
"""Squared L2 distance under which two embeddings are of the same picture of a face: so much differs
where it is computed again, in another batch."""

_AT_ONCE = 500
_NEAR = 1000


def without_refused(
    collection: Collection,
    probe: Floats,
    only: Filter,
    *,
    threshold: float,
    apart_from: str | None = None,
) -> Filter:
    """A filter that leaves out the people whom a probe is known not to be.

    Without refusals near the probe nothing is read from the disk.

    Args:
        collection: where is searched.
        probe: float32, shape (dims,), unit length.
        only: which faces are searched.
        threshold: squared L2 distance; what is farther away tells nothing of the probe.
        apart_from: id of a face that is passed over.
    """
    nearest: dict[str, float] = {}
    for near in collection.near_exemplars("refusal", probe, max_distance=threshold, k=_NEAR):
        subject = near.exemplar.subject
        if subject in nearest:
            continue  # one that is nearer counts already
        if subject is not None and not _is_theirs(collection, near.exemplar):
            nearest[subject] = near.distance

    def is_refused(subject: str, distance: float) -> bool:
        if distance < SAME_FACE:
            return True
        own = collection.look(probe, only=Filter(subject=subject), apart_from=apart_from)
        return not own.faces(k=1, max_distance=distance)

    refused = [subject for subject, distance in nearest.items() if is_refused(subject, distance)]
    return replace(only, without=(*only.without, *refused)) if refused else only


def forget_refusals(collection: Collection, face_ids: Sequence[str], subject: str) -> None:
    """These faces show the person after all: somebody says so."""
    wanted = set(face_ids)
    again = [
        item.id for item in every_exemplar(collection, "refusal", subject) if item.face in wanted
    ]
    if again:
        collection.forget(again)


def _is_theirs(collection: Collection, exemplar: Exemplar) -> bool:
    """Whether the refused face is the person's after all: two people were made one since."""
    if exemplar.face is None:
        return False
    try:
        return collection.get(exemplar.face).subject == exemplar.subject
    except NotFound:  # deleted just now
        return True


def every_exemplar(
    collection: Collection, kind: ExemplarKind, subject: str | None = None
) -> list[Exemplar]:
    """All that a collection remembers of a kind, or of a kind about a person."""
    found: list[Exemplar] = []
    cursor: str | None = None
    while True:
        page = collection.exemplars(kind, limit=_AT_ONCE, cursor=cursor, subject=subject)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            return found
