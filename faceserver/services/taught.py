"""Examples of people that are taught one by one, each under an id of the teacher's own.

An id may stand for several examples. It is kept as the face's external id; a face that came
otherwise goes by its own id.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from faceserver.errors import NotFound
from faceserver.services.context import Context
from faceserver.services.faces import checked_embedding
from faceserver.services.outcomes import NewPicture, Refused, Rules
from faceserver.services.pipeline import run
from faceserver.store.base import Collection
from faceserver.store.names import check_external_id, check_name
from faceserver.types import NOWHERE, Face, Filter, Floats

_PAGE = 1000


@dataclass(frozen=True, eq=False)
class Example:
    """A face that was taught.

    Attributes:
        id: of the example.
        name: of the person.
        embedding: of the collection's model: shape (dims,), of unit length.
    """

    id: str
    name: str
    embedding: Floats | Sequence[float]


def example_id(face: Face) -> str:
    """The id that a face was taught with, or its own."""
    return face.external_id or face.id


class Taught:
    """What people were taught with. Safe to call from several threads at once."""

    def __init__(self, context: Context) -> None:
        """Take what the use cases share."""
        self._context = context

    def teach(self, collection: str, picture: NewPicture) -> None:
        """Have the one face of a picture show a person; a picture that is in is told anew.

        Args:
            collection: where to.
            picture: with the person's name and the example's id.

        Raises:
            NotFound: there is no such collection.
            InvalidRequest: nobody can have that name, or nothing that id.
            ImageError: the picture cannot be used.
            NoFace: it holds none.
            SeveralFaces: it holds more than one.
            StoreFull: no space left on the device.
        """
        rules = Rules(complete=True, update=True)

        def teach(held: Collection) -> None:
            (outcome,) = run(self._context, held, [picture], rules)
            if isinstance(outcome, Refused):
                raise outcome.error

        self._context.on(collection, teach)

    def teach_embedding(self, collection: str, example: Example, *, model: str) -> None:
        """Have a vector stand for a person.

        Raises:
            NotFound: there is no such collection.
            InvalidRequest: nobody can have that name, or nothing that id.
            InvalidEmbedding: another model made it, or it is no unit vector of the right length.
            StoreFull: no space left on the device.
        """
        self._context.on(collection, lambda held: _add(held, [example], model))

    def forget(self, collection: str, wanted: str) -> None:
        """Delete all examples of an id; a person without any goes as well.

        Raises:
            NotFound: there is no such collection, or nothing of that id.
        """

        def forget(held: Collection) -> None:
            faces = _of(held, wanted)
            held.delete([face.id for face in faces])
            _tidy(held, faces)

        self._context.on(collection, forget)

    def rename(self, collection: str, wanted: str, name: str) -> None:
        """Say anew whom all examples of an id show.

        Raises:
            NotFound: there is no such collection, or nothing of that id.
            InvalidRequest: nobody can have that name.
        """
        person = check_name(name)

        def rename(held: Collection) -> None:
            faces = _of(held, wanted)
            subject = held.subject_named(person) or held.add_subject(person)
            held.move([face.id for face in faces], subject.id)
            _tidy(held, faces)

        self._context.on(collection, rename)

    def rename_all(self, collection: str, name: str, new: str) -> None:
        """Give a person another name; where somebody has that, the two become one.

        Raises:
            NotFound: there is no such collection or person.
            InvalidRequest: nobody can have that name.
        """

        def rename(held: Collection) -> None:
            subject, other = held.subject_named(name), held.subject_named(new)
            if subject is None:
                raise NotFound(f"there is no person named {name!r}")
            if other is None or other.id == subject.id:
                held.change_subject(subject.id, name=new)
            else:
                held.merge(subject.id, into=other.id)

        self._context.on(collection, rename)

    def embedding(self, collection: str, wanted: str) -> Floats:
        """The vector of the first example of an id.

        Raises:
            NotFound: there is no such collection, or nothing of that id.
        """
        return self._context.on(collection, lambda held: _of(held, wanted)[0].embedding)

    def examples(self, collection: str) -> Iterator[Example]:
        """All examples, in the order they were stored; see also :meth:`restore`.

        Raises:
            NotFound: there is no such collection.
        """
        held = self._context.store.collection(collection)
        names: dict[str, str] = {}
        for face in _faces(held, Filter(named=True)):
            subject = face.subject or ""
            with suppress(NotFound):  # deleted just now
                if subject not in names:
                    names[subject] = held.subject(subject).name
                yield Example(example_id(face), names[subject], face.embedding)

    def restore(self, collection: str, examples: Sequence[Example], *, model: str) -> None:
        """Replace all examples; what is new is in before the old goes.

        Raises:
            NotFound: there is no such collection.
            InvalidRequest: nobody can have one of the names, or nothing one of the ids.
            InvalidEmbedding: one is none of the collection's model.
            StoreFull: no space left on the device; nothing has changed.
        """

        def restore(held: Collection) -> None:
            before = list(_faces(held, Filter(named=True)))
            _add(held, examples, model)
            held.delete([face.id for face in before])
            _tidy(held, before)

        self._context.on(collection, restore)


def _add(held: Collection, examples: Sequence[Example], model: str) -> None:
    """Store vectors; all of them are judged before anything is stored."""
    faces = [
        Face(
            checked_embedding(held, [float(value) for value in example.embedding], model=model),
            NOWHERE,
            None,
            example.id,
            subject=check_name(example.name),
            external_id=check_external_id(example.id),
        )
        for example in examples
    ]
    known: dict[str, str] = {}
    for face in faces:
        name = face.subject or ""
        if name not in known:
            known[name] = (held.subject_named(name) or held.add_subject(name)).id
    held.add([replace(face, subject=known[face.subject or ""]) for face in faces])


def _of(held: Collection, wanted: str) -> list[Face]:
    found = list(_faces(held, Filter(external_id=wanted)))
    if found:
        return found
    try:
        return [held.get(wanted)]
    except NotFound as error:
        raise NotFound(f"there is no example with the id {wanted!r}") from error


def _faces(held: Collection, only: Filter) -> Iterator[Face]:
    cursor: str | None = None
    while True:
        page = held.faces(limit=_PAGE, cursor=cursor, only=only)
        yield from page.items
        cursor = page.cursor
        if cursor is None:
            return


def _tidy(held: Collection, faces: Iterable[Face]) -> None:
    """Delete the people whom faces showed, as far as nothing shows them any more."""
    for subject in {face.subject for face in faces if face.subject}:
        with suppress(NotFound):
            if not held.subject(subject).faces:
                held.delete_subject(subject)
