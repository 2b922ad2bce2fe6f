"""Every file below a folder is either tried or left out for a reason."""

import os
import socket
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceserver.transfer.leftout import LeftOut, told
from faceserver.transfer.sources import open_source
from faceserver.transfer.walk import as_text, files_at, files_below
from tests.support.picture_files import encode, picture

JPEG = encode(picture("RGB"), "JPEG")
MOVIE = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42"


def no_fetch(_url: str, _credentials: object = None, /) -> bytes:
    raise NotImplementedError


def write(folder: Path, name: str, data: bytes = JPEG) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def seen(folder: Path) -> tuple[list[str], dict[str, str]]:
    found = files_below(folder)
    pictures = [as_text(path.relative_to(folder)) for path in found.pictures]
    return pictures, {item.name: item.reason for item in found.left_out}


def test_the_content_decides_and_not_the_ending(tmp_path: Path) -> None:
    for name in ("a.jpe", "b.jfif", "c.mpo", "d.JPG", "e", "f.dat", "g.jpg_original"):
        write(tmp_path, name)
    write(tmp_path, "h.jpg", b"damaged")  # called a picture: the decoder says what it is
    write(tmp_path, "i.mp4", MOVIE)
    write(tmp_path, "j", MOVIE)
    write(tmp_path, "k.jpg.json", b'{"title": "k.jpg"}')
    write(tmp_path, "l.xmp", b"<x:xmpmeta/>")
    write(tmp_path, "m.txt", b"a note")
    write(tmp_path, "n.zip", b"PK\3\4....")
    write(tmp_path, "o.pdf", b"%PDF-1.4")
    write(tmp_path, "p", b"")
    write(tmp_path, "q.bin", b"\x01\x02\x03")
    pictures, left_out = seen(tmp_path)
    assert [name[0] for name in pictures] == list("abcdefgh")
    assert list(left_out.values()) == [
        *("video", "video", "JSON sidecar", "sidecar", "text", "zip", "pdf", "empty", "unknown")
    ]


PLACES = {
    ".hidden/a.jpg": "hidden",
    "Ann/.hidden.jpg": "hidden",
    "Ann/._1.jpg": "hidden",
    ".thumbnails/1.jpg": "system",
    "Ann/@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg": "system",
    ".@__thumb/default1.jpg": "system",
    "__MACOSX/Ann/1.jpg": "system",
    "Catalog Previews.lrdata/A/1.jpg": "system",
    "System Volume Information/1.jpg": "system",
    "Thumbs.db": "system",
    "Ann/.DS_Store": "system",
    "Ann/desktop.ini": "system",
    "#recycle/1.jpg": "trash",
    "$RECYCLE.BIN/S-1/1.jpg": "trash",
    ".Trash/1.jpg": "trash",
    ".Trash-1000/files/1.jpg": "trash",
    "lost+found/#12": "trash",
}


def test_hidden_places_and_caches_are_left_out_and_said(tmp_path: Path) -> None:
    for name in PLACES:
        write(tmp_path, name)
    write(tmp_path, "Ann/1.jpg")
    assert seen(tmp_path) == (["Ann/1.jpg"], PLACES)
    assert seen(tmp_path / ".hidden") == (["a.jpg"], {})  # who asks for it gets it


