"""A running CompreFace taken over: its examples with their ids, and its subjects.

Its API gives no embeddings, and those of its models would not fit ours: the pictures are looked at
anew. What is in is known by its id, so that another run goes on where one was interrupted, and does
not ask for a picture twice.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from faceserver.client.compreface import Compreface, Example
from faceserver.errors import AlreadyExists, InvalidRequest, NotFound
from faceserver.services.collections import Collections
from faceserver.services.faces import Faces
from faceserver.services.outcomes import NewPicture, Refused
from faceserver.services.people import People


def ids_are_free(
    examples: Sequence[Example], collections: Collections, faces: Faces, *, apart_from: str
) -> bool:
    """Whether no other collection holds the examples already: each id is there once.

    Args:
        examples: those of one CompreFace, which come and go together.
        collections: all of them.
        faces: their faces.
        apart_from: name of the collection that the examples go to.
    """
    return not any(
        _has(faces, name, examples[0].image_id)
        for name in collections.names()
        if examples and name != apart_from
    )


def pictures_of(
    source: Compreface, examples: Sequence[Example], *, keep_ids: bool
) -> Iterator[NewPicture]:
    """The examples as pictures to register; each is fetched when it is its turn.

    Of several faces that are found in one, the largest is the subject: CompreFace found one alone.

    Args:
        source: where they are.
        examples: which.
        keep_ids: they keep the ids by which their clients know them.
    """
    for example in examples:
        yield NewPicture(
            example.url,
            partial(source.picture, example),
            person=example.subject,
            by_name=True,
            face_id=example.image_id if keep_ids else "",
        )


def add_missing(people: People, collection: str, names: Sequence[str]) -> Iterator[Refused | str]:
    """Add the subjects that there are not yet: those without examples that could be taken.

    Yields:
        The name of each that was added, or why it was not.

    Raises:
        NotFound: there is no such collection.
    """
    for name in names:
        if people.named(collection, name) is not None:
            continue
        try:
            yield people.add(collection, name).name
        except AlreadyExists:  # two of its names are the same here
            continue
        except InvalidRequest as error:
            yield Refused(f"subject {name!r}", error)


def _has(faces: Faces, collection: str, face_id: str) -> bool:
    try:
        faces.get(collection, face_id)
    except NotFound:
        return False
    return True
