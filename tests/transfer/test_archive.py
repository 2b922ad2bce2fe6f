from contextlib import closing
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import pytest

from faceserver.errors import (
    AlreadyExists,
    FaceServerError,
    InvalidArchive,
    StoreFull,
    StoreMismatch,
)
from faceserver.store.base import Collection
from faceserver.store.sqlite.store import DurableStore
from faceserver.transfer.archive import ArchiveReader
from faceserver.transfer.exporting import Exported, export_archive
from faceserver.transfer.importing import Imported, import_archive
from tests.store.samples import MODEL, new_face, people
from tests.transfer.galleries import CONTRACT, Stages, content, fill, jpeg, opened, picture_files


def take_in(store: DurableStore, path: Path, contract: str = CONTRACT) -> Imported:
    with ArchiveReader(path) as archive:
        return import_archive(archive, store, store.pictures, contracts={MODEL: contract})


def give_out(store: DurableStore, path: Path, *names: str) -> Exported:
    return export_archive(store, store.pictures, path, contracts={MODEL: CONTRACT}, names=names)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    with closing(opened(tmp_path / "source")) as store:
        fill(store, store.pictures)
        give_out(store, tmp_path / "all.zip")
    return tmp_path / "all.zip"


def rewritten(path: Path, changes: dict[str, bytes | None]) -> Path:
    """A copy of a zip with other, more or fewer members."""
    target = path.with_name("changed.zip")
    with ZipFile(path) as old, ZipFile(target, "w", ZIP_STORED) as new:
        members = {name: old.read(name) for name in old.namelist()}
        for name, data in {**members, **changes}.items():
            if data is not None:
                new.writestr(name, data)
    return target


def member(path: Path, name: str) -> bytes:
    with ZipFile(path) as file:
        return file.read(name)


def test_an_archive_comes_back_bit_for_bit(archive: Path, tmp_path: Path) -> None:
    with closing(opened(tmp_path / "target")) as target:
        assert take_in(target, archive) == Imported(subjects=2, faces=13, present=0, merges=0)
        restored = content(target)
    with closing(opened(tmp_path / "source")) as source:
        assert restored == content(source)
    assert picture_files(tmp_path / "target") == picture_files(tmp_path / "source")
    assert len(picture_files(tmp_path / "target")) == 4
    with closing(opened(tmp_path / "target")) as again:  # what was acknowledged is on the disk
        assert content(again) == restored


def test_an_export_says_what_it_holds_and_leaves_no_other_file(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "source")) as store:
        fill(store, store.pictures)
        missing = store.collection("holiday-1").faces(limit=1).items[0].picture
        assert missing
        Path(store.pictures.place(missing)).unlink()
        done = give_out(store, tmp_path / "all.zip")
        assert done == Exported(
            collections=2, subjects=2, merges=0, faces=13, pictures=3, missing=(missing,)
        )
        with pytest.raises(AlreadyExists):
            give_out(store, tmp_path / "all.zip")
    assert {path.name for path in tmp_path.iterdir()} == {"all.zip", "source"}
    with closing(opened(tmp_path / "target")) as target:
        assert take_in(target, tmp_path / "all.zip").faces == 13
        (face,) = target.collection("holiday-1").faces(limit=2).items
        assert face.picture == missing


def test_progress_is_told_to_the_last_picture(tmp_path: Path) -> None:
    stages = Stages()
    with closing(opened(tmp_path / "source")) as store:
        fill(store, store.pictures)
        export_archive(store, store.pictures, tmp_path / "e.zip", contracts={}, begin=stages.begin)
    assert stages.done == stages.totals == {"Faces": 26, "Pictures": 4}


def test_chosen_collections_are_exported(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "source")) as store:
        fill(store, store.pictures)
        assert give_out(store, tmp_path / "one.zip", "holiday-1").faces == 1
    with ArchiveReader(tmp_path / "one.zip") as reader:
        assert [entry.name for entry in reader.manifest.collections] == ["holiday-1"]


def test_a_second_run_takes_in_nothing_twice(archive: Path, tmp_path: Path) -> None:
    with closing(opened(tmp_path / "target")) as target:
        take_in(target, archive)
        before = content(target)
        assert take_in(target, archive) == Imported(subjects=0, faces=0, present=13, merges=0)
        assert content(target) == before