def test_nothing_but_files_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device.jpg").symlink_to("/dev/zero")
    (tmp_path / "gone.jpg").symlink_to("nowhere")
    (tmp_path / "itself.jpg").symlink_to("itself.jpg")
    write(tmp_path, "folder.jpg/1.jpg")
    (tmp_path / "folder.jpg" / "loop").symlink_to(tmp_path)
    (tmp_path / "linked.jpg").symlink_to("folder.jpg/1.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(tmp_path)
        listener.bind("socket.jpg")
        pictures, left_out = seen(tmp_path)
    assert pictures == ["folder.jpg/1.jpg", "linked.jpg"]
    assert left_out == {
        "device.jpg": "special file",
        "folder.jpg/loop": "linked folder",
        "gone.jpg": "unreadable",
        "itself.jpg": "unreadable",
        "pipe": "special file",
        "pipe.jpg": "special file",
        "socket.jpg": "special file",
    }


def test_what_cannot_be_read_is_said_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Ann/1.jpg", "Bob/1.jpg", "Bob/note", "Cleo/1.jpg"):
        write(tmp_path, name)
    scandir, path_open = os.scandir, Path.open

    def denied(path: Path) -> object:
        if path.name == "Ann":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    def closed(path: Path, *arguments: object) -> object:
        if path.name == "note":
            raise PermissionError(13, "Permission denied")
        return path_open(path, *arguments)  # type: ignore[call-overload]

    monkeypatch.setattr("faceserver.transfer.walk.os.scandir", denied)
    monkeypatch.setattr(Path, "open", closed)
    found = files_below(tmp_path)
    assert [path.parent.name for path in found.pictures] == ["Bob", "Cleo"]
    assert found.left_out == (
        LeftOut("Ann", "unreadable", "Permission denied"),
        LeftOut("Bob/note", "unreadable", "Permission denied"),
    )
    assert all(item.is_fault for item in found.left_out)


def test_a_tree_deeper_than_paths_may_be_long_ends_in_a_word(tmp_path: Path) -> None:
    """Beyond what the system can name, nothing can be opened."""
    part = "d" * 200
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(25):
        os.mkdir(part, dir_fd=here)
        below = os.open(part, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    write(tmp_path, "e.jpg")
    pictures, left_out = seen(tmp_path)
    assert pictures == ["e.jpg"]
    assert list(left_out.values()) == ["unreadable"]


def test_names_of_other_systems_are_read(tmp_path: Path) -> None:
    for raw in (b"J\xf6rg", "张三".encode("gbk"), "Zoë".encode(), b"\xff\xfe"):
        write(tmp_path / os.fsdecode(raw), "1.jpg")
    with open_source(tmp_path, fetch=no_fetch, max_bytes=10**6) as source:
        assert source.people
        assert len(source.people) == 4
        assert {"Jörg", "张三", "Zoë"} < set(source.people)
        assert all(item.load() == JPEG for item in source.items)


def test_files_and_folders_may_be_given_and_twice(tmp_path: Path) -> None:
    one = write(tmp_path, "Ann/1.jpg")
    write(tmp_path, "Ann/film", MOVIE)
    note = write(tmp_path, "note.txt", b"a note")
    found = files_at([one, tmp_path / "Ann", Path(f"{tmp_path}/Ann/"), note])
    assert found.pictures == (one, note)  # what is named alone is tried, whatever it holds
    assert told(found.left_out) == "1 video"
    assert found.left_out[0].name == f"{tmp_path}/Ann/film"


def test_what_is_left_out_is_counted_in_words() -> None:
    reasons = ["video"] * 12 + ["hidden"] * 3 + ["JSON sidecar"] * 2 + ["unreadable"]
    items = [LeftOut(f"{n}", reason) for n, reason in enumerate(reasons)]
    assert told(items) == "12 videos, 3 hidden files, 2 JSON sidecars, 1 unreadable"
    assert told([LeftOut("x", "empty")]) == "1 empty file"


NAMES = st.sampled_from(
    [
        *("Ann", "Bob", "holiday", "1.jpg", "2.HEIC", "3", "film.mov", "x.json", ".x", "._1.jpg"),
        *("@eaDir", "__MACOSX", "Thumbs.db", "größe.png", "a b", "…", "#recycle", "-1.jpg", "\\"),
    ]
)
CONTENTS = st.sampled_from([JPEG, MOVIE, b"", b"text", b"{}", b"\0\1\2", b"PK\3\4"])


@given(st.dictionaries(st.lists(NAMES, min_size=1, max_size=5).map(tuple), CONTENTS, max_size=12))
def test_every_file_of_any_tree_is_tried_or_left_out(tree: dict[tuple[str, ...], bytes]) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        for parts, data in tree.items():
            path = folder.joinpath(*parts)
            if not any(other.is_file() for other in path.parents) and not path.exists():
                write(folder, str(path.relative_to(folder)), data)
        files = Counter(
            as_text(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
        )
        with open_source(folder, fetch=no_fetch, max_bytes=100) as source:
            tried = [item.source for item in source.items]
            assert len(tried) == source.count
            assert Counter([*tried, *(item.name for item in source.left_out)]) == files
