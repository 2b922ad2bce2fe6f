"""Refusals and strangers go out with an export and a backup, and come back."""

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import pytest

from faceserver.errors import InvalidArchive
from faceserver.store.base import Collection
from faceserver.store.exemplars import Exemplar
from faceserver.store.sqlite.store import DurableStore
from faceserver.transfer.archive import ArchiveReader
from faceserver.transfer.backup import back_up, restore
from faceserver.transfer.exporting import all_exemplars, export_archive
from faceserver.transfer.format import exemplar_line
from faceserver.transfer.importing import import_archive
from tests.store.samples import new_face, people
from tests.transfer.galleries import opened

MEMBER = "collections/default/exemplars.jsonl"
MANIFEST = "faceserver-archive.json"
LATER = datetime.now(UTC) + timedelta(days=1)
VECTORS = people(4, seed=9)


def fill(store: DurableStore) -> None:
    """Refusals of people who were merged and of stored faces; strangers."""
    part = store.collection()
    ann, ben = part.add_subject("Ann"), part.add_subject("Ben")
    (face,) = part.add([new_face(VECTORS[0], picture=None)])
    part.keep(Exemplar("refusal", VECTORS[0], subject=ann.id, face=face.id, content={"a": [1]}))
    part.keep(Exemplar("refusal", VECTORS[1], subject=ben.id))
    part.keep(Exemplar("stranger", VECTORS[2], content={"seen": 2}, until=LATER))
    part.merge(ann.id, into=ben.id)


def test_what_was_decided_on_suggestions_comes_back(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "source")) as source:
        part = source.collection()
        ann = part.add_subject("Ann")
        one, other = part.add([new_face(vector, picture=None) for vector in VECTORS[:2]])
        part.keep(Exemplar("ignored", one.embedding, face=one.id))
        part.keep(
            Exemplar(
                "apart", other.embedding, subject=ann.id, face=other.id, content={"other": one.id}
            )
        )
        before = remembered(part)
        assert len(before) == 2
        export_archive(source, source.pictures, tmp_path / "all.zip", contracts={})
    back_up(tmp_path / "source", tmp_path / "backup.zip")
    with closing(opened(tmp_path / "target")) as target:
        take_in(target, tmp_path / "all.zip")
        assert remembered(target.collection()) == before
    restore(tmp_path / "backup.zip", tmp_path / "restored")
    with closing(opened(tmp_path / "restored")) as restored:
        assert remembered(restored.collection()) == before


def remembered(collection: Collection) -> list[str]:
    return [exemplar_line(item).model_dump_json() for item in all_exemplars(collection)]


def take_in(store: DurableStore, path: Path) -> None:
    with ArchiveReader(path) as archive:
        import_archive(archive, store, store.pictures, contracts={})


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    with closing(opened(tmp_path / "source")) as store:
        fill(store)
        export_archive(store, store.pictures, tmp_path / "all.zip", contracts={})
    return tmp_path / "all.zip"


def test_they_come_back_bit_for_bit_and_follow_an_undone_merge(
    archive: Path, tmp_path: Path
) -> None:
    with closing(opened(tmp_path / "source")) as s, closing(opened(tmp_path / "target")) as t:
        take_in(t, archive)
        ours, theirs = t.collection(), s.collection()
        assert len(remembered(ours)) == 3
        assert remembered(ours) == remembered(theirs)
        take_in(t, archive)
        assert remembered(ours) == remembered(theirs)
        for part in (ours, theirs):
            part.undo(part.merges()[0].id)
        assert remembered(ours) == remembered(theirs)
        (ann,) = ours.subjects(limit=9, called="Ann").items
        assert len(ours.exemplars("refusal", limit=9, subject=ann.id).items) == 1


def test_what_was_forgotten_meanwhile_comes_back_with_the_archive(
    archive: Path, tmp_path: Path
) -> None:
    with closing(opened(tmp_path / "source")) as store:
        before = sorted(remembered(store.collection()))
        store.collection().forget([item.id for item in all_exemplars(store.collection())])
        take_in(store, archive)
        assert sorted(remembered(store.collection())) == before


def test_a_backup_has_them(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "source")) as store:
        fill(store)
        before = remembered(store.collection())
        back_up(tmp_path / "source", tmp_path / "backup.zip")
    restore(tmp_path / "backup.zip", tmp_path / "target")
    with closing(opened(tmp_path / "target")) as store:
        assert remembered(store.collection()) == before


def changed(path: Path, change: Callable[[list[dict[str, Any]]], None]) -> Path:
    """The archive with other lines."""
    target = path.with_name("changed.zip")
    with ZipFile(path) as source, ZipFile(target, "w", ZIP_STORED) as copy:
        lines = [json.loads(line) for line in source.read(MEMBER).splitlines()]
        change(lines)
        for name in source.namelist():
            data = source.read(name)
            if name == MEMBER:
                data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
            if name == MANIFEST:
                held = json.loads(data)
                held["collections"][0]["exemplars"] = len(lines)
                data = json.dumps(held).encode()
            copy.writestr(name, data)
    return target


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("vector", [1.0], "float32 of shape"),
        ("vector", [0.0] * 16, "length 1, not 0"),
        ("kind", "friend", "kind"),
        ("subject", "a" * 32, "a person who is not in the archive"),
        ("face", "a" * 32, "a face that is not in the archive"),
        ("until", "tomorrow", "until"),
        ("content", [], "content"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_changed(
    archive: Path, tmp_path: Path, field: str, value: object, reason: str
) -> None:
    bad = changed(archive, lambda lines: lines[0].update({field: value}))
    with closing(opened(tmp_path / "target")) as store:
        with pytest.raises(InvalidArchive, match=reason):
            take_in(store, bad)
        assert store.collection().count() == 0


def test_one_that_comes_twice_is_refused(archive: Path, tmp_path: Path) -> None:
    bad = changed(archive, lambda lines: lines.append(lines[0]))
    with (
        closing(opened(tmp_path / "target")) as store,
        pytest.raises(InvalidArchive, match="twice"),
    ):
        take_in(store, bad)


def test_one_whose_time_ends_on_the_way_is_passed_over(archive: Path, tmp_path: Path) -> None:
    old = changed(archive, lambda lines: lines[2].update(until="2020-01-01T00:00:00Z"))
    with closing(opened(tmp_path / "target")) as store:
        take_in(store, old)
        assert len(remembered(store.collection())) == 2
