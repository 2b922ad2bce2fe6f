"""What is done through one server is seen through the other at once, and never done twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from faceserver.errors import AlreadyExists, Conflict, ModelChanged, NotFound
from faceserver.store.exemplars import Exemplar
from faceserver.store.pictures import thumbnail_name
from faceserver.types import Filter, Subject
from tests.store.postgres.conftest import Servers
from tests.store.samples import DIMS, MODEL, new_face, new_faces, people


def test_faces_and_people_are_seen_at_once(servers: Servers) -> None:
    here, there = (server.collection() for server in servers)
    ann, bob = here.add_subject("Ann"), there.add_subject("Bob")
    (face,) = here.add([new_face(people(1)[0], subject=bob.id)])
    assert there.get(face.id).subject == bob.id
    (match,) = there.search(face.embedding, k=1, max_distance=1e-6)
    assert (match.face.id, match.name) == (face.id, "Bob")
    there.tag(face.id, ["x"])
    assert [found.id for found in here.faces(limit=9, only=Filter(tags=("x",))).items] == [face.id]
    merge = there.merge(ann.id, into=bob.id)
    with pytest.raises(NotFound):
        here.subject(ann.id)
    assert here.undo(merge.id).id == ann.id
    assert there.subject(ann.id).name == "Ann"
    assert there.delete([face.id]) == 1
    assert here.search(face.embedding, k=1, max_distance=4.1) == []
    assert here.delete([face.id]) == 0


def test_collections_come_and_go_for_both(servers: Servers) -> None:
    here, there = servers
    made = here.create("staff", model=MODEL, dims=DIMS)
    assert there.collections() == ["default", "staff"]
    with pytest.raises(AlreadyExists):
        there.create("staff", model=MODEL, dims=DIMS)
    made.add(new_faces(people(3)))
    held = there.collection("staff")
    assert held.count() == 3
    receipt = here.purge("staff")
    assert (receipt.faces, len(receipt.beyond)) == (3, 3)
    for call in (held.count, lambda: held.add(new_faces(people(1))), lambda: held.add_subject("A")):
        with pytest.raises(Conflict):
            call()
    assert held.lifetime.is_over
    with pytest.raises(NotFound):
        there.collection("staff")
    again = there.create("staff", model=MODEL, dims=DIMS)
    assert (again.count(), here.collection("staff").count()) == (0, 0)


def test_an_emptied_default_collection_begins_anew_for_both(servers: Servers) -> None:
    here, there = servers
    held = there.collection()
    held.add(new_faces(people(2)))
    here.purge()
    with pytest.raises(Conflict):
        held.add(new_faces(people(1)))
    there.collection().add(new_faces(people(1)))
    assert here.status().faces == 1


def test_a_change_of_model_is_one_for_both(servers: Servers) -> None:
    here, there = servers
    old = there.collection()
    stored = old.add(new_faces(people(4)))
    new = people(4, dims=24, seed=1)
    change = here.change_model("default", model="new", dims=24)
    change.put({face.id: new[number] for number, face in enumerate(stored[:2])})
    going_on = there.change_model("default", model="new", dims=24)
    assert [face.id for face in going_on.pending(limit=9).items] == [face.id for face in stored[2:]]
    going_on.put({face.id: new[number] for number, face in enumerate(stored[2:], start=2)})
    old.delete([stored[3].id])
    changed = going_on.finish()
    assert (changed.count(), here.collection().model) == (3, "new")
    for call in (
        lambda: old.search(stored[0].embedding, k=1, max_distance=4),
        lambda: old.add(new_faces(people(1))),
        change.finish,
    ):
        with pytest.raises(ModelChanged):
            call()
    (match,) = here.collection().search(new[1], k=1, max_distance=1e-6)
    assert match.face.id == stored[1].id


def test_a_person_is_made_once(servers: Servers) -> None:
    threads = 8
    ready = Barrier(threads)

    def make(number: int) -> Subject | None:
        collection = servers[number % 2].collection()
        ready.wait()
        try:
            return collection.add_subject("ANN" if number % 3 else "ann")
        except AlreadyExists:
            return None

    with ThreadPoolExecutor(threads) as pool:
        made = [one for one in pool.map(make, range(threads)) if one]
    assert len(made) == 1
    assert servers[0].collection().subjects(limit=9).items[0].id == made[0].id


def test_opposite_merges_and_moves_end(servers: Servers) -> None:
    """Locks are taken in one order, and where PostgreSQL ends one for another it is done anew."""
    collections = [server.collection() for server in servers]
    ids = [collections[0].add_subject(f"{number}").id for number in range(2)]
    faces = [
        face.id
        for face in collections[0].add(
            [new_face(vector, subject=ids[n % 2]) for n, vector in enumerate(people(20))]
        )
    ]

    def work(thread: int) -> None:
        for number in range(15):
            order = faces if (thread + number) % 2 else faces[::-1]
            collections[thread % 2].move(order, ids[(thread + number) % 2])

    with ThreadPoolExecutor(4) as pool:
        for task in [pool.submit(work, thread) for thread in range(4)]:
            task.result()
    assert sum(collections[0].subject(one).faces for one in ids) == 20


def test_no_server_takes_away_what_another_is_saving(servers: Servers) -> None:
    here, there = servers
    with here.pictures.batch(here.collection().lifetime) as save:
        name = save(b"a picture")
        assert there.sweep() == 0
        assert there.pictures.discard([name]) == 0
        (face,) = here.collection().add([new_face(people(1)[0], picture=name)])
    assert there.sweep() == 0
    with there.pictures.batch(there.collection().lifetime) as save:
        save(b"a picture")
        here.collection().delete([face.id])
        assert list(there.pictures.names()) == [name]
    assert list(there.pictures.names()) == []
    here.pictures.save(b"left by a crash")
    assert there.sweep() == 1


def test_what_was_saved_for_a_purged_collection_goes(servers: Servers) -> None:
    here, there = servers
    held = here.create("staff", model=MODEL, dims=DIMS)
    with here.pictures.batch(held.lifetime) as save:
        save(b"a picture")
        assert there.purge("staff").pictures == 1
        with pytest.raises(Conflict):
            save(b"too late")
    assert list(here.pictures.names()) == []


def test_a_picture_of_two_collections_stays_until_both_let_go(servers: Servers) -> None:
    here, there = servers
    with here.pictures.batch() as save:
        name = save(b"shared")
        (one,) = here.collection().add([new_face(people(1)[0], picture=name)])
        second = here.create("second", model=MODEL, dims=DIMS)
        (two,) = second.add([new_face(people(1)[0], crop=name)])
    there.collection().delete([one.id])
    assert list(here.pictures.names()) == [name]
    there.collection("second").delete([two.id])
    assert list(here.pictures.names()) == []


def test_a_thumbnail_goes_with_its_face_whoever_deletes_it(servers: Servers) -> None:
    here, there = servers
    with here.pictures.batch() as save:
        name = save(b"a picture")
        one, two = here.collection().add([new_face(v, picture=name) for v in people(2)])
    for face in (one, two):
        here.pictures.put(thumbnail_name(face.id), b"RIFF")
    assert there.sweep() == 0
    there.collection().delete([one.id])
    assert sorted(here.pictures.names()) == sorted([name, thumbnail_name(two.id)])
    here.pictures.put(thumbnail_name(one.id), b"left by a crash")
    assert there.sweep() == 0
    assert sorted(here.pictures.names()) == sorted([name, thumbnail_name(two.id)])
    assert there.purge().pictures == 1
    assert list(here.pictures.names()) == []


def test_what_one_server_remembers_the_other_finds(servers: Servers) -> None:
    here, there = (server.collection() for server in servers)
    probe, other = people(2)
    ann = here.add_subject("Ann")
    (face,) = here.add([new_face(other)])
    kept = here.keep(Exemplar("refusal", probe, subject=ann.id))
    of_face = there.keep(Exemplar("refusal", other, face=face.id))
    (near,) = there.near_exemplars("refusal", probe, max_distance=1e-6)
    assert (near.exemplar.id, near.exemplar.subject) == (kept.id, ann.id)
    assert there.delete([face.id]) == 1
    with pytest.raises(NotFound):
        here.exemplar(of_face.id)
    assert there.forget([kept.id]) == 1
    assert here.near_exemplars("refusal", probe, max_distance=1e-6) == []


def test_an_exemplar_goes_with_its_person_whoever_is_faster(servers: Servers) -> None:
    here, there = (server.collection() for server in servers)
    probe = people(1)[0]
    for number in range(10):
        ann = here.add_subject(f"Ann {number}")
        start = Barrier(2)

        def keep(start: Barrier = start, subject: str = ann.id) -> str | None:
            start.wait()
            try:
                return there.keep(Exemplar("stranger", probe, subject=subject)).id
            except NotFound:
                return None

        with ThreadPoolExecutor(1) as pool:
            kept = pool.submit(keep)
            start.wait()
            here.delete_subject(ann.id)
            kept.result()
        rows = servers[0].database.read(lambda t: t.read("SELECT count(*) FROM exemplars"))
        assert rows == [(0,)]


def test_expired_exemplars_leave_the_database_with_a_sweep(servers: Servers) -> None:
    here, there = servers
    past = datetime.now(UTC) - timedelta(seconds=1)
    for server in servers:
        server.collection().keep(Exemplar("stranger", people(1)[0]))
    with here.database.transaction() as transaction:
        transaction.run(
            "UPDATE exemplars SET until = %s WHERE id = (SELECT min(id) FROM exemplars)", past
        )
    assert len(there.collection().exemplars("stranger", limit=9).items) == 1
    there.sweep()
    assert here.database.read(lambda t: t.read("SELECT count(*) FROM exemplars")) == [(1,)]


def test_one_comes_after_the_other_on_whichever_server(servers: Servers) -> None:
    inside = 0

    def work(number: int) -> int:
        nonlocal inside
        held = servers[number % 2].collection()
        with held.one_at_a_time():
            inside += 1
            seen = inside
            held.count()
            inside -= 1
        return seen

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(40))) == {1}
