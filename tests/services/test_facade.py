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
from faceserver.runtime.deadline import deadline
from faceserver.runtime.waiting import Outside
from faceserver.services.facade import FaceService, Limits, Link, Refused, Registered, Upload
from faceserver.store.memory.store import MemoryStore
from faceserver.store.pictures import PictureFolder, PictureStore
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.pool import AnalyzerPool
from tests.support.fakes import ColourDetector, ColourEmbedder

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


def fetch_red(url: str, _: Credentials | None = None, /) -> bytes:
    if url.endswith("/gone"):
        raise UrlFailed("it is not there")
    return png(RED)


@pytest.fixture
def embedder() -> ColourEmbedder:
    return ColourEmbedder()


@pytest.fixture
def outside() -> Outside:
    return Outside(4)


@pytest.fixture
def service(tmp_path: Path, embedder: ColourEmbedder, outside: Outside) -> Iterator[FaceService]:
    made = FaceService(
        analyzers=AnalyzerPool(Analyzer(ColourDetector(), embedder)),
        store=MemoryStore(dims=3, model="colour"),
        pictures=PictureStore(PictureFolder(tmp_path)),
        fetch=fetch_red,
        limits=Limits(max_bytes=10_000, max_pixels=10_000, max_matches=10, max_distance=0.1),
        outside=outside,
    )
    yield made
    made.close()


def stored_pictures(folder: Path) -> list[Path]:
    return list(folder.rglob("*.jpg"))


def test_every_face_of_every_picture_is_stored_in_one_batch(
    service: FaceService, embedder: ColourEmbedder
) -> None:
    one, two = service.register(
        [Upload("one.png", png(RED)), Upload("two.png", png(GREEN, BLACK, BLUE))]
    )
    assert isinstance(one, Registered)
    assert isinstance(two, Registered)
    assert [face.detection.box.x1 for face in two.faces] == [0, 32]
    assert (two.name, two.width, two.height) == ("two.png", 48, 16)
    assert all(face.picture == two.picture and face.source == "two.png" for face in two.faces)
    assert two.picture
    assert Path(service.picture_place(two.picture)).is_file()
    assert embedder.batches == [3]
    assert service.status().faces == 3


def test_one_refused_picture_does_not_affect_the_others(
    service: FaceService, tmp_path: Path
) -> None:
    results = service.register(
        [
            Upload("empty", b""),
            Upload("red", png(RED)),
            Upload("text", b"hello, this is no picture"),
            Upload("nobody", png(BLACK)),
            Upload("blue", png(BLUE)),
        ]
    )
    refused = {item.name: type(item.error) for item in results if isinstance(item, Refused)}
    assert refused == {"empty": EmptyFile, "text": NotAnImage, "nobody": NoFace}
    assert [item.name for item in results] == ["empty", "red", "text", "nobody", "blue"]
    assert service.status().faces == 2
    assert len(stored_pictures(tmp_path)) == 2


def test_near_faces_are_found_nearest_first(service: FaceService) -> None:
    service.register([Upload(name, png(tile)) for name, tile in (("p", PINK), ("g", GREEN))])
    service.register([Upload("r", png(RED))])
    matches = service.retrieve(png(RED))
    assert [match.face.source for match in matches] == ["r", "p"]
    assert matches[0].distance == pytest.approx(0, abs=1e-6)
    assert 0 < matches[1].distance < 0.1


def test_an_empty_gallery_finds_nobody(service: FaceService) -> None:
    assert service.retrieve(png(RED)) == []


def test_a_probe_holds_exactly_one_face(service: FaceService) -> None:
    with pytest.raises(NoFace):
        service.retrieve(png(BLACK))
    with pytest.raises(SeveralFaces, match="2 faces"):
        service.retrieve(png(RED, BLUE))


def test_urls_are_fetched_and_keep_their_order(
    service: FaceService, embedder: ColourEmbedder
) -> None:
    urls = [f"http://a/{i}" for i in (3, "gone", *range(12))]
    results = service.register_urls([Link(url) for url in urls])
    assert [item.name for item in results] == urls
    assert [type(item.error) for item in results if isinstance(item, Refused)] == [UrlFailed]
    assert embedder.batches == [13]


def test_nothing_to_register_is_nothing_done(service: FaceService) -> None:
    assert service.register([]) == []
    assert service.register_urls([]) == []


def test_an_unknown_picture_is_not_found(service: FaceService) -> None:
    with pytest.raises(NotFound):
        service.open_picture("../../etc/passwd")


def test_no_more_urls_than_are_lent(service: FaceService, outside: Outside) -> None:
    urls = [Link(f"http://example.org/{number}") for number in range(9)]
    with outside.waiting(), outside.waiting(), outside.waiting():
        assert len(service.register_urls(urls)) == 9  # one after the other
        assert service.fetch(urls[0].url)
        with outside.waiting():
            with pytest.raises(Busy):
                service.register_urls(urls)
            with pytest.raises(Busy):
                service.fetch(urls[0].url)
    assert service.status().faces == 9


def test_urls_that_take_too_long_together_store_nothing(
    service: FaceService, tmp_path: Path
) -> None:
    with deadline(-1), pytest.raises(TimedOut):
        service.register_urls([Link("http://example.org/a")])
    assert service.status().faces == 0
    assert stored_pictures(tmp_path) == []
