"""Which folder on the way to a picture names its person."""

import pytest

from faceserver.transfer.people import person_of, without_wrapping


def people(*ways: str, packed: bool = True) -> list[str | None]:
    inner, takeout = without_wrapping([way.split("/") for way in ways], packed=packed)
    return [person_of(way, takeout=takeout) for way in inner]


TAKEOUTS = [
    "Takeout/Google Photos",
    "Takeout/Google Fotos",
    "Takeout/Google 相册",
    "Takeout/Zdjęcia Google",
    "Takeout/Google\xa0Photos",
    "Takeout/Fotos",
    "Takeout 2/Google Photos",
    "takeout-20240501T101010Z-001/Takeout/Google Photos",
    "Google Photos",
]


@pytest.mark.parametrize("top", TAKEOUTS)
def test_a_takeout_gives_its_people(top: str) -> None:
    assert people(f"{top}/Ann/1.jpg", f"{top}/Bob/2.jpg") == ["Ann", "Bob"]
    assert people(f"{top}/Ann/1.jpg", f"{top}/Ann/2.jpg") == ["Ann", "Ann"]


@pytest.mark.parametrize(
    "album",
    [
        *("Photos from 2021", "Fotos von 2021", "Photos de 2019", "Fotos de 1999", "2021 年的照片"),
        *("2021年の写真", "Foto's uit 2020", "Фото за 2020", "2021", "2021-05-03", "Archive"),
    ],
)
def test_albums_of_a_year_are_nobody(album: str) -> None:
    top = "Takeout/Google Photos"
    assert people(f"{top}/{album}/1.jpg", f"{top}/Ann/2.jpg") == [None, "Ann"]
    assert people(f"{top}/{album}/1.jpg") == [None]


def test_an_unpacked_takeout_gives_them_too() -> None:
    ways = ("Google Photos/Ann/1.jpg", "Google Photos/Photos from 2021/2.jpg")
    assert people(*ways, packed=False) == ["Ann", None]


def test_a_zip_may_have_folders_around_the_peoples() -> None:
    assert people("Ann/1.jpg", "Bob/2.jpg") == ["Ann", "Bob"]
    assert people("top/Ann/1.jpg", "top/Bob/2.jpg") == ["Ann", "Bob"]
    assert people("a/b/Ann/1.jpg", "a/b/Bob/2020/2.jpg") == ["Ann", "Bob"]
    assert people("a/b/Ann/1.jpg", "a/b/Ann/2.jpg") == ["Ann", "Ann"]
    assert people("Ann/1.jpg", "Ann/2020/2.jpg") == ["Ann", "Ann"]
    assert people("people/Ann/2019/1.jpg", "people/Ann/2020/2.jpg") == ["Ann", "Ann"]
    assert people("1.jpg", "Ann/2.jpg") == [None, "Ann"]
    assert people("1.jpg") == [None]
    assert people() == []


def test_a_folder_is_taken_as_it_was_given() -> None:
    assert people("top/Ann/1.jpg", "top/Bob/2.jpg", packed=False) == ["top", "top"]
