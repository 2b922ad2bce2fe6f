from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from threading import Event

import pytest

from faceserver.errors import InvalidRequest, StoreFull, StoreMismatch
from faceserver.lifecycle import Services
from faceserver.services import pipeline
from faceserver.services.context import Limits
from faceserver.services.known import Keys
from faceserver.services.outcomes import (
    Changed,
    Differs,
    NewPicture,
    Outcome,
    Present,
    Refused,
    Registered,
)
from faceserver.store.sqlite.opening import open_store
from faceserver.store.sqlite.store import DurableStore
from faceserver.types import Face
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.pool import AnalyzerPool
from tests.services.test_facade import BLACK, BLUE, GREEN, RED, png
from tests.support.fakes import ColourDetector, ColourEmbedder
from tests.support.services import Importer, make_services


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DurableStore]:
    with closing(open_store(tmp_path, model="colour", dims=3)) as made:
        yield made


@pytest.fixture
def service(tmp_path: Path, store: DurableStore) -> Services:
    return make_services(
        tmp_path,
        AnalyzerPool(Analyzer(ColourDetector(), ColourEmbedder())),
        store,
        store.pictures,
        limits=Limits(max_bytes=10_000, max_pixels=100_000, max_matches=10, max_distance=0.1),
    )


def item(source: str, *tiles: tuple[int, int, int], person: str | None = None) -> NewPicture:
    data = png(*tiles)
    return NewPicture(source, lambda: data, person)


def numbered(number: int, tile: tuple[int, int, int] = RED) -> NewPicture:
    """A picture like no other: black tiles behind the one that counts."""
    return item(f"{number}", tile, *[BLACK] * number)


def taken(importer: Importer, *items: NewPicture) -> list[Outcome]:
    return list(importer.run(items))


def kinds(outcomes: list[Outcome]) -> list[str]:
    return [type(outcome).__name__ for outcome in outcomes]


def unreadable() -> bytes:
    raise InvalidRequest("it cannot be read")


def test_pictures_get_people_tags_and_external_ids(service: Services) -> None:
    one = replace(item("1", RED, person="Ann"), tags=("x",), external_id="e1")
    outcomes = taken(
        Importer(service, at_once=3),
        one,
        item("2", RED, BLUE),
        item("3", GREEN, person="ANN"),
    )
    assert kinds(outcomes) == ["Registered"] * 3
    first, second, third = outcomes
    assert isinstance(first, Registered)
    assert isinstance(second, Registered)
    assert isinstance(third, Registered)
    (ann,) = service.context.store.collection().subjects(limit=9).items
    assert (ann.name, ann.faces) == ("Ann", 2)
    assert (first.faces[0].subject, first.faces[0].tags) == (ann.id, ("x",))
    assert first.faces[0].external_id == "e1"
    assert [face.subject for face in second.faces] == [None, None]
    assert third.faces[0].subject == ann.id


def test_outcomes_keep_their_order_over_many_batches(service: Services) -> None:
    items = [numbered(n, RED if n % 3 else BLACK) for n in range(70)]
    outcomes = taken(Importer(service, at_once=2), *items)
    assert [outcome.name for outcome in outcomes] == [f"{n}" for n in range(70)]
    assert kinds(outcomes)[:4] == ["Refused", "Registered", "Registered", "Refused"]
    assert service.collections.status().faces == 46


def test_a_second_run_stores_nothing_twice(service: Services) -> None:
    importer = Importer(service)
    items = [item("a", RED), item("b", RED, BLACK), item("c", BLUE, GREEN)]
    taken(importer, *items)
    assert kinds(taken(importer, *items, item("d", RED, RED))) == [*["Present"] * 3, "Registered"]
    assert service.collections.status().faces == 6
    changed = item("a", GREEN)
    assert kinds(taken(importer, changed)) == ["Registered"]


def test_the_same_picture_twice_in_one_batch_is_stored_once(service: Services) -> None:
    importer = Importer(service, at_once=2)
    outcomes = taken(importer, item("a", RED), item("a", RED), item("b", BLUE), item("c", RED))
    assert kinds(outcomes) == ["Registered", "Present", "Registered", "Present"]
    assert service.collections.status().faces == 2


def test_the_same_picture_in_the_next_group_is_stored_once(service: Services) -> None:
    importer = Importer(service, at_once=2)
    outcomes = taken(importer, *[item("a", RED)] * 20, *[item("b", BLUE)] * 20)
    assert kinds(outcomes) == ["Registered", *["Present"] * 19] * 2
    assert service.collections.status().faces == 2


def test_the_next_group_is_searched_for_faces_while_one_is_stored(service: Services) -> None:
    searched = Event()

    def load_last() -> bytes:
        searched.set()
        return png(RED)

    def add(faces: Sequence[Face]) -> list[Face]:
        assert searched.wait(60)
        return stored(faces)

    stored = service.context.store.collection().add
    service.context.store.collection().add = add  # type: ignore[method-assign]
    items = [*(numbered(n) for n in range(1, 32)), NewPicture("last", load_last)]
    assert kinds(taken(Importer(service), *items)) == ["Registered"] * 32


