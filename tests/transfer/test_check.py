import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from faceserver.errors import NotFound, StoreCorrupt, StoreLocked
from faceserver.runtime.findings import Finding
from faceserver.store import Options, open_store
from faceserver.store.exemplars import Exemplar
from faceserver.store.sqlite.maintenance import pictures_named
from faceserver.transfer.backup import back_up, restore
from faceserver.transfer.check import check_folder
from tests.store.samples import DIMS, MODEL, new_face, new_faces, people
from tests.transfer.galleries import Stages, fill, jpeg, opened, picture_files


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    with closing(opened(tmp_path / "g")) as store:
        fill(store, store.pictures)
    return tmp_path / "g"


def run(gallery: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(gallery / "faces.sqlite")) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        made = triggers.fetchall()
        for name, _ in made:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement, values)
        for _, sql in made:
            connection.execute(sql)
        connection.commit()


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


def test_nothing_is_wrong_with_a_good_gallery(gallery: Path) -> None:
    before = picture_files(gallery)
    assert check_folder(gallery) == []
    assert check_folder(gallery, repair=True) == []
    assert picture_files(gallery) == before


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("box", "[1, 2, 3]", "box"),
        ("box", "[1, 2, 3, NaN]", "box"),
        ("points", "[[1, 2]]", "points"),
        ("points", "no json", "points"),
        ("score", float("inf"), "score"),
        ("tags", "{", "tags"),
        ("tags", "[1]", "tags"),
        ("created", "yesterday", "time"),
        ("created", "2020-01-01", "zone"),
        ("vector", b"short", "vector"),
        ("vector", np.full(DIMS, np.nan, "<f4").tobytes(), "vector"),
        ("vector", np.full(DIMS, 2.0, "<f4").tobytes(), "vector"),
    ],
)
def test_a_face_that_cannot_be_read_is_told_and_set_aside(
    gallery: Path, column: str, value: object, reason: str
) -> None:
    run(gallery, f"UPDATE faces SET {column} = ? WHERE id = 2", value)
    finding = only(check_folder(gallery))
    assert (finding.mended, reason in finding.what) == ("", True)
    assert "moved to" in only(check_folder(gallery, repair=True)).mended
    assert check_folder(gallery) == []
    kept = json.loads((gallery / "damaged" / "1" / "faces.jsonl").read_text())
    assert kept["id"] == 2
    assert set(kept["vector"]) == {"base64"}
    with closing(opened(gallery)) as store:
        assert store.collection().count() == 11
        tagged = store.collection().tag(store.collection().faces(limit=1).items[0].id, ["new"])
        assert tagged.tags == ("new",)  # the triggers are back


