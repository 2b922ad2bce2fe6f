"""Pictures go with their last face, and a purge leaves nothing behind."""

import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from faceserver.errors import CannotUndo, Conflict, NotFound, StoreError, StoreFull
from faceserver.store import Options, open_store
from faceserver.store.sqlite.store import DurableStore
from faceserver.store.sweeping import Swept
from faceserver.types import Face
from tests.store.samples import DIMS, MODEL, new_face, people


def opened(folder: Path, **options: object) -> DurableStore:
    return open_store(folder, model=MODEL, dims=DIMS, options=Options(**options))  # type: ignore[arg-type]


def register(store: DurableStore, jpeg: bytes, count: int = 1, seed: int = 0) -> list[Face]:
    """The faces of one picture."""
    with store.pictures.batch() as save:
        name = save(jpeg)
        return store.collection().add(
            [new_face(vector, picture=name) for vector in people(count, seed=seed)]
        )


def pictures(store: DurableStore) -> set[str]:
    return set(store.pictures.names())


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_picture_goes_with_its_last_face(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        one, two = register(store, b"two faces", 2)
        (other,) = register(store, b"another")
        store.collection().delete([one.id])
        assert pictures(store) == {two.picture, other.picture}
        store.collection().delete([two.id])
        assert pictures(store) == {other.picture}


def test_a_picture_of_two_collections_stays_until_both_let_go(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        (one,) = register(store, b"shared")
        second = store.create("second", model=MODEL, dims=DIMS)
        (two,) = second.add([new_face(people(1)[0], picture=one.picture)])
        store.collection().delete([one.id])
        assert pictures(store) == {one.picture}
        second.delete([two.id])
        assert pictures(store) == set()


def test_crops_go_too(tmp_path: Path) -> None:
    with closing(opened(tmp_path, keep="crops")) as store:
        assert store.pictures.keep == "crops"
        with store.pictures.batch() as save:
            crop = save(b"crop")
            (face,) = store.collection().add([new_face(people(1)[0], picture=None, crop=crop)])
        assert pictures(store) == {crop}
        store.collection().delete([face.id])
        assert pictures(store) == set()


def test_subjects_and_all_faces_take_their_pictures_along(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        ann = store.collection().add_subject("Ann")
        (face,) = register(store, b"ann")
        store.collection().move([face.id], ann.id)
        register(store, b"somebody", seed=1)
        store.collection().delete_subject(ann.id)
        assert len(pictures(store)) == 1
        store.collection().delete_all()
        assert pictures(store) == set()


def test_faces_that_are_not_stored_leave_no_picture(tmp_path: Path) -> None:
    def fail(store: DurableStore) -> None:
        with store.pictures.batch() as save:
            face = new_face(people(1)[0], picture=save(b"lost"), subject="0" * 32)
            store.collection().add([face])

    with closing(opened(tmp_path)) as store:
        (kept,) = register(store, b"kept")
        with pytest.raises(NotFound):
            fail(store)
        assert pictures(store) == {kept.picture}


def test_a_picture_on_its_way_in_is_not_taken_away(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        (old,) = register(store, b"the same")
        with store.pictures.batch() as save:
            name = save(b"the same")
            store.collection().delete([old.id])
            assert pictures(store) == {name}
            (new,) = store.collection().add([new_face(people(1)[0], picture=name)])
        assert pictures(store) == {name}
        store.collection().delete([new.id])
        assert pictures(store) == set()


def test_a_crash_before_the_picture_went_is_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(opened(tmp_path)) as store:
        (face,) = register(store, b"doomed")
        with monkeypatch.context() as patch:
            patch.setattr(DurableStore, "_discard_doomed", lambda _: 0)
            store.collection().delete([face.id])
        assert pictures(store) == {face.picture}
    with closing(opened(tmp_path)) as store:
        assert pictures(store) == set()


def test_a_picture_that_cannot_go_now_goes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> int:
        raise StoreError("read-only")

    with closing(opened(tmp_path)) as store:
        (face,) = register(store, b"stubborn")
        with monkeypatch.context() as patch:
            patch.setattr(store.pictures, "discard", refuse)
            assert store.collection().delete([face.id]) == 1
        assert "could not be removed" in caplog.text
        store.collection().add_subject("whatever changes next")
        assert pictures(store) == set()


@pytest.mark.parametrize("exact_up_to", [0, 2000])
def test_a_purge_leaves_nothing_behind(tmp_path: Path, exact_up_to: int) -> None:
    vectors = people(300)
    with closing(opened(tmp_path, exact_up_to=exact_up_to)) as store:
        collection = store.collection()
        ann = collection.add_subject("Secret Ann", metadata={"secret": "note"}, tags=["secret-tag"])
        bob = collection.add_subject("Secret Bob")
        with store.pictures.batch() as save:
            collection.add(
                [
                    new_face(
                        vector,
                        "secret source",
                        picture=save(b"secret picture %d" % (number // 2)),
                        subject=ann.id,
                        tags=("secret-tag",),
                        external_id="secret-id",
                    )
                    for number, vector in enumerate(vectors)
                ]
            )
        collection.merge(ann.id, into=bob.id)
    with closing(opened(tmp_path, exact_up_to=exact_up_to)) as store:
        before = everything(tmp_path).lower()
        assert b"secret" in before
        assert vectors[7].tobytes().lower() in before
        receipt = store.purge()
        assert (receipt.faces, receipt.subjects, receipt.pictures) == (300, 1, 150)
        assert receipt.index_files == (2 if exact_up_to == 0 else 0)
        while_open = everything(tmp_path)
    for left in (while_open, everything(tmp_path)):
        assert b"secret" not in left.lower()
        assert not any(vector.tobytes() in left for vector in vectors)
    assert not list((tmp_path / "index").rglob("*.hnsw"))
    with closing(sqlite3.connect(tmp_path / "faces.sqlite")) as connection:
        assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)


def test_a_purged_collection_leaves_the_others_whole(tmp_path: Path) -> None:
    with closing(opened(tmp_path, exact_up_to=0)) as store:
        kept = register(store, b"kept", 40)
        other = store.create("other", model=MODEL, dims=DIMS)
        other.add([new_face(vector, "secret") for vector in people(30, seed=5)])
        assert store.purge("other").faces == 30
        assert b"secret" not in everything(tmp_path)
        for face in kept:
            (match,) = store.collection().search(face.embedding, k=1, max_distance=1e-6)
            assert match.face.id == face.id
        assert pictures(store) == {kept[0].picture}
    with closing(opened(tmp_path, exact_up_to=0)) as store:
        assert store.collections() == ["default"]
        assert store.status().indexed == 40


def test_what_an_earlier_version_left_in_the_index_folder_goes(tmp_path: Path) -> None:
    opened(tmp_path).close()
    (tmp_path / "index" / "99").mkdir(parents=True)
    (tmp_path / "index" / "99" / "x.hnsw").touch()
    (tmp_path / "index" / "manifest.json").touch()
    opened(tmp_path).close()
    assert list((tmp_path / "index").iterdir()) == []


def test_a_purge_without_space_has_removed_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise StoreFull("no space is left")

    with closing(opened(tmp_path)) as store:
        register(store, b"x", 5)
        with monkeypatch.context() as patch:
            patch.setattr(store._database, "scrub", full)
            with pytest.raises(StoreFull):
                store.purge()
        assert store.status().faces == 0
        assert store.purge().faces == 0


def test_the_time_to_undo_ends(tmp_path: Path) -> None:
    with closing(opened(tmp_path, undo_for=timedelta(0))) as store:
        collection = store.collection()
        ids = [collection.add_subject(name).id for name in ("Ann", "Bob", "Cid")]
        merge = collection.merge(ids[0], into=ids[1])
        assert collection.merges() == []
        with pytest.raises(CannotUndo, match="could only be undone until"):
            collection.undo(merge.id)
        collection.merge(ids[2], into=ids[1])  # forgets those whose time is over
        with pytest.raises(NotFound):
            collection.undo(merge.id)


@pytest.mark.parametrize("name", ["default", "staff", None])
def test_work_from_before_a_purge_stores_nothing_after_its_receipt(
    tmp_path: Path, name: str | None
) -> None:
    with closing(opened(tmp_path)) as store:
        store.create("staff", model=MODEL, dims=DIMS)
        held = store.collection(name or "default")
        (face,) = register(store, b"of default")
        with store.pictures.batch(held.lifetime) as save:
            picture = save(b"just saved")
            receipt = store.purge(name)
            assert picture not in pictures(store)
            assert receipt.pictures >= 1
            with pytest.raises(Conflict):
                save(b"saved too late")
            with pytest.raises(Conflict):
                held.add([new_face(people(1)[0], picture=picture)])
            with pytest.raises(Conflict):
                held.add_subject("Ann")
            assert pictures(store) == ({face.picture} if name == "staff" else set())
        (after,) = register(store, b"from afterwards", seed=2)
        assert store.collection().get(after.id).picture in pictures(store)


def test_a_purge_leaves_the_pictures_of_another_collections_batch(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        staff = store.create("staff", model=MODEL, dims=DIMS)
        with store.pictures.batch(staff.lifetime) as save:
            picture = save(b"for staff")
            with store.pictures.batch(store.collection().lifetime) as too:
                too(b"for staff")
                too(b"for default")
                store.purge("default")
                assert pictures(store) == {picture}
            staff.add([new_face(people(1)[0], picture=picture)])
        assert pictures(store) == {picture}


def test_a_change_of_the_model_ends_with_its_collection(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        (face,) = register(store, b"of default")
        change = store.change_model("default", model="other", dims=DIMS)
        store.purge("default")
        with pytest.raises(Conflict):
            change.put({face.id: people(1)[0]})
        with pytest.raises(Conflict):
            change.finish()
        store.change_model("default", model="other", dims=DIMS).finish()
        assert store.collection().model == "other"


def test_many_writers_and_purges_leave_only_what_began_afterwards(tmp_path: Path) -> None:
    begun: list[tuple[int, str]] = []
    purges = 0
    lock = threading.Lock()

    def write(store: DurableStore, writer: int) -> None:
        for round_ in range(15):
            with lock:
                before = purges
            held = store.collection()
            try:
                with store.pictures.batch(held.lifetime) as save:
                    name = save(f"{writer} {round_}".encode())
                    (face,) = held.add([new_face(people(1, seed=writer)[0], picture=name)])
                with lock:
                    begun.append((before, face.id))
            except Conflict:
                continue

    with closing(opened(tmp_path)) as store:
        writers = [threading.Thread(target=write, args=(store, number)) for number in range(4)]
        for writer in writers:
            writer.start()
        for _ in range(8):
            store.purge("default")
            with lock:
                purges += 1
        for writer in writers:
            writer.join()
        kept = {face.id: face for face in store.collection().faces(limit=999).items}
        last = {face_id for before, face_id in begun if before == purges}
        assert last <= kept.keys()
        assert pictures(store) == {face.picture for face in kept.values()}
        store.purge("default")
        assert store.collection().count() == 0
        assert pictures(store) == set()


def test_a_sweep_removes_what_a_crash_left_and_nothing_else(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        (face,) = register(store, b"shown")
        store.pictures.save(b"saved just before a crash")
    with closing(opened(tmp_path)) as store, store.pictures.batch() as save:
        under_way = save(b"of a request under way")
        assert store.sweeper.sweep() == Swept(pictures=1, temporaries=0)
        assert pictures(store) == {face.picture, under_way}