def test_an_import_that_fails_leaves_no_pictures_behind(
    service: Services, store: DurableStore
) -> None:
    def full() -> bytes:
        raise StoreFull("no space is left")

    items = [numbered(n) for n in range(40)]
    items[20] = NewPicture("full", full)
    with pytest.raises(StoreFull):
        taken(Importer(service, at_once=2), *items)
    assert service.collections.status().faces == 16
    assert len(list(store.pictures.names())) == 16


def test_what_was_deleted_by_hand_does_not_come_back(
    service: Services, store: DurableStore
) -> None:
    importer = Importer(service)
    (stored,) = taken(importer, item("a", RED, BLUE, GREEN))
    assert isinstance(stored, Registered)
    store.collection().delete([stored.faces[0].id])
    assert taken(importer, item("a", RED, BLUE, GREEN)) == [Present("a")]
    assert service.collections.status().faces == 2


def test_a_named_picture_of_several_faces_needs_a_rule(service: Services) -> None:
    several = item("a", BLUE, RED, person="Bob")
    (refused,) = taken(Importer(service), several)
    assert isinstance(refused, Refused)
    assert refused.error.code == "several_faces"
    assert "which of them is Bob" in str(refused.error)
    assert service.context.store.collection().subject_named("Bob") is None
    (stored,) = taken(Importer(service, largest=True), several)
    assert isinstance(stored, Registered)
    assert len(stored.faces) == 1


def test_what_cannot_be_loaded_is_refused_and_the_rest_taken(service: Services) -> None:
    outcomes = taken(Importer(service), NewPicture("x", unreadable), item("a", RED))
    assert kinds(outcomes) == ["Refused", "Registered"]


def test_a_url_that_is_in_is_not_fetched_again(service: Services) -> None:
    fetched = []

    def fetch() -> bytes:
        fetched.append(1)
        return png(RED)

    url = NewPicture("http://host/a.jpg", fetch, by_name=True)
    importer = Importer(service)
    assert kinds(taken(importer, url)) == ["Registered"]
    assert kinds(taken(importer, url)) == ["Present"]
    assert len(fetched) == 1


def test_a_crash_between_batches_loses_and_doubles_nothing(
    service: Services, store: DurableStore
) -> None:
    items = [numbered(n) for n in range(40)]
    run = Importer(service).run(items)
    for _ in range(20):
        next(run)
    del run
    assert store.status().faces == 32  # two batches of 16
    outcomes = kinds(taken(Importer(service), *items))
    assert outcomes == ["Present"] * 32 + ["Registered"] * 8


def test_a_collection_is_made_and_has_pictures_of_its_own(service: Services) -> None:
    taken(Importer(service), item("a", RED))
    importer = Importer(service, "holiday")
    assert kinds(taken(importer, item("a", RED))) == ["Registered"]
    assert service.context.store.collection("holiday").count() == 1
    with pytest.raises(InvalidRequest):
        Importer(service, "no/name")


def test_a_collection_of_another_model_is_refused(service: Services, store: DurableStore) -> None:
    store.create("other", model="newer", dims=3)
    with pytest.raises(StoreMismatch, match="of the model newer"):
        taken(Importer(service, "other"), item("a", RED))


def person_of(service: Services, source: str) -> list[str | None]:
    """The names on the faces of a picture, in the order they were stored."""
    collection = service.context.store.collection()
    faces = [face for face in collection.faces(limit=99).items if face.source == source]
    return [collection.subject(face.subject).name if face.subject else None for face in faces]


def test_the_same_bytes_under_another_name_are_the_same_picture(service: Services) -> None:
    taken(Importer(service), item("Ann/1.jpg", RED, person="Ann"))
    moved = item("Ann/2020/1.jpg", RED, person="Ann")
    flat = item("1.jpg", RED)
    assert kinds(taken(Importer(service), moved, flat)) == ["Present", "Present"]
    assert service.collections.status().faces == 1


def test_another_person_is_told_and_taken_over_where_that_is_wanted(service: Services) -> None:
    taken(Importer(service), item("Ann/1.jpg", RED, person="Ann"))
    moved = item("Bob/1.jpg", RED, person="Bob")
    (told,) = taken(Importer(service), moved)
    assert told == Differs("Bob/1.jpg", "it is in already, and shows Ann, not Bob")
    assert person_of(service, "Ann/1.jpg") == ["Ann"]
    assert service.context.store.collection().subject_named("Bob") is None
    (changed,) = taken(Importer(service, update=True), moved)
    assert changed == Changed("Bob/1.jpg", "shows Bob now, not Ann")
    assert person_of(service, "Ann/1.jpg") == ["Bob"]
    assert kinds(taken(Importer(service, update=True), moved)) == ["Present"]
    assert service.collections.status().faces == 1


