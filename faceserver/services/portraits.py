"""What stands for a person, replaced as a whole: programs that keep one vector of each want that.

All pictures are kept here, not their mean, so that a person is found by the nearest of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceserver.errors import InvalidEmbedding, NoFace, NotFound
from faceserver.services.context import Context
from faceserver.services.faces import checked_embedding
from faceserver.services.outcomes import NewPicture, Outcome, Refused, Registered, Rules
from faceserver.services.pipeline import run
from faceserver.store.base import Collection
from faceserver.store.names import check_name
from faceserver.types import NOWHERE, Face, Filter, Subject

_PAGE = 1000


@dataclass(frozen=True)
class Replaced:
    """A person whose faces are new.

    Attributes:
        subject: the person.
        faces: how many faces stand for the person now.
        was_known: the person was there before.
    """

    subject: Subject
    faces: int
    was_known: bool


class Portraits:
    """What stands for people. Safe to call from several threads at once."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context

    def replace(self, collection: str, name: str, pictures: Sequence[NewPicture]) -> Replaced:
        """Have the largest face of each picture stand for a person, and no other face any more.

        Pictures without a face are passed over. A picture that showed somebody else shows this
        person from now on. Who is not there is added.

        Args:
            collection: where the person is.
            name: of the person.
            pictures: at least one; what they say of the person does not count.

        Raises:
            NotFound: there is no such collection.
            InvalidRequest: nobody can have that name.
            ImageError: a picture cannot be used; nothing has changed.
            NoFace: none of them holds a face; nothing has changed.
            StoreFull: no space left on the device.
        """
        person = check_name(name)
        items = [_of_person(picture, person) for picture in pictures]
        rules = Rules(largest=True, update=True, complete=True, batch=len(items), whole=True)

        def replace(held: Collection) -> Replaced:
            was_known = held.subject_named(person) is not None
            outcomes = list(run(self._context, held, items, rules))
            kept = {face.id for outcome in outcomes for face in _faces(outcome)}
            refused = next((item for item in outcomes if isinstance(item, Refused)), None)
            if not kept:
                raise refused.error if refused else NoFace("there is no picture")
            return _finish(held, person, kept, was_known=was_known)

        return self._context.on(collection, replace)

    def replace_embeddings(
        self, collection: str, name: str, embeddings: Sequence[Sequence[float]], *, source: str
    ) -> Replaced:
        """Have vectors stand for a person, and no other face any more.

        Args:
            collection: where the person is.
            name: of the person, who is added if not there.
            embeddings: at least one, of the collection's model, of any length but zero.
            source: what they are said to come from.

        Raises:
            NotFound: there is no such collection.
            InvalidRequest: nobody can have that name.
            InvalidEmbedding: one has another number of values, or no direction.
            StoreFull: no space left on the device.
        """
        person = check_name(name)

        def replace(held: Collection) -> Replaced:
            vectors = [
                checked_embedding(held, unit(numbers), model=held.model) for numbers in embeddings
            ]
            known = held.subject_named(person)
            subject = known or held.add_subject(person)
            added = held.add(
                [Face(vector, NOWHERE, None, source, subject=subject.id) for vector in vectors]
            )
            kept = {face.id for face in added}
            return _finish(held, person, kept, was_known=known is not None)

        return self._context.on(collection, replace)


def unit(numbers: Sequence[float]) -> Sequence[float]:
    """Numbers scaled to a vector of length 1.

    Raises:
        InvalidEmbedding: they have no direction: all are zero, or one is not finite.
    """
    vector = np.array(numbers, np.float64)
    length = float(np.linalg.norm(vector))
    if not 0 < length < np.inf:  # written so that NaN is refused as well
        raise InvalidEmbedding("an embedding consists of finite numbers that are not all zero")
    scaled: list[float] = (vector / length).tolist()
    return scaled


def _of_person(picture: NewPicture, name: str) -> NewPicture:
    return NewPicture(picture.source, picture.load, person=name)


def _faces(outcome: Outcome) -> Sequence[Face]:
    if isinstance(outcome, Refused):
        return ()
    known = outcome if isinstance(outcome, Registered) else outcome.known
    return known.faces if known else ()


def _finish(held: Collection, name: str, kept: set[str], *, was_known: bool) -> Replaced:
    """Delete what else stands for the person; what is new is in by now, so nothing can be lost."""
    subject = held.subject_named(name)
    if subject is None:
        raise NotFound(f"{name!r} has just been deleted")
    cursor: str | None = None
    while True:
        page = held.faces(limit=_PAGE, cursor=cursor, only=Filter(subject=subject.id))
        held.delete([face.id for face in page.items if face.id not in kept])
        cursor = page.cursor
        if cursor is None:
            return Replaced(subject, len(kept), was_known)
