from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from faceserver.errors import InvalidRequest, StoreFull, StoreMismatch
from faceserver.services.facade import FaceService, Limits
from faceserver.services.registering import Refused, Registered
from faceserver.store.sqlite.store import DurableStore, open_store
from faceserver.transfer.items import Item, Outcome, Present
from faceserver.transfer.pictures import PictureImporter
from faceserver.types import NewFace, StoredFace
from faceserver.vision.analyzer import Analyzer
from tests.services.test_facade import BLACK, BLUE, GREEN, RED, png
from tests.support.fakes import ColourDetector, ColourEmbedder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DurableStore]:
    with closing(open_store(tmp_path, model="colour", dims=3)) as made:
        yield made


@pytest.fixture
def service(store: DurableStore) -> FaceService:
    return FaceService(
        analyzer=Analyzer(ColourDetector(), ColourEmbedder()),
        store=store,
        pictures=store.pictures,
        fetch=lambda _: png(RED),
        limits=Limits(max_bytes=10_000, max_pixels=100_000, max_matches=10, max_distance=0.1),
    )


def item(source: str, *tiles: tuple[int, int, int], person: str | None = None) -> Item:
    data = png(*tiles)
    return Item(source, lambda: data, person)


def numbered(number: int, tile: tuple[int, int, int] = RED) -> Item:
    """A picture like no other: black tiles behind the one that counts."""
    return item(f"{number}", tile, *[BLACK] * number)


def taken(importer: PictureImporter, *items: Item) -> list[Outcome]:
    return list(importer.run(items))


def kinds(outcomes: list[Outcome]) -> list[str]:
    return [type(outcome).__name__ for outcome in outcomes]


def unreadable() -> bytes:
    raise InvalidRequest("it cannot be read")


def test_pictures_get_people_tags_and_external_ids(service: FaceService) -> None:
    registrar = service.registrar()
    one = replace(item("1", RED, person="Ann"), tags=("x",), external_id="e1")
    outcomes = taken(
        PictureImporter(registrar, jobs=3),
        one,
        item("2", RED, BLUE),
        item("3", GREEN, person="ANN"),
    )
    assert kinds(outcomes) == ["Registered"] * 3
    first, second, third = outcomes
    assert isinstance(first, Registered)
    assert isinstance(second, Registered)
    assert isinstance(third, Registered)
    (ann,) = registrar.collection.subjects(limit=9).items
    assert (ann.name, ann.faces) == ("Ann", 2)
    assert (first.faces[0].subject, first.faces[0].tags) == (ann.id, ("x",))
    assert first.faces[0].external_id == "e1"
    assert [face.subject for face in second.faces] == [None, None]
    assert third.faces[0].subject == ann.id


def test_outcomes_keep_their_order_over_many_batches(service: FaceService) -> None:
    items = [numbered(n, RED if n % 3 else BLACK) for n in range(70)]
    outcomes = taken(PictureImporter(service.registrar(), jobs=2), *items)
    assert [outcome.name for outcome in outcomes] == [f"{n}" for n in range(70)]
    assert kinds(outcomes)[:4] == ["Refused", "Registered", "Registered", "Refused"]
    assert service.status().faces == 46


def test_a_second_run_stores_nothing_twice(service: FaceService) -> None:
    importer = PictureImporter(service.registrar())
    items = [item("a", RED), item("b", RED, BLACK), item("c", BLUE, GREEN)]
    taken(importer, *items)
    assert kinds(taken(importer, *items, item("d", RED, RED))) == [*["Present"] * 3, "Registered"]
    assert service.status().faces == 6
    changed = item("a", GREEN)
    assert kinds(taken(importer, changed)) == ["Registered"]


def test_the_same_picture_twice_in_one_batch_is_stored_once(service: FaceService) -> None:
    importer = PictureImporter(service.registrar(), jobs=2)
    outcomes = taken(importer, item("a", RED), item("a", RED), item("b", BLUE), item("c", RED))
    assert kinds(outcomes) == ["Registered", "Present", "Registered", "Present"]
    assert service.status().faces == 2