def test_a_picture_of_nobody_gets_a_person(service: Services) -> None:
    taken(Importer(service), item("1", RED), item("2", RED, BLUE))
    outcomes = taken(
        Importer(service),
        item("Ann/1", RED, person="Ann"),
        item("Bob/2", RED, BLUE, person="Bob"),
    )
    assert kinds(outcomes) == ["Changed", "Differs"]
    assert isinstance(outcomes[1], Differs)
    assert "which of them is Bob" in outcomes[1].reason
    assert (person_of(service, "1"), person_of(service, "2")) == (["Ann"], [None, None])
    again = taken(Importer(service, largest=True), item("2", RED, BLUE, person="Bob"))
    assert kinds(again) == ["Changed"]
    assert sorted(map(str, person_of(service, "2"))) == ["Bob", "None"]


def test_what_was_merged_or_renamed_since_stays(service: Services) -> None:
    ann, anni = item("Ann/1", RED, person="Ann"), item("Anni/2", BLUE, person="Anni")
    taken(Importer(service), ann, anni)
    collection = service.context.store.collection()
    into, gone = collection.subject_named("Ann"), collection.subject_named("Anni")
    assert into
    assert gone
    collection.merge(gone.id, into=into.id)
    collection.change_subject(into.id, name="Anna")
    outcomes = taken(Importer(service), ann, anni)
    assert kinds(outcomes) == ["Differs", "Differs"]
    assert (person_of(service, "Ann/1"), person_of(service, "Anni/2")) == (["Anna"], ["Anna"])
    assert collection.count_subjects() == 1


@pytest.mark.parametrize("update", [False, True])
@pytest.mark.parametrize("between", [0, 40])
def test_of_two_people_in_one_import_the_first_counts_and_that_is_told(
    service: Services, between: int, update: bool
) -> None:
    others = [numbered(n, GREEN) for n in range(1, between + 1)]
    first, second = item("Ann/1", RED, person="Ann"), item("Bob/1", RED, person="Bob")
    importer = Importer(service, update=update)
    *_, told = taken(importer, first, *others, second)
    assert told == Differs("Bob/1", "it is the same picture as Ann/1, and shows Ann, not Bob")
    again = taken(Importer(service, update=update), first, second)
    assert kinds(again) == ["Present", "Differs"]
    assert person_of(service, "Ann/1") == ["Ann"]


def test_tags_and_external_ids_are_compared_too(service: Services) -> None:
    plain = item("1", RED, BLUE)
    known = replace(plain, tags=("b", "a"), external_id="e1")
    other = replace(plain, tags=("c",), external_id="e2")
    taken(Importer(service), plain)
    assert kinds(taken(Importer(service), known)) == ["Changed"]
    assert kinds(taken(Importer(service), known, plain)) == ["Present", "Present"]
    (told,) = taken(Importer(service), other)
    assert isinstance(told, Differs)
    assert "tags are a, b, not c; its external_id is e1, not e2" in told.reason
    assert kinds(taken(Importer(service, update=True), other)) == ["Changed"]
    faces = service.context.store.collection().faces(limit=9).items
    assert [(face.tags, face.external_id) for face in faces] == [(("c",), "e2")] * 2


def test_urls_of_the_same_picture_bring_it_once(service: Services) -> None:
    urls = [NewPicture(f"http://host/{n}", lambda: png(RED), "Ann", by_name=True) for n in range(2)]
    assert kinds(taken(Importer(service), *urls)) == ["Registered", "Present"]
    file = item("1", RED, person="Bob")
    assert kinds(taken(Importer(service), file)) == ["Differs"]
    corrected = replace(urls[0], person="Bob")
    importer = Importer(service, update=True)
    assert kinds(taken(importer, corrected)) == ["Changed"]
    assert service.collections.status().faces == 1


def test_what_an_earlier_version_has_imported_is_known(
    service: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It made the ids from the name too, and galleries without pictures have nothing else."""
    service.context.pictures.keep = "nothing"
    old = item("a", RED)
    digest = sha256(old.load()).hexdigest()
    importer = Importer(service)
    monkeypatch.setattr(pipeline, "keys_of", lambda *_: Keys(f"default\0a\0{digest}"))
    assert kinds(taken(importer, old)) == ["Registered"]
    assert kinds(taken(Importer(service), old)) == ["Present"]
    assert service.collections.status().faces == 1


@pytest.mark.parametrize("keep", ["originals", "crops", "nothing"])
def test_whatever_is_kept_nothing_comes_twice(service: Services, keep: str) -> None:
    service.context.pictures.keep = keep  # type: ignore[assignment]
    for source in ("a", "b"):
        taken(Importer(service), item(source, RED, BLUE))
    assert service.collections.status().faces == 2


def test_a_picture_that_an_album_shows_too_can_be_corrected(service: Services) -> None:
    """An album says nothing, so that it contradicts nobody."""
    taken(Importer(service), item("Bob/1", RED, person="Bob"))
    album, ann = item("Photos from 2021/1", RED), item("Ann/1", RED, person="Ann")
    outcomes = taken(Importer(service, update=True), album, ann)
    assert kinds(outcomes) == ["Present", "Changed"]