def test_the_picture_of_a_face_that_is_set_aside_is_kept_beside_it(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store, store.pictures.batch() as save:
        names = [save(jpeg(1)), save(jpeg(2))]
        face = new_face(people(1)[0], picture=names[0], crop=names[1])
        store.collection().add([face])
    before = picture_files(tmp_path)
    run(tmp_path, "UPDATE faces SET box = ''")
    assert len(check_folder(tmp_path, repair=True)) == 3
    assert picture_files(tmp_path) == {}
    folder = tmp_path / "damaged" / "1"
    assert {path.name: path.read_bytes() for path in folder.glob("*.jpg")} == before


@pytest.mark.parametrize(
    ("column", "value"), [("metadata", "[]"), ("tags", "x"), ("name", " "), ("created", "x")]
)
def test_a_person_that_cannot_be_read_is_set_aside_and_the_faces_stay(
    gallery: Path, column: str, value: object
) -> None:
    run(gallery, f"UPDATE subjects SET {column} = ? WHERE name = 'Ann'", value)
    assert only(check_folder(gallery)).what.startswith("subjects: ")
    assert only(check_folder(gallery, repair=True)).mended
    with closing(opened(gallery)) as store:
        assert [person.name for person in store.collection().subjects(limit=9).items] == ["Bob"]
        assert store.collection().count() == 12


def test_lost_and_changed_pictures_are_told_and_forgotten(gallery: Path) -> None:
    lost, changed, *_ = sorted(picture_files(gallery))
    (gallery / "uploadImages" / lost).unlink()
    (gallery / "uploadImages" / changed).write_bytes(b"another")
    found = {finding.what for finding in check_folder(gallery)}
    assert found == {
        f"picture {lost}: it is missing",
        f"picture {changed}: its content is not what its name says",
    }
    mended = check_folder(gallery, repair=True)
    assert all("name it no more" in finding.mended for finding in mended)
    (kept,) = (gallery / "damaged").glob(f"*/{changed}")
    assert kept.read_bytes() == b"another"
    assert check_folder(gallery) == []
    with closing(opened(gallery)) as store:
        assert store.status().faces == 13


def test_a_picture_that_is_none_is_told(gallery: Path) -> None:
    name = "a" * 64 + ".jpg"
    run(gallery, "UPDATE faces SET picture = ? WHERE id = 1", "../../outside")
    (gallery / "uploadImages" / name).write_bytes(b"x")
    found = [finding.what for finding in check_folder(gallery)]
    assert "picture ../../outside: no picture can have that name" in found
    assert f"picture {name}: no face is in it" in found
    check_folder(gallery, repair=True)
    assert check_folder(gallery) == []
    assert name not in picture_files(gallery)


def test_what_a_crash_left_half_written_is_no_fault(gallery: Path) -> None:
    (gallery / "uploadImages" / "0123.tmp").write_bytes(b"half")
    assert check_folder(gallery) == []
    opened(gallery).close()
    assert not (gallery / "uploadImages" / "0123.tmp").exists()


def test_a_picture_with_the_right_name_that_cannot_be_decoded_is_told(gallery: Path) -> None:
    with closing(opened(gallery)) as store:
        name = store.pictures.save(b"no picture")
    run(gallery, "UPDATE faces SET crop = ? WHERE id = 1", name)
    (finding,) = [item for item in check_folder(gallery) if name in item.what]
    assert "cannot be read" in finding.what


def test_a_name_that_leads_nowhere_is_told(gallery: Path) -> None:
    run(gallery, "UPDATE faces SET subject = 999 WHERE id = 1")
    assert "is gone" in only(check_folder(gallery)).what


@pytest.fixture
def changing(gallery: Path) -> Path:
    """The gallery on its way to another model: 7 of 12 faces have their new vector."""
    with closing(opened(gallery)) as store:
        change = store.change_model("default", model="next", dims=8)
        done = change.pending(limit=7).items
        vectors = people(7, dims=8)
        change.put({face.id: vector for face, vector in zip(done, vectors, strict=True)})
    return gallery


def pending(gallery: Path) -> int:
    with closing(opened(gallery)) as store:
        return len(store.change_model("default", model="next", dims=8).pending(limit=99).items)


def test_a_change_of_model_under_way_is_no_fault_and_keeps_its_pictures(
    changing: Path, tmp_path: Path
) -> None:
    before = picture_files(changing)
    assert check_folder(changing, repair=True) == []
    assert picture_files(changing) == before
    assert pictures_named(changing / "faces.sqlite") == sorted(before)
    back_up(changing, tmp_path / "b.zip")
    restore(tmp_path / "b.zip", tmp_path / "restored")
    assert picture_files(tmp_path / "restored") == before
    assert pending(tmp_path / "restored") == pending(changing) == 5


@pytest.mark.parametrize(
    "vector", [b"short", np.full(8, np.nan, "<f4").tobytes(), np.ones(8, "<f4").tobytes()]
)
def test_a_new_vector_that_cannot_be_is_told_and_made_anew(changing: Path, vector: bytes) -> None:
    run(changing, "UPDATE new_vectors SET vector = ? WHERE face = 3", vector)
    finding = only(check_folder(changing))
    assert finding.what.startswith("change of model: ")
    assert "anew" in only(check_folder(changing, repair=True)).mended
    assert check_folder(changing) == []
    assert pending(changing) == 6


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("vector = x'00'", "its vector"),
        ("content = '[]'", "its content"),
        ("until = 'never'", "its time"),
    ],
)
def test_what_is_remembered_and_cannot_be_is_told_and_removed(
    tmp_path: Path, change: str, reason: str
) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    with closing(open_store(tmp_path, model=MODEL, dims=DIMS)) as store:
        for vector in people(2):
            store.collection().keep(Exemplar("stranger", vector, until=until))
    run(tmp_path, f"UPDATE exemplars SET {change} WHERE id = 1")
    finding = only(check_folder(tmp_path))
    assert finding.what.startswith("exemplars: ")
    assert reason in finding.what
    assert only(check_folder(tmp_path, repair=True)).mended == "removed"
    assert check_folder(tmp_path) == []
    with closing(open_store(tmp_path, model=MODEL, dims=DIMS)) as store:
        assert len(store.collection().exemplars("stranger", limit=9).items) == 1


def test_with_a_face_that_is_set_aside_its_new_vector_goes(changing: Path) -> None:
    run(changing, "UPDATE faces SET box = '' WHERE id = 3")
    assert "moved to" in only(check_folder(changing, repair=True)).mended
    assert check_folder(changing) == []
    assert pending(changing) == 5


def test_progress_is_told_to_the_last_row_and_picture(changing: Path) -> None:
    stages = Stages()
    check_folder(changing, begin=stages.begin)
    assert stages.done == stages.totals == {"Rows": 22, "Pictures": 4}


def with_graph(folder: Path) -> Path:
    options = Options(exact_up_to=10)
    with closing(open_store(folder, model=MODEL, dims=DIMS, options=options)) as store:
        store.collection().add(new_faces(people(40)))
    run(folder, "UPDATE faces SET picture = ''")
    (index,) = (folder / "index").iterdir()
    return index


def test_a_good_index_is_no_fault_and_a_torn_one_is(tmp_path: Path) -> None:
    index = with_graph(tmp_path)
    assert check_folder(tmp_path) == []
    next(index.glob("*.hnsw")).write_bytes(b"torn")
    assert "index of default" in only(check_folder(tmp_path)).what
    assert "built anew" in only(check_folder(tmp_path, repair=True)).mended
    assert check_folder(tmp_path) == []


def test_an_index_that_lacks_a_face_is_told(tmp_path: Path) -> None:
    path = with_graph(tmp_path) / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "last": manifest["last"] + 10}))
    columns = "collection, picture, source, created, box, points, score, vector"
    run(
        tmp_path,
        f"INSERT INTO faces (id, uuid, {columns}) SELECT 45, 'x', {columns} FROM faces LIMIT 1",
    )
    assert "lacks 1 faces" in only(check_folder(tmp_path)).what


def test_a_folder_without_a_gallery_one_in_use_and_a_damaged_one(
    gallery: Path, tmp_path: Path
) -> None:
    with pytest.raises(NotFound):
        check_folder(tmp_path)
    with closing(opened(gallery)), pytest.raises(StoreLocked):
        check_folder(gallery)
    data = bytearray((gallery / "faces.sqlite").read_bytes())
    data[100:20_000] = bytes(19_900)
    (gallery / "faces.sqlite").write_bytes(data)
    with pytest.raises(StoreCorrupt):
        check_folder(gallery, repair=True)