def test_an_interrupted_import_goes_on(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceserver.transfer.importing._AT_ONCE", 5)
    with closing(opened(tmp_path / "target")) as target:
        collection = target.collection()
        plain, calls = collection.add, []

        def full_at_the_second(faces: list[object]) -> object:
            calls.append(len(faces))
            if len(calls) == 2:
                raise StoreFull("no space")
            return plain(faces)  # type: ignore[arg-type]

        monkeypatch.setattr(collection, "add", full_at_the_second)
        with pytest.raises(StoreFull):
            take_in(target, archive)
        assert collection.count() == 5
        shown = {face.picture for face in collection.faces(limit=9).items}
        shown |= {face.crop for face in collection.faces(limit=9).items}
        assert picture_files(tmp_path / "target").keys() == shown - {None}
        done = take_in(target, archive)
        assert (done.faces, done.present) == (8, 5)
        restored = content(target)
    with closing(opened(tmp_path / "source")) as source:
        assert restored == content(source)


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("a" * 64, "b" * 64, "weights"),
        ('kind = "whiten"', 'kind = "fixed"', "input"),
    ],
)
def test_a_model_of_the_same_name_that_differs_is_refused(
    archive: Path, tmp_path: Path, old: str, new: str, part: str
) -> None:
    with closing(opened(tmp_path / "target")) as target:
        with pytest.raises(StoreMismatch, match=f"differ in {part}$"):
            take_in(target, archive, CONTRACT.replace(old, new))
        assert target.collections() == ["default"]
        assert target.status().faces == 0


def test_a_gallery_of_another_model_refuses_an_archive(archive: Path, tmp_path: Path) -> None:
    with closing(opened(tmp_path / "target", "newer-model")) as target:
        with pytest.raises(StoreMismatch, match=f"{MODEL} .*newer-model"):
            take_in(target, archive)
        assert target.status().faces == 0


def test_a_name_that_somebody_else_has_is_told_before_anything_is_changed(
    archive: Path, tmp_path: Path
) -> None:
    with closing(opened(tmp_path / "target")) as target:
        target.collection().add_subject("BOB")
        with pytest.raises(AlreadyExists, match="'Bob'"):
            take_in(target, archive)
        assert target.status().faces == 0
        assert len(target.collection().subjects(limit=9).items) == 1


def test_a_face_of_another_collection_is_told_before_anything_is_changed(
    archive: Path, tmp_path: Path
) -> None:
    with closing(opened(tmp_path / "source")) as source:
        taken = source.collection().faces(limit=1).items[0].id
    with closing(opened(tmp_path / "target")) as target:
        mine: Collection = target.create("mine", model=MODEL, dims=16)
        mine.add([new_face(people(1)[0], picture=None, id=taken)])
        with pytest.raises(AlreadyExists, match="is in 'mine' already"):
            take_in(target, archive)
        assert target.collection().count() == 0


def lines(path: Path, name: str) -> list[bytes]:
    return member(path, f"collections/default/{name}").splitlines(keepends=True)


FACES = "collections/default/faces.jsonl"
SUBJECTS = "collections/default/subjects.jsonl"
VECTORS = "collections/default/vectors.npy"


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (FACES, lambda data: data[: data.index(b"\n") + 1], "has 1 lines, not 12"),
        (FACES, lambda data: data.replace(b'"score":0.9', b'"score":"x', 1), "line 1"),
        (FACES, lambda data: data[:-9], "line 12"),
        (FACES, lambda data: 12 * (data[: data.index(b"\n") + 1]), "occurs twice"),
        (SUBJECTS, lambda data: data.replace(b"Bob", b""), "line 2: name"),
        (SUBJECTS, lambda data: 2 * data[: data.index(b"\n") + 1], "occurs twice"),
        (VECTORS, lambda data: data[:-4], "ends too early"),
        (VECTORS, lambda data: data + b"\0", "is too long"),
        (VECTORS, lambda data: data[:-4] + b"\0\0\xc0\x7f", "length 1, not nan"),
        (
            VECTORS,
            lambda data: data.replace(b"(12, 16)", b"(13, 16)"),
            "not the one that the manifest",
        ),
        (VECTORS, lambda data: data.replace(b"(12, 16)", b"(12, 16'"), "is no array"),
        (VECTORS, lambda data: data[:6] + b"\2" + data[7:], "is no array"),
        (VECTORS, lambda _: None, "vectors.npy is missing"),
        ("faceserver-archive.json", lambda _: None, "holds no 'faceserver-archive.json'"),
        (
            "faceserver-archive.json",
            lambda data: data.replace(b'"format": 4', b'"format": 5'),
            "format",
        ),
        ("faceserver-archive.json", lambda data: data.replace(b"holiday-1", b"../oliday"), "name"),
        (
            "faceserver-archive.json",
            lambda data: data.replace(b'"pictures": 4', b'"pictures": 5'),
            "not 5",
        ),
        ("faceserver-archive.json", lambda _: b"[" * 100_000, "not that of an archive"),
        ("collections/default/model.toml", lambda _: b"\xff", "not text"),
        ("collections/default/model.toml", lambda _: b"= =", "not TOML"),
        ("surprise.txt", lambda _: b"", "does not belong"),
        ("../outside.txt", lambda _: b"", "leads out"),
        ("/etc/outside.txt", lambda _: b"", "leads out"),
    ],
)
def test_what_is_changed_is_noticed_before_anything_is_written(
    archive: Path, tmp_path: Path, name: str, change: object, message: str
) -> None:
    with ZipFile(archive) as file:
        data = file.read(name) if name in file.namelist() else b""
    assert callable(change)
    bad = rewritten(archive, {name: change(data)})
    with closing(opened(tmp_path / "target")) as target:
        with pytest.raises(InvalidArchive, match=message):
            take_in(target, bad)
        assert target.collections() == ["default"]
        assert target.status().faces == 0
        assert not target.collection().subjects(limit=1).items
    assert picture_files(tmp_path / "target") == {}


