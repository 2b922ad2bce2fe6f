"""Stored faces get the embeddings of another model, while others search and register."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest

from faceserver.errors import ChangeIncomplete, StoreMismatch
from faceserver.lifecycle import Services
from faceserver.services.change_model import Reembedder, outdated
from faceserver.services.context import Limits
from faceserver.store import Store, open_store
from faceserver.store.memory.store import MemoryStore
from faceserver.store.pictures import Keep, PictureFolder, PictureStore
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.pool import AnalyzerPool
from tests.services.test_facade import BLACK, BLUE, GREEN, RED, png
from tests.support.fakes import ColourDetector, ColourEmbedder, MirroredEmbedder, colour_spec
from tests.support.services import make_services, register

TILES = {"red": RED, "green": GREEN, "blue": BLUE}


def durable(folder: Path) -> Store:
    return open_store(folder, model="colour", dims=3)


@pytest.fixture(params=[durable, lambda _: MemoryStore(dims=3, model="colour")])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with closing(request.param(tmp_path)) as made:
        yield made


def service_of(store: Store, folder: Path, keep: Keep = "originals") -> Services:
    new = Analyzer(ColourDetector(), MirroredEmbedder())
    analyzers = AnalyzerPool(new, {"colour": colour_spec("colour")}, lambda _: ColourEmbedder())
    limits = Limits(max_bytes=10_000, max_pixels=10_000, max_matches=9, max_distance=None)
    return make_services(
        folder, analyzers, store, PictureStore(PictureFolder(folder), keep=keep), limits=limits
    )


def register_all(service: Services, turn: int = 0) -> None:
    """Register a picture of each tile; those of another turn are other pictures."""
    register(service, *((name, png(tile, *[BLACK] * turn)) for name, tile in TILES.items()))


def reembedder(service: Services, *, fit: bool = True) -> Reembedder:
    context = service.context
    return Reembedder(
        context.store, context.pictures, context.analyzer.embedder, crops_fit=lambda _: fit
    )


def found(service: Services, name: str) -> list[str]:
    return [match.face.source for match in service.searching.by_only_face(png(TILES[name]))]


@pytest.mark.parametrize("keep", ["originals", "crops"])
def test_faces_are_embedded_anew_from_what_is_kept(
    store: Store, tmp_path: Path, keep: Keep
) -> None:
    service = service_of(store, tmp_path, keep)
    register_all(service)
    steps: list[int] = []
    assert outdated(store, "mirrored") == ["default"]
    assert reembedder(service).pending("default") == 3
    assert reembedder(service).run("default", advance=steps.append) == []
    assert sum(steps) == 3
    assert outdated(store, "mirrored") == []
    assert reembedder(service).pending("default") == 0
    assert store.collection().model == "mirrored"
    for name in TILES:
        assert found(service, name) == [name]


@pytest.mark.parametrize(
    ("keep", "fit", "reason"),
    [("nothing", True, "picture was not kept"), ("crops", False, "another crop")],
)
def test_faces_of_which_too_little_is_kept_are_told_or_deleted(
    store: Store, tmp_path: Path, keep: Keep, fit: bool, reason: str
) -> None:
    register_all(service_of(store, tmp_path, keep))
    service = service_of(store, tmp_path)
    register(service, ("kept", png(GREEN, BLUE)))
    work = reembedder(service, fit=fit)
    with pytest.raises(ChangeIncomplete, match=f"3 of 5 .*{reason}"):
        work.run("default")
    assert store.collection().model == "colour"
    assert found(service, "red") == ["red"]
    lost = work.run("default", drop_lost=True)
    assert lost is not None
    assert [item.face.source for item in lost] == list(TILES)
    assert store.collection().count() == 2
    assert found(service, "blue") == ["kept"]


def test_a_damaged_picture_is_told(store: Store, tmp_path: Path) -> None:
    service = service_of(store, tmp_path)
    register_all(service)
    (face, *_) = store.collection().faces(limit=1).items
    assert face.picture
    Path(service.faces.picture_place(face.picture)).write_bytes(b"torn")
    with pytest.raises(ChangeIncomplete, match=r"1 of 3 .*red: This is no JPEG"):
        reembedder(service).run("default")


def test_stopped_it_goes_on_later(store: Store, tmp_path: Path) -> None:
    service = service_of(store, tmp_path)
    stop = Event()
    for turn in range(20):
        register_all(service, turn)

    def stop_at_once(_: int) -> None:
        stop.set()

    assert reembedder(service).run("default", advance=stop_at_once, stop=stop) is None
    assert reembedder(service).pending("default") == 60 - 32
    assert len(found(service, "red")) == 9
    assert reembedder(service).run("default") == []
    assert store.collection().model == "mirrored"


def test_the_model_that_it_has_gives_an_unfinished_change_up(store: Store, tmp_path: Path) -> None:
    service = service_of(store, tmp_path)
    register_all(service)
    store.change_model("default", model="other", dims=7)
    work = Reembedder(
        store, PictureStore(PictureFolder(tmp_path)), ColourEmbedder(), crops_fit=lambda _: True
    )
    assert work.run("default") == []
    assert store.status().collections[0].changing_to is None


def test_a_service_without_the_gallerys_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreMismatch, match="of the model strange"):
        service_of(MemoryStore(dims=3, model="strange"), tmp_path)


def test_nobody_notices_the_switch(store: Store, tmp_path: Path) -> None:
    """Searches and registrations run across several switches, there and back."""
    service = service_of(store, tmp_path)
    register_all(service)
    over = Event()
    embedders = [MirroredEmbedder(), ColourEmbedder()]
    pictures = PictureStore(PictureFolder(tmp_path))

    def search(name: str) -> int:
        searches = 0
        while not over.is_set() or not searches:
            assert set(found(service, name)) == {name}
            searches += 1
        return searches

    def register_more() -> int:
        for turn in range(15):
            register_all(service, 1 + turn)
        return 15

    def switch() -> None:
        for turn in range(6):
            embedder = embedders[turn % 2]
            work = Reembedder(store, pictures, embedder, crops_fit=lambda _: True)
            assert work.run("default") == []

    with ThreadPoolExecutor(6) as pool:
        searching = [pool.submit(search, name) for name in TILES]
        registering = pool.submit(register_more)
        try:
            pool.submit(switch).result()
            rounds = registering.result()
        finally:
            over.set()
        assert all(future.result() for future in searching)
    assert store.collection().model == "colour"
    assert store.collection().count() == 3 * (1 + rounds)
    everything = [face.id for face in store.collection().faces(limit=999).items]
    assert len(everything) == len(set(everything)) == 48
