"""A gallery moves between a data folder and a database, either way, and is checked in both."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from faceserver.store.base import Gallery
from faceserver.store.exemplars import Exemplar
from faceserver.transfer.archive import ArchiveReader
from faceserver.transfer.exporting import export_archive
from faceserver.transfer.importing import import_archive
from tests.store.samples import new_faces, people
from tests.support.postgres import open_shared
from tests.transfer.galleries import content, fill, opened, picture_files

if TYPE_CHECKING:
    from faceserver.store.postgres.store import PostgresStore


@pytest.fixture
def shared(postgres_url: str, tmp_path: Path) -> "Iterator[PostgresStore]":
    with closing(open_shared(postgres_url, tmp_path / "shared")) as store:
        yield store


def move(source: Gallery, target: Gallery, path: Path) -> None:
    export_archive(source, source.pictures, path, contracts={})
    with ArchiveReader(path) as archive:
        import_archive(archive, target, target.pictures, contracts={})


def test_into_a_database_and_back(shared: "PostgresStore", tmp_path: Path) -> None:
    with (
        closing(opened(tmp_path / "first")) as first,
        closing(opened(tmp_path / "last")) as last,
    ):
        fill(first, first.pictures)
        ann = first.collection().subject_named("Ann")
        bob = first.collection().subject_named("Bob")
        assert ann
        assert bob
        merge = first.collection().merge(ann.id, into=bob.id)
        move(first, shared, tmp_path / "there.zip")
        assert content(shared) == content(first)
        move(shared, last, tmp_path / "back.zip")
        assert content(last) == content(first)
        folders = [tmp_path / name for name in ("first", "shared", "last")]
        assert picture_files(folders[0]) == picture_files(folders[1]) == picture_files(folders[2])
        for store in (first, shared, last):
            assert store.collection().undo(merge.id).name == "Ann"
        assert content(shared) == content(first)


def test_a_whole_gallery_has_no_faults(shared: "PostgresStore") -> None:
    from faceserver.store.postgres.check import check_database  # noqa: PLC0415

    fill(shared, shared.pictures)
    assert list(check_database(shared)) == []


def test_faults_are_found_and_mended(shared: "PostgresStore") -> None:
    from faceserver.store.postgres.check import check_database  # noqa: PLC0415

    fill(shared, shared.pictures)
    shared.collection().add(new_faces(people(3, seed=9)))  # of a picture that is not there
    shared.pictures.save(b"of nobody")
    tables = shared.collection().tables
    collection = shared.collection()
    for seed in range(3):
        collection.keep(Exemplar("refusal", people(1, seed=seed)[0]))
    beside, last = (f"(SELECT {one}(id) FROM {tables.exemplars})" for one in ("min", "max"))
    first = f"(SELECT min(id) FROM {tables.faces})"
    for statement in (
        f"DELETE FROM {tables.vectors} WHERE face = {first}",
        f"UPDATE {tables.vectors} SET vector = vector + vector WHERE face = {first} + 1",
        f"INSERT INTO {tables.vectors} SELECT 999999, vector FROM {tables.vectors} LIMIT 1",
        f"UPDATE {tables.faces} SET subject = 999999 WHERE id = {first} + 2",
        f"UPDATE {tables.exemplars} SET subject = 999999 WHERE id = {beside}",
        f"UPDATE {tables.exemplars} SET vector = '[1]' WHERE id = {last}",
    ):
        shared.database.write(lambda t, s=statement: t.run(s))  # type: ignore[misc]
    found = [finding.what for finding in check_database(shared)]
    assert found[:5] == [
        "default: of 1 faces the embedding is missing",
        "default: 1 embeddings have no face",
        "default: 1 embeddings are no unit vectors",
        "default: 1 faces show somebody who is not there",
        "default: 2 exemplars have a bad embedding, or are of a face or person who is not there",
    ]
    assert [what.split(": ")[1] for what in found[5:]] == ["it is missing", "no face is in it"]
    assert all(finding.mended for finding in check_database(shared, repair=True))
    assert [finding.what for finding in check_database(shared)] == []
    assert len(collection.exemplars("refusal", limit=9).items) == 1
