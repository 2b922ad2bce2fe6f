"""What an archive remembers beside the faces back into a gallery: refusals and strangers."""

from datetime import UTC, datetime

from faceserver.errors import AlreadyExists, InvalidArchive, NotFound
from faceserver.store.base import Collection, Store
from faceserver.transfer.archive import ArchiveReader


def check_exemplars(archive: ArchiveReader) -> None:
    """Look for all that can be wrong with them, before anything of the archive is taken in.

    Raises:
        InvalidArchive: they are damaged, or name people or faces that the archive lacks.
    """
    seen: set[str] = set()
    for entry in archive.manifest.collections:
        if not entry.exemplars:
            continue
        people = {person.id for person in archive.subjects(entry)}
        faces = {line.id for line, _ in archive.faces(entry)}
        for line in archive.exemplars(entry):
            if line.id in seen:
                raise InvalidArchive(f"what is remembered under {line.id} occurs twice")
            seen.add(line.id)
            if line.subject is not None and line.subject not in people:
                raise InvalidArchive(f"{line.id} is about a person who is not in the archive")
            if line.face is not None and line.face not in faces:
                raise InvalidArchive(f"{line.id} is of a face that is not in the archive")


def import_exemplars(archive: ArchiveReader, store: Store) -> int:
    """Take in what is not remembered here yet, once people and faces are in.

    What is remembered here under the same id stays as it is; what is over its time is passed over.

    Args:
        archive: where from; see :func:`check_exemplars`.
        store: where to; it has the archive's collections, people and faces.

    Returns:
        How many were taken in.

    Raises:
        StoreFull: no space is left; what is in stays, and another run goes on from there.
    """
    taken, now = 0, datetime.now(UTC)
    for entry in archive.manifest.collections:
        collection = store.collection(entry.name)
        for line in archive.exemplars(entry):
            exemplar = line.to_exemplar()
            if exemplar.is_over(now) or _is_there(collection, exemplar.id):
                continue
            try:
                collection.keep(exemplar)
            except (AlreadyExists, NotFound):  # in another collection, or its person went by merge
                continue
            taken += 1
    return taken


def _is_there(collection: Collection, exemplar_id: str) -> bool:
    try:
        collection.exemplar(exemplar_id)
    except NotFound:
        return False
    return True
