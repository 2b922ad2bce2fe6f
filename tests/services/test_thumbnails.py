"""Thumbnails of faces: made with them, made again when lost, and gone with them."""

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
from PIL import Image as Pillow

from faceserver.errors import NotFound
from faceserver.lifecycle import Services
from faceserver.pictures.thumbnails import SIDES, Size
from faceserver.services.context import DEFAULT, Limits
from faceserver.services.outcomes import Registered
from faceserver.store import Options
from faceserver.store.pictures import Keep, thumbnail_name
from faceserver.store.sqlite.opening import open_store
from faceserver.store.sqlite.store import DurableStore
from faceserver.transfer.check import check_folder
from faceserver.types import Face
from faceserver.vision.analyzer import Analyzer
from faceserver.vision.pool import AnalyzerPool
from tests.services.test_facade import BLACK, BLUE, GREEN, RED, png
from tests.support.fakes import ColourDetector, ColourEmbedder
from tests.support.services import make_services, register

LIMITS = Limits(max_bytes=10_000, max_pixels=100_000, max_matches=10, max_distance=0.1)


class Gallery:
    """A gallery on the disk, and what can be done with it."""

    def __init__(self, folder: Path, store: DurableStore, services: Services) -> None:
        self.folder, self.store, self.services = folder, store, services

    def add(self, *tiles: tuple[int, int, int]) -> tuple[Face, ...]:
        (outcome,) = register(self.services, ("a.png", png(*tiles)))
        assert isinstance(outcome, Registered)
        return outcome.faces

    def file(self, face: Face) -> Path:
        return self.folder / "uploadImages" / thumbnail_name(face.id)

    def shown(self, face: Face, size: str = "large") -> Pillow.Image:
        thumbnails = self.services.thumbnails
        found = thumbnails.face(DEFAULT, face.id)
        content = thumbnails.content(DEFAULT, found, cast("Size", size))
        return Pillow.open(io.BytesIO(content))


def opened(folder: Path, keep: Keep = "originals") -> Iterator[Gallery]:
    options = Options(keep=keep)
    with closing(open_store(folder, model="colour", dims=3, options=options)) as store:
        pool = AnalyzerPool(Analyzer(ColourDetector(), ColourEmbedder()))
        services = make_services(folder, pool, store, store.pictures, limits=LIMITS)
        yield Gallery(folder, store, services)


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    yield from opened(tmp_path)


def colour(picture: Pillow.Image) -> tuple[int, ...]:
    """The largest channel of the middle."""
    pixel = cast("tuple[int, ...]", picture.convert("RGB").getpixel((picture.width // 2,) * 2))
    return tuple(int(value > 128) for value in pixel)


def test_each_face_has_its_own_in_two_sizes(gallery: Gallery) -> None:
    for face, expected in zip(gallery.add(RED, BLACK, BLUE), [(1, 0, 0), (0, 0, 1)], strict=True):
        assert gallery.file(face).is_file()
        for size, side in SIDES.items():
            picture = gallery.shown(face, size)
            assert (picture.format, picture.size) == ("WEBP", (side, side))
            assert colour(picture) == expected


@pytest.mark.parametrize("left", [None, b"", b"RIFF", b"RIFF\xff\xff\0\0WEBP"])
def test_a_lost_or_damaged_one_is_made_again(gallery: Gallery, left: bytes | None) -> None:
    (face,) = gallery.add(GREEN)
    before = gallery.file(face).read_bytes()
    if left is None:
        gallery.file(face).unlink()
    else:
        gallery.file(face).write_bytes(left)
    assert colour(gallery.shown(face)) == (0, 1, 0)
    assert abs(len(gallery.file(face).read_bytes()) - len(before)) < 100


def test_they_go_with_their_face(gallery: Gallery) -> None:
    red, blue = gallery.add(RED, BLACK, BLUE)
    gallery.services.faces.delete(DEFAULT, red.id)
    assert not gallery.file(red).exists()
    assert gallery.file(blue).is_file()
    with pytest.raises(NotFound):
        gallery.shown(red)
    gallery.services.faces.delete(DEFAULT, blue.id)
    assert list((gallery.folder / "uploadImages").iterdir()) == []


def test_a_person_and_a_collection_take_them_along(gallery: Gallery) -> None:
    person = gallery.services.people.add(DEFAULT, "Ann")
    (face,) = gallery.add(RED)
    gallery.services.faces.move(DEFAULT, face.id, person.id)
    gallery.services.people.delete(DEFAULT, person.id)
    assert not gallery.file(face).exists()
    (face,) = gallery.add(GREEN)
    receipt = gallery.services.collections.delete(DEFAULT)
    assert receipt.pictures == 1  # thumbnails are no pictures of their own
    assert list((gallery.folder / "uploadImages").iterdir()) == []


def test_a_sweep_removes_those_without_a_face(gallery: Gallery) -> None:
    (face,) = gallery.add(RED)
    stray = gallery.folder / "uploadImages" / thumbnail_name("0" * 32)
    stray.write_bytes(b"left by a crash")
    gallery.store.sweeper.sweep()
    assert not stray.exists()
    assert gallery.file(face).is_file()


def test_a_check_finds_those_without_a_face(tmp_path: Path) -> None:
    for gallery in opened(tmp_path):
        gallery.add(RED)
    assert check_folder(tmp_path) == []
    stray = tmp_path / "uploadImages" / thumbnail_name("0" * 32)
    stray.write_bytes(b"left by a crash")
    (finding,) = check_folder(tmp_path, repair=True)
    assert stray.name in str(finding)
    assert not stray.exists()
    assert check_folder(tmp_path) == []


def test_of_a_kept_crop_they_show_the_crop(tmp_path: Path) -> None:
    for gallery in opened(tmp_path, "crops"):
        (face,) = gallery.add(BLUE)
        assert colour(gallery.shown(face, "small")) == (0, 0, 1)
        gallery.file(face).unlink()
        assert colour(gallery.shown(face, "small")) == (0, 0, 1)


def test_where_nothing_is_kept_there_are_none(tmp_path: Path) -> None:
    for gallery in opened(tmp_path, "nothing"):
        (face,) = gallery.add(BLUE)
        assert not gallery.file(face).exists()
        with pytest.raises(NotFound, match="no picture of this face is kept"):
            gallery.shown(face)


def test_one_of_a_face_that_goes_meanwhile_does_not_stay(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    (face,) = gallery.add(RED)
    gallery.file(face).unlink()
    put = gallery.store.pictures.put

    def put_late(name: str, content: bytes) -> None:
        gallery.services.faces.delete(DEFAULT, face.id)
        put(name, content)

    monkeypatch.setattr(gallery.store.pictures, "put", put_late)
    gallery.shown(face)
    assert list((gallery.folder / "uploadImages").iterdir()) == []