def test_the_same_picture_in_the_next_group_is_stored_once(service: FaceService) -> None:
    importer = PictureImporter(service.registrar(), jobs=2)
    outcomes = taken(importer, *[item("a", RED)] * 20, *[item("b", BLUE)] * 20)
    assert kinds(outcomes) == ["Registered", *["Present"] * 19] * 2
    assert service.status().faces == 2


def test_the_next_group_is_searched_for_faces_while_one_is_stored(service: FaceService) -> None:
    searched = Event()

    def load_last() -> bytes:
        searched.set()
        return png(RED)

    def add(faces: Sequence[NewFace]) -> list[StoredFace]:
        assert searched.wait(60)
        return stored(faces)

    registrar = service.registrar()
    stored = registrar.collection.add
    registrar.collection.add = add  # type: ignore[method-assign]
    items = [*(numbered(n) for n in range(1, 32)), Item("last", load_last)]
    assert kinds(taken(PictureImporter(registrar), *items)) == ["Registered"] * 32


def test_an_import_that_fails_leaves_no_pictures_behind(
    service: FaceService, store: DurableStore
) -> None:
    def full() -> bytes:
        raise StoreFull("no space is left")

    items = [numbered(n) for n in range(40)]
    items[20] = Item("full", full)
    with pytest.raises(StoreFull):
        taken(PictureImporter(service.registrar(), jobs=2), *items)
    assert service.status().faces == 16
    assert len(list(store.pictures.names())) == 16


def test_what_was_deleted_by_hand_does_not_come_back(
    service: FaceService, store: DurableStore
) -> None:
    importer = PictureImporter(service.registrar())
    (stored,) = taken(importer, item("a", RED, BLUE, GREEN))
    assert isinstance(stored, Registered)
    store.collection().delete([stored.faces[0].id])
    assert taken(importer, item("a", RED, BLUE, GREEN)) == [Present("a")]
    assert service.status().faces == 2


def test_a_named_picture_of_several_faces_needs_a_rule(service: FaceService) -> None:
    several = item("a", BLUE, RED, person="Bob")
    (refused,) = taken(PictureImporter(service.registrar()), several)
    assert isinstance(refused, Refused)
    assert refused.error.code == "several_faces"
    assert "which is Bob" in str(refused.error)
    assert service.registrar().collection.subject_named("Bob") is None
    (stored,) = taken(PictureImporter(service.registrar(), largest=True), several)
    assert isinstance(stored, Registered)
    assert len(stored.faces) == 1


def test_what_cannot_be_loaded_is_refused_and_the_rest_taken(service: FaceService) -> None:
    outcomes = taken(PictureImporter(service.registrar()), Item("x", unreadable), item("a", RED))
    assert kinds(outcomes) == ["Refused", "Registered"]


def test_a_url_that_is_in_is_not_fetched_again(service: FaceService) -> None:
    fetched = []

    def fetch() -> bytes:
        fetched.append(1)
        return service.fetch("http://host/a.jpg")

    url = Item("http://host/a.jpg", fetch, by_name=True)
    importer = PictureImporter(service.registrar())
    assert kinds(taken(importer, url)) == ["Registered"]
    assert kinds(taken(importer, url)) == ["Present"]
    assert len(fetched) == 1


def test_a_crash_between_batches_loses_and_doubles_nothing(
    service: FaceService, store: DurableStore
) -> None:
    items = [numbered(n) for n in range(40)]
    run = PictureImporter(service.registrar()).run(items)
    for _ in range(20):
        next(run)
    del run
    assert store.status().faces == 32  # two batches of 16
    outcomes = kinds(taken(PictureImporter(service.registrar()), *items))
    assert outcomes == ["Present"] * 32 + ["Registered"] * 8


def test_a_collection_is_made_and_has_pictures_of_its_own(service: FaceService) -> None:
    taken(PictureImporter(service.registrar()), item("a", RED))
    importer = PictureImporter(service.registrar("holiday"))
    assert kinds(taken(importer, item("a", RED))) == ["Registered"]
    assert service.registrar("holiday").collection.count() == 1
    with pytest.raises(InvalidRequest):
        service.registrar("no/name")


def test_a_collection_of_another_model_is_refused(
    service: FaceService, store: DurableStore
) -> None:
    store.create("other", model="newer", dims=3)
    with pytest.raises(StoreMismatch, match="of the model newer"):
        service.registrar("other")
