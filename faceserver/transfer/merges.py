"""Merges of an archive back into a gallery, so that they can be undone there too."""

from faceserver.errors import InvalidArchive
from faceserver.store.base import Store
from faceserver.transfer.archive import ArchiveReader
from faceserver.transfer.mending import mended_person


def check_merges(archive: ArchiveReader) -> None:
    """Look for all that can be wrong with them, before anything of the archive is taken in.

    Raises:
        InvalidArchive: they are damaged, or contradict themselves or the people of the archive.
    """
    seen: set[str] = set()
    for entry in archive.manifest.collections:
        if not entry.merges:
            continue
        people = {person.id for person in archive.subjects(entry)}
        for line in archive.merges(entry):
            if line.id in seen:
                raise InvalidArchive(f"the merge {line.id} occurs twice")
            seen.add(line.id)
            if line.gone.id in people:
                raise InvalidArchive(f"the merge {line.id} is of a person who still exists")
            people.add(line.gone.id)


def import_merges(archive: ArchiveReader, store: Store) -> int:
    """Take in the merges that can be undone here, once people and faces are in.

    Those that are in already, whose time is over, or of a person who is here, are passed over.

    Args:
        archive: where from; see :func:`check_merges`.
        store: where to; it has the archive's collections.

    Returns:
        How many were taken in.

    Raises:
        StoreFull: no space is left; what is in stays, and another run goes on from there.
    """
    taken = 0
    for entry in archive.manifest.collections:
        collection = store.collection(entry.name)
        for line in archive.merges(entry):
            gone = mended_person(line.gone, lambda _: False)
            taken += collection.add_merge(line.model_copy(update={"gone": gone}).to_record())
    return taken