def test_a_picture_that_is_another_is_noticed(archive: Path, tmp_path: Path) -> None:
    with ZipFile(archive) as file:
        name = next(name for name in file.namelist() if name.startswith("pictures/"))
    with closing(opened(tmp_path / "target")) as target:
        with pytest.raises(InvalidArchive, match="does not match its name"):
            take_in(target, rewritten(archive, {name: jpeg(7)}))
        with pytest.raises(InvalidArchive, match="holds 3 pictures, not 4"):
            take_in(target, rewritten(archive, {name: None}))
        manifest = member(archive, "faceserver-archive.json").replace(
            b'"pictures": 4', b'"pictures": 3'
        )
        with pytest.raises(InvalidArchive, match="is of a picture"):
            take_in(target, rewritten(archive, {name: None, "faceserver-archive.json": manifest}))
        assert target.status().faces == 0


def test_a_person_whom_the_archive_lacks_is_noticed(archive: Path, tmp_path: Path) -> None:
    manifest = member(archive, "faceserver-archive.json").replace(
        b'"subjects": 2', b'"subjects": 1'
    )
    first = lines(archive, "subjects.jsonl")[0]
    bad = rewritten(archive, {SUBJECTS: first, "faceserver-archive.json": manifest})
    with closing(opened(tmp_path / "target")) as target:
        with pytest.raises(InvalidArchive, match="who is not in the archive"):
            take_in(target, bad)
        assert not target.collection().subjects(limit=1).items


def test_two_collections_of_one_name_are_refused(archive: Path, tmp_path: Path) -> None:
    manifest = member(archive, "faceserver-archive.json").replace(b"holiday-1", b"default")
    bad = rewritten(
        archive,
        {
            "faceserver-archive.json": manifest,
            **{
                f"collections/holiday-1/{name}": None
                for name in ("faces.jsonl", "subjects.jsonl", "vectors.npy")
            },
        },
    )
    with pytest.raises(InvalidArchive, match="two of its collections"):
        ArchiveReader(bad)


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 0.999])
def test_a_cut_off_archive_is_refused(archive: Path, part: float) -> None:
    data = archive.read_bytes()
    archive.write_bytes(data[: int(part * len(data))])
    with pytest.raises(InvalidArchive, match="not a zip file, or is damaged"):
        ArchiveReader(archive)


def test_no_flipped_byte_goes_unnoticed(archive: Path, tmp_path: Path) -> None:
    """Nothing but the two outcomes: refused, or, where the byte means nothing, as it was."""
    data = bytearray(archive.read_bytes())
    with closing(opened(tmp_path / "source")) as source:
        whole = content(source)
    for number, place in enumerate(range(30, len(data), max(1, len(data) // 25))):
        changed = bytearray(data)
        changed[place] ^= 0x55
        archive.write_bytes(changed)
        with closing(opened(tmp_path / f"target-{number}")) as target:
            try:
                take_in(target, archive)
            except FaceServerError:
                assert target.status().faces == 0
            else:
                assert content(target) == whole
