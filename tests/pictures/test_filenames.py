"""File names whose encoding nobody wrote down."""

import pytest

from faceserver.pictures.filenames import decoded, encoding_of

NAMES = [
    ("Jörg/é.jpg", "cp437"),
    ("Löwe/1.jpg", "cp437"),
    ("Jörg/Müller.jpg", "cp1252"),
    ("Élodie/Größe.jpg", "cp1252"),
    ("张三/照片.jpg", "gbk"),
    ("王/1.jpg", "gbk"),
    ("王鑫/1.jpg", "gbk"),
    ("田中さん/写真.jpg", "cp932"),
    ("表/ソ.jpg", "cp932"),
    ("Ärger/Größe/写真.jpg", "utf-8"),
    ("plain.jpg", "ascii"),
]


@pytest.mark.parametrize(("name", "encoding"), NAMES)
def test_names_come_out_as_they_were_typed(name: str, encoding: str) -> None:
    assert decoded(name.encode(encoding)) == name


def test_all_names_of_a_zip_share_an_encoding() -> None:
    """One name alone may look like another encoding's."""
    assert encoding_of(["Öl".encode("cp437"), "Jörg".encode("cp437")]) == "cp437"


def test_bytes_of_no_encoding_still_give_a_name() -> None:
    assert decoded(b"a\xff\x81.jpg").startswith("a")
