import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from faceserver.api.pictures import Credentials
from faceserver.errors import (
    Busy,
    EmptyFile,
    NoFace,
    NotAnImage,
    NotFound,
    SeveralFaces,
    TimedOut,
    UrlFailed,
)
from faceserver.lifecycle import Services
from faceserver.runtime.deadline import deadline
from faceserver.runtime.waiting import Outside
from faceserver.services.context import Limits
from faceserver.services.outcomes import Refused, Registered
from faceserver.services.registering import Link
from faceserver.store.memory.store import MemoryStore
from faceserver.store.pictures import PictureFolder, PictureStore
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.pool import AnalyzerPool
from tests.support.fakes import ColourDetector, ColourEmbedder
from tests.support.services import make_services, register

RED, PINK, GREEN, BLUE, BLACK = (
    (220, 10, 10),
    (220, 40, 40),
    (10, 220, 10),
    (10, 10, 220),
    (0, 0, 0),
)


def png(*tiles: tuple[int, int, int]) -> bytes:
    """A row of 16 x 16 tiles."""
    row = np.repeat(np.array([tiles], np.uint8), 16, axis=1)
    file = io.BytesIO()
    Pillow.fromarray(np.repeat(row, 16, axis=0)).save(file, "PNG")
    return file.getvalue()


def fetch_by_number(url: str, _: Credentials | None = None, /) -> bytes:
    if url.endswith("/gone"):
        raise UrlFailed("it is not there")
    number = url.rsplit("/", 1)[-1]
    return png(RED, *[BLACK] * int(number if number.isdecimal() else 0))


@pytest.fixture
def embedder() -> ColourEmbedder:
    return ColourEmbedder()


@pytest.fixture
def outside() -> Outside:
    return Outside(4)


@pytest.fixture
def service(tmp_path: Path, embedder: ColourEmbedder, outside: Outside) -> Iterator[Services]:
    made = make_services(
        tmp_path,
        AnalyzerPool(Analyzer(ColourDetector(), embedder)),
        MemoryStore(dims=3, model="colour"),
        PictureStore(PictureFolder(tmp_path)),
        fetch=fetch_by_number,
        limits=Limits(max_bytes=10_000, max_pixels=10_000, max_matches=10, max_distance=0.1),
        outside=outside,
    )
    yield made
    made.close()


def stored_pictures(folder: Path) -> list[Path]:
    return list(folder.rglob("*.jpg"))


def test_every_face_of_every_picture_is_stored_in_one_batch(
    service: Services, embedder: ColourEmbedder
) -> None:
    one, two = register(service, *[("one.png", png(RED)), ("two.png", png(GREEN, BLACK, BLUE))])
    assert isinstance(one, Registered)
    assert isinstance(two, Registered)
    assert [face.detection.box.x1 for face in two.faces] == [0, 32]
    assert (two.name, two.width, two.height) == ("two.png", 48, 16)
    assert all(face.picture == two.picture and face.source == "two.png" for face in two.faces)
    assert two.picture
    assert Path(service.faces.picture_place(two.picture)).is_file()
    assert embedder.batches == [3]
    assert service.collections.status().faces == 3


def test_one_refused_picture_does_not_affect_the_others(service: Services, tmp_path: Path) -> None:
    results = register(
        service,
        *[
            ("empty", b""),
            ("red", png(RED)),
            ("text", b"hello, this is no picture"),
            ("nobody", png(BLACK)),
            ("blue", png(BLUE)),
        ],
    )
    refused = {item.name: type(item.error) for item in results if isinstance(item, Refused)}
    assert refused == {"empty": EmptyFile, "text": NotAnImage, "nobody": NoFace}
    assert [item.name for item in results] == ["empty", "red", "text", "nobody", "blue"]
    assert service.collections.status().faces == 2
    assert len(stored_pictures(tmp_path)) == 2


def test_near_faces_are_found_nearest_first(service: Services) -> None:
    register(service, *[(name, png(tile)) for name, tile in (("p", PINK), ("g", GREEN))])
    register(service, *[("r", png(RED))])
    matches = service.searching.by_only_face(png(RED))
    assert [match.face.source for match in matches] == ["r", "p"]
    assert matches[0].distance == pytest.approx(0, abs=1e-6)
    assert 0 < matches[1].distance < 0.1


def test_an_empty_gallery_finds_nobody(service: Services) -> None:
    assert service.searching.by_only_face(png(RED)) == []


def test_a_probe_holds_exactly_one_face(service: Services) -> None:
    with pytest.raises(NoFace):
        service.searching.by_only_face(png(BLACK))
    with pytest.raises(SeveralFaces, match="2 faces"):
        service.searching.by_only_face(png(RED, BLUE))


def test_urls_are_fetched_and_keep_their_order(service: Services, embedder: ColourEmbedder) -> None:
    urls = [f"http://a/{i}" for i in (3, "gone", *range(12))]
    results = service.registering.add_urls([Link(url) for url in urls])
    assert [item.name for item in results] == urls
    assert [type(item.error) for item in results if isinstance(item, Refused)] == [UrlFailed]
    assert embedder.batches == [12]  # one came twice


def test_nothing_to_register_is_nothing_done(service: Services) -> None:
    assert register(service) == []
    assert service.registering.add_urls([]) == []


def test_an_unknown_picture_is_not_found(service: Services) -> None:
    with pytest.raises(NotFound):
        service.faces.open_stored("../../etc/passwd")


def test_no_more_urls_than_are_lent(service: Services, outside: Outside) -> None:
    urls = [Link(f"http://example.org/{number}") for number in range(9)]
    with outside.waiting(), outside.waiting(), outside.waiting():
        assert len(service.registering.add_urls(urls)) == 9  # one after the other
        assert service.analysis.fetch(urls[0].url)
        with outside.waiting():
            with pytest.raises(Busy):
                service.registering.add_urls(urls)
            with pytest.raises(Busy):
                service.analysis.fetch(urls[0].url)
    assert service.collections.status().faces == 9


def test_urls_that_take_too_long_together_store_nothing(service: Services, tmp_path: Path) -> None:
    with deadline(-1), pytest.raises(TimedOut):
        service.registering.add_urls([Link("http://example.org/a")])
    assert service.collections.status().faces == 0
    assert stored_pictures(tmp_path) == []
