"""Merges go out with an export, come back, and can be undone there."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import pytest

from faceserver.errors import InvalidArchive
from faceserver.store import Options, open_store
from faceserver.store.base import Collection
from faceserver.store.sqlite.store import DurableStore
from faceserver.transfer.archive import ArchiveReader
from faceserver.transfer.exporting import export_archive
from faceserver.transfer.importing import import_archive
from tests.store.samples import DIMS, MODEL, new_face, people
from tests.transfer.galleries import content, opened

MERGES = "collections/default/merges.jsonl"


def with_faces(collection: Collection, name: str, count: int, seed: int) -> str:
    subject = collection.add_subject(name, tags=["b", name], metadata={"née": [name, None]})
    faces = people(count, seed=seed)
    collection.add([new_face(vector, picture=None, subject=subject.id) for vector in faces])
    return subject.id


def take_in(store: DurableStore, path: Path) -> int:
    with ArchiveReader(path) as archive:
        return import_archive(archive, store, store.pictures, contracts={}).merges


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Of a gallery with merges upon merges, and a collection without any."""
    with closing(opened(tmp_path / "source")) as store:
        part = store.collection()
        ids = [with_faces(part, name, 2, len(name)) for name in ("A", "BB", "CCC", "DDDD")]
        part.merge(ids[0], into=ids[1])
        part.merge(ids[1], into=ids[2])
        part.merge(ids[3], into=ids[2])
        store.create("other", model=MODEL, dims=DIMS)
        done = export_archive(store, store.pictures, tmp_path / "all.zip", contracts={})
        assert (done.merges, done.subjects) == (3, 1)
    return tmp_path / "all.zip"


def test_merges_come_back_bit_for_bit_and_can_be_undone(archive: Path, tmp_path: Path) -> None:
    with closing(opened(tmp_path / "target")) as target:
        assert take_in(target, archive) == 3
    with closing(opened(tmp_path / "source")) as source, closing(opened(tmp_path / "target")) as t:
        ours, theirs = t.collection(), source.collection()
        assert ours.merge_records() == theirs.merge_records()
        for merge in theirs.merges():
            theirs.undo(merge.id)
            ours.undo(merge.id)
        assert content(t) == content(source)
        assert len(ours.subjects(limit=9).items) == 4


def test_a_second_run_brings_no_merge_twice_and_none_back_that_was_undone(
    archive: Path, tmp_path: Path
) -> None:
    with closing(opened(tmp_path / "target")) as target:
        take_in(target, archive)
        part = target.collection()
        part.undo(part.merges()[0].id)
        before = (content(target), part.merge_records())
        assert take_in(target, archive) == 0
        assert (content(target), part.merge_records()) == before


def test_merges_whose_time_is_over_stay_behind(tmp_path: Path) -> None:
    options = Options(undo_for=timedelta(0))
    folder = tmp_path / "source"
    with closing(open_store(folder, model=MODEL, dims=DIMS, options=options)) as store:
        ids = [with_faces(store.collection(), name, 1, len(name)) for name in ("A", "BB")]
        store.collection().merge(ids[0], into=ids[1])
        done = export_archive(store, store.pictures, tmp_path / "all.zip", contracts={})
    assert done.merges == 0
    with ZipFile(tmp_path / "all.zip") as file:
        assert MERGES not in file.namelist()


def test_a_merge_whose_time_ends_on_the_way_is_passed_over(archive: Path, tmp_path: Path) -> None:
    def let_it_end(lines: list[dict[str, object]]) -> None:
        at = datetime.fromisoformat(str(lines[0]["at"]))
        lines[0]["until"] = (at + timedelta(microseconds=1)).isoformat()

    with closing(opened(tmp_path / "target")) as target:
        assert take_in(target, rewritten(archive, let_it_end)) == 2


def rewritten(path: Path, change: Callable[[list[dict[str, object]]], object]) -> Path:
    with ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    lines = [json.loads(line) for line in members[MERGES].splitlines()]
    change(lines)
    members[MERGES] = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    target = path.with_name("changed.zip")
    with ZipFile(target, "w", ZIP_STORED) as new:
        for name, data in members.items():
            new.writestr(name, data)
    return target


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines.pop(), "has 2 lines, not 3"),
        (lambda lines: lines[1].update(id=lines[0]["id"]), "occurs twice"),
        (lambda lines: lines[1].update(gone=lines[0]["gone"]), "still exists"),
        (lambda lines: lines[2]["gone"].update(id=lines[2]["into"]), "still exists"),
        (lambda lines: lines[0].update(id="../evil"), "line 1: id"),
        (lambda lines: lines[0].update(until="2020-01-01T00:00:00"), "line 1: until"),
        (lambda lines: lines[0].update(more=1), "line 1: more"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_taken_in(
    archive: Path, tmp_path: Path, change: Callable[[list[dict[str, object]]], object], message: str
) -> None:
    with closing(opened(tmp_path / "target")) as target:
        with pytest.raises(InvalidArchive, match=message):
            take_in(target, rewritten(archive, change))
        assert target.collections() == ["default"]
        assert target.collection().subjects(limit=9).items == ()


def test_merges_that_are_missing_or_not_told_of_are_noticed(archive: Path) -> None:
    for change in ("missing", "not told of"):
        target = archive.with_name(f"{change}.zip")
        with ZipFile(archive) as old, ZipFile(target, "w") as new:
            for name in old.namelist():
                if (name, change) == (MERGES, "missing"):
                    continue
                data = old.read(name)
                if change == "not told of":
                    data = data.replace(b'"merges": 3', b'"merges": 0')
                new.writestr(name, data)
        with pytest.raises(InvalidArchive, match=r"missing|does not belong"):
            ArchiveReader(target)
