"""Verifies a data folder from the ground up, and mends what can be mended.

Nothing of a face is thrown away: a row that cannot be read, and a picture that is not what its name
says, go to the folder ``damaged`` beside SQLite's file.
"""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np

from faceserver.errors import ImageError, NotFound
from faceserver.layout import COMMITS, FACES, INDEX
from faceserver.pictures import codec
from faceserver.runtime.database import Database
from faceserver.runtime.findings import Finder, Finding
from faceserver.runtime.folder_lock import folder_lock
from faceserver.runtime.progress import Begin, unseen
from faceserver.store.index.saved import SavedIndex, Unusable
from faceserver.store.pictures import (
    PictureFolder,
    Pictures,
    is_picture_name,
    picture_name,
)
from faceserver.store.pictures.copying import copy_out
from faceserver.store.sqlite.check import (
    bad_exemplars,
    bad_faces,
    bad_new_vectors,
    bad_subjects,
    broken_parts,
    collections_showing,
    count_rows,
    forget_exemplar,
    forget_new_vector,
    forget_picture,
    named_pictures,
    set_aside,
)
from faceserver.store.sqlite.collectiontable import CollectionRow, CollectionTable
from faceserver.store.sqlite.commits import CommitFile
from faceserver.store.sqlite.database import gallery_database
from faceserver.store.sqlite.facetable import FaceTable
from faceserver.store.sqlite.leftovers import damaged_folder
from faceserver.transfer.folder import database_in


def check_folder(
    data_dir: Path,
    *,
    pictures: Pictures | None = None,
    repair: bool = False,
    begin: Begin = unseen,
) -> list[Finding]:
    """Check SQLite, rows, vectors, pictures and saved indexes of a data folder.

    Args:
        data_dir: the data folder; no server runs on it.
        pictures: where its pictures are kept; None for the folder itself.
        repair: mend what is found.
        begin: told of each stage and its pieces: rows, then pictures.

    Returns:
        What is wrong, in the order it was found.

    Raises:
        NotFound: there is no gallery in the folder.
        StoreLocked: a server runs on it.
        StoreCorrupt: SQLite's file is damaged: only a backup helps.
        StoreTooNew: it was written by a later version.
        StoreUnavailable: what holds the pictures does not answer.
    """
    path = database_in(data_dir)
    with (
        folder_lock(data_dir),
        closing(CommitFile(data_dir / COMMITS)) as commits,
        closing(gallery_database(path, commits=commits)) as database,
    ):
        place = pictures or PictureFolder(data_dir)
        check = _Check(data_dir, database, place, repair=repair, begin=begin)
        return [*check.run(), *check.loss(commits)]


class _Check:
    def __init__(
        self,
        data_dir: Path,
        database: Database,
        pictures: Pictures,
        *,
        repair: bool,
        begin: Begin,
    ) -> None:
        self._data_dir = data_dir
        self._pictures = pictures
        self._database = database
        self._begin = begin
        self._found = Finder(repair=repair).found

    def run(self) -> Iterator[Finding]:
        yield from self._sqlite()
        yield from self._rows()
        yield from self._named_pictures()
        yield from self._orphans()
        for collection in CollectionTable(self._database).all():
            yield from self._index(collection)

    def loss(self, commits: CommitFile) -> Iterator[Finding]:
        """What the disk has lost without a trace; it cannot be mended, only known of."""
        if commits.loss:
            yield self._found(f"{FACES}: {commits.loss}", partial(_acknowledge, commits))

    def _sqlite(self) -> Iterator[Finding]:
        for fault in broken_parts(self._database):
            yield self._found(f"{FACES}: {fault}")

    def _rows(self) -> Iterator[Finding]:
        advance = self._begin("Rows", count_rows(self._database))
        for table, bad in (("subjects", bad_subjects), ("faces", bad_faces)):
            for row, uuid, reason in list(bad(self._database, advance)):
                yield self._found(
                    f"{table}: {uuid}: {reason}",
                    partial(set_aside, self._database, table, row, self._data_dir, self._pictures),
                )
        for row, uuid, reason in list(bad_new_vectors(self._database, advance)):
            yield self._found(
                f"change of model: {uuid}: {reason}",
                partial(forget_new_vector, self._database, row),
            )
        for row, uuid, reason in list(bad_exemplars(self._database, advance)):
            yield self._found(
                f"exemplars: {uuid}: {reason}", partial(forget_exemplar, self._database, row)
            )

    def _named_pictures(self) -> Iterator[Finding]:
        names = named_pictures(self._database)
        advance = self._begin("Pictures", len(names))
        for name in names:
            reason = self._picture_fault(name)
            if reason:
                yield self._found(f"picture {name}: {reason}", partial(self._forget, name))
            advance(1)

    def _picture_fault(self, name: str) -> str | None:
        if not is_picture_name(name):
            return "no picture can have that name"
        try:
            with self._pictures.open(name) as stream:
                jpeg = stream.read()
        except NotFound:
            return "it is missing"
        if picture_name(jpeg) != name:
            return "its content is not what its name says"
        try:
            codec.decode_stored(jpeg)
        except ImageError as error:
            return f"it cannot be read: {error}"
        return None

    def _forget(self, name: str) -> str:
        folders = []
        if self._is_there(name):
            # Each collection gets its own copy, so that a purge of one leaves the other's.
            showing = collections_showing(self._database, name)
            folders = [damaged_folder(self._data_dir, collection) for collection in showing]
        for folder in folders:
            copy_out(self._pictures, name, folder)
        faces = forget_picture(self._database, name)
        self._pictures.delete([name])
        moved = f"moved to {', '.join(map(str, folders))}; " if folders else ""
        return f"{moved}{faces} rows name it no more"

    def _orphans(self) -> Iterator[Finding]:
        thumbnails = CollectionTable(self._database).thumbnails()
        named = thumbnails.union(named_pictures(self._database))
        for name in sorted(set(self._pictures.names()) - named):
            yield self._found(f"picture {name}: no face is in it", partial(self._remove, name))
        for name in self._pictures.strays():
            yield self._found(
                f"picture {name}: no face is in it", partial(self._remove_stray, name)
            )

    def _remove(self, name: str) -> str:
        self._pictures.delete([name])
        return "removed"

    def _remove_stray(self, name: str) -> str:
        self._pictures.delete_stray(name)
        return "removed"

    def _is_there(self, name: str) -> bool:
        try:
            self._pictures.open(name).close()
        except NotFound:
            return False
        return True

    def _index(self, collection: CollectionRow) -> Iterator[Finding]:
        folder = self._data_dir / INDEX / str(collection.id)
        if not folder.is_dir():
            return  # it is built from SQLite when it is needed
        faces = FaceTable(self._database, collection=collection.id, dims=collection.dims)
        saved = SavedIndex(folder, model=collection.model, faces=faces)
        try:
            graph, _ = saved.load()
        except Unusable as reason:
            fault = str(reason)
        else:
            stored = faces.labels()
            lacking = np.setdiff1d(stored[stored <= graph.last], graph.labels())
            if not len(lacking):
                return
            fault = f"it lacks {len(lacking)} faces that SQLite has"
        name = collection.name
        yield self._found(
            f"index of {name}: {fault}",
            lambda: f"{saved.discard()} files removed; it is built anew at the next start",
        )


def _acknowledge(commits: CommitFile) -> str:
    commits.acknowledge()
    return "the gallery is taken as it is, and this is told no more"
