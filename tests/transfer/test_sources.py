import io
import os
import stat
import struct
import zipfile
import zlib
from collections import Counter
from pathlib import Path

import pytest

from faceserver.api.pictures import Credentials
from faceserver.errors import FileTooLarge, InputError, InvalidArchive, InvalidRequest
from faceserver.pictures.zips import ZipReader
from faceserver.services.outcomes import NewPicture
from faceserver.transfer.sources import open_source


def fetch(url: str, credentials: Credentials | None = None, /) -> bytes:
    by = f" by {credentials.username}:{credentials.password}" if credentials else ""
    return f"fetched {url}{by}".encode()


def items_of(path: Path, *, people: bool = True, max_bytes: int = 100) -> dict[str, NewPicture]:
    with open_source(path, fetch=fetch, max_bytes=max_bytes, people=people) as source:
        items = list(source.items)
        assert len(items) == source.count
        for item in items:
            if not item.by_name:
                with_bytes(item)
        return {item.source: item for item in items}


def with_bytes(item: NewPicture) -> bytes | InputError:
    try:
        return item.load()
    except InputError as error:
        return error


def contents(path: Path) -> list[bytes]:
    with open_source(path, fetch=fetch, max_bytes=100) as source:
        return [item.load() for item in source.items]


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def persons(items: dict[str, NewPicture]) -> dict[str, str | None]:
    return {name: item.person for name, item in items.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("Ann/1.jpg", "Ann/2020/2.PNG", "Bob/1.jpg", "nobody.jpg", "Ann/notes.txt"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "photos"


def test_subfolders_are_people(folder: Path) -> None:
    items = items_of(folder)
    assert persons(items) == {
        "Ann/1.jpg": "Ann",
        "Ann/2020/2.PNG": "Ann",
        "Bob/1.jpg": "Bob",
        "nobody.jpg": None,
    }
    assert items["Bob/1.jpg"].load() == b"Bob/1.jpg"
    assert set(persons(items_of(folder, people=False)).values()) == {None}


def test_large_and_unreadable_files_are_refused_when_they_are_read(folder: Path) -> None:
    (folder / "large.jpg").write_bytes(bytes(101))
    (folder / "gone.jpg").write_bytes(b"picture")
    with open_source(folder, fetch=fetch, max_bytes=100) as source:
        items = {item.source: item for item in source.items}
    (folder / "gone.jpg").unlink()
    with pytest.raises(FileTooLarge):
        items["large.jpg"].load()
    with pytest.raises(InvalidRequest, match="no such file"):
        items["gone.jpg"].load()


def test_a_zip_is_like_a_folder(tmp_path: Path) -> None:
    flat = zipped(tmp_path / "a.zip", {"Ann/1.jpg": b"1", "Ann/2.jpg": b"2", "x.txt": b""})
    assert persons(items_of(flat)) == {"Ann/1.jpg": "Ann", "Ann/2.jpg": "Ann"}
    wrapped = zipped(tmp_path / "b.zip", {"top/Ann/1.jpg": b"1", "top/Bob/1.jpg": b"2"})
    with open_source(wrapped, fetch=fetch, max_bytes=10) as source:
        first, second = source.items
        assert (first.source, first.person, first.load()) == ("Ann/1.jpg", "Ann", b"1")
        assert second.person == "Bob"


def flawed(path: Path) -> Path:
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("good.jpg", b"good")
        file.writestr("../up.jpg", b"x")
        file.writestr("/root.jpg", b"x")
        file.writestr("c:\\windows.jpg", b"x")
        file.writestr(link, b"/etc/passwd")
        file.writestr("bomb.png", bytes(5_000_000))
        file.writestr("large.jpg", bytes(range(200)))
        file.writestr(zipfile.ZipInfo("odd.jpg"), b"x", zipfile.ZIP_LZMA)
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("good.jpg", b"another")
    return path


def test_a_zip_of_the_folder_that_it_was_packed_in_is_the_same(tmp_path: Path) -> None:
    """Some programs write where they stood before each name."""
    names = ("./ann/1.jpg", "./bob/./2.jpg", ".//bob//3.jpg", "./4.jpg", "./.x/5.jpg")
    packed = zipped(tmp_path / "here.zip", dict.fromkeys(names, b"1"))
    assert persons(items_of(packed)) == {
        "ann/1.jpg": "ann",
        "bob/2.jpg": "bob",
        "bob/3.jpg": "bob",
        "4.jpg": None,
    }
    with open_source(packed, fetch=fetch, max_bytes=10) as source:
        assert [item.name for item in source.left_out] == ["./.x/5.jpg"]


def test_each_flawed_entry_of_a_zip_is_refused_and_the_rest_taken(tmp_path: Path) -> None:
    with open_source(flawed(tmp_path / "f.zip"), fetch=fetch, max_bytes=100) as source:
        results = [(item.source, with_bytes(item)) for item in source.items]
    reasons = {name: str(result) for name, result in results if isinstance(result, InputError)}
    assert [result for result in results if isinstance(result[1], bytes)] == [("good.jpg", b"good")]
    assert "leads out" in reasons["../up.jpg"]
    assert "leads out" in reasons["/root.jpg"]
    assert "leads out" in reasons["c:\\windows.jpg"]
    assert "symbolic link" in reasons["link.jpg"]
    assert "compressed more" in reasons["bomb.png"]
    assert "200 bytes" in reasons["large.jpg"]
    assert "not read here" in reasons["odd.jpg"]
    assert "two of this name" in reasons["good.jpg"]


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "e.zip", {"a.jpg": b"x"}).read_bytes())
    directory = data.index(b"PK\1\2")
    data[directory + 8] |= 1
    (tmp_path / "e.zip").write_bytes(data)
    with pytest.raises(InvalidArchive, match="encrypted"):
        items_of(tmp_path / "e.zip")["a.jpg"].load()


def test_overlapping_entries_are_refused(tmp_path: Path) -> None:
    data = zipped(tmp_path / "o.zip", {"a.jpg": bytes(5000)}).read_bytes()
    entry = data[data.index(b"PK\1\2") : data.index(b"PK\5\6")]
    end = bytearray(data[data.index(b"PK\5\6") :])
    end[8:12] = (2).to_bytes(2, "little") * 2
    end[12:16] = (2 * len(entry)).to_bytes(4, "little")
    twice = data[: data.index(b"PK\5\6")] + entry + end
    (tmp_path / "o.zip").write_bytes(twice)
    with pytest.raises(InvalidArchive, match="overlap"):
        ZipReader(tmp_path / "o.zip")


def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceserver.pictures.zips.MAX_ENTRIES", 1)
    with pytest.raises(InvalidArchive, match="too many"):
        items_of(zipped(tmp_path / "m.zip", {"a.jpg": b"", "b.jpg": b""}))


def test_what_is_no_zip_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_bytes(b"this is no zip")
    with pytest.raises(InvalidArchive, match="not a zip"):
        items_of(tmp_path / "no.zip")
    with pytest.raises(InvalidArchive, match="cannot be read"):
        items_of(tmp_path / "gone.zip")
    (tmp_path / "list.txt").touch()
    with pytest.raises(InvalidArchive, match=r"not a folder, \.zip"):
        items_of(tmp_path / "list.txt")


def test_a_wrong_checksum_is_noticed_when_it_is_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "c.zip", {"a.jpg": b"content"})
    path.write_bytes(path.read_bytes().replace(b"content", b"contenT"))
    with open_source(path, fetch=fetch, max_bytes=100) as source:
        (item,) = source.items
        with pytest.raises(InvalidArchive, match="damaged"):
            item.load()


def test_a_csv_tells_paths_urls_people_and_tags(tmp_path: Path) -> None:
    (tmp_path / "a b.jpg").write_bytes(b"picture")
    (tmp_path / "list.csv").write_text(
        "\ufeffpath,url,person,tags,external_id\n"
        '"a b.jpg",,"Ann, the first",x; y;;,17\n'
        ",http://host/b.jpg,,,\n"
        "a b.jpg,http://host/b.jpg,,,\n"
        "gone.jpg\n"
        "a b.jpg,,,,,too many\n",
        encoding="utf-8",
    )
    with open_source(tmp_path / "list.csv", fetch=fetch, max_bytes=100) as source:
        first, second, *bad = list(source.items)
        assert source.count == 5
    assert (first.source, first.person, first.tags) == ("a b.jpg", "Ann, the first", ("x", "y"))
    assert (first.external_id, first.by_name, first.load()) == ("17", False, b"picture")
    assert (second.source, second.person, second.by_name) == ("http://host/b.jpg", None, True)
    assert second.load() == b"fetched http://host/b.jpg"
    assert [item.source for item in bad] == ["entry 3", "gone.jpg", "entry 5"]
    assert "either a path or a url" in str(with_bytes(bad[0]))
    assert "no such file" in str(with_bytes(bad[1]))


@pytest.mark.parametrize(
    "text", [b"", b"name,file\na,b\n", b"path,colour\na,b\n", b'path\n"a\n', b"path\n\xff\n"]
)
def test_a_list_that_is_none_is_refused_as_a_whole(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "list.csv").write_bytes(text)
    with pytest.raises(InvalidArchive):
        items_of(tmp_path / "list.csv")


def test_json_lines_are_read_and_bad_ones_told(tmp_path: Path) -> None:
    lines = io.StringIO()
    lines.write('{"path": "a.jpg", "person": "Ann", "tags": ["x; y"]}\n\n')
    lines.write('{"url": "http://host/b.jpg"}\n')
    lines.write('{"path": "a.jpg", "colour": "red"}\n')
    lines.write("no json\n")
    (tmp_path / "a.jpg").write_bytes(b"picture")
    (tmp_path / "list.jsonl").write_text(lines.getvalue())
    with open_source(tmp_path / "list.jsonl", fetch=fetch, max_bytes=100) as source:
        first, second, *bad = list(source.items)
    assert (first.load(), first.person, first.tags) == (b"picture", "Ann", ("x; y",))
    assert second.by_name
    assert "colour" in str(with_bytes(bad[0]))
    assert isinstance(with_bytes(bad[1]), InvalidRequest)


def test_a_list_tells_what_the_host_of_a_url_asks_for(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(
        "url,path,username,password,scheme\n"
        " http://cam/a.jpg ,,admin, 12 ,digest\n"
        "http://cam/b.jpg,,admin,,\n"
        "http://cam/c.jpg,,,,\n"
        ",a.jpg,admin,secret,\n"
        "http://cam/d.jpg,,,secret,\n"
        "http://cam/e.jpg,,admin,secret,ntlm\n"
        "http://admin:secret@cam/f.jpg,,,,\n",
        encoding="utf-8",
    )
    lines = ['{"url": "http://cam/a.jpg", "auth": {"username": "admin", "password": "12"}}']
    (tmp_path / "list.jsonl").write_text("\n".join(lines))
    with open_source(tmp_path / "list.csv", fetch=fetch, max_bytes=100) as source:
        *good, no_url, no_name, scheme, inside = list(source.items)
    assert [item.source for item in good] == [f"http://cam/{name}.jpg" for name in "abc"]
    assert [with_bytes(item) for item in good] == [
        b"fetched http://cam/a.jpg by admin: 12 ",
        b"fetched http://cam/b.jpg by admin:",
        b"fetched http://cam/c.jpg",
    ]
    for item, told in ((no_url, "require a url"), (no_name, "username"), (scheme, "scheme")):
        assert told in str(with_bytes(item))
        assert "secret" not in str(with_bytes(item))
    assert inside.source == "http://cam/f.jpg"
    with open_source(tmp_path / "list.jsonl", fetch=fetch, max_bytes=100) as source:
        assert [with_bytes(item) for item in source.items] == [
            b"fetched http://cam/a.jpg by admin:12"
        ]


def test_windows_separators_are_read(tmp_path: Path) -> None:
    """As PowerShell packs them, folders included."""
    path = zipped(tmp_path / "w.zip", {"Ann\\": b"", "Ann\\2020\\1.jpg": b"1", "Bob\\1.jpg": b"2"})
    items = items_of(path)
    assert persons(items) == {"Ann/2020/1.jpg": "Ann", "Bob/1.jpg": "Bob"}
    assert contents(path) == [b"1", b"2"]
    both = zipped(tmp_path / "b.zip", {"Ann\\1.jpg": b"1", "Ann/1.jpg": b"2", "..\\x.jpg": b"3"})
    with open_source(both, fetch=fetch, max_bytes=10) as source:
        results = [with_bytes(item) for item in source.items]
    assert [str(result) for result in results[1:]] == [
        "there are two of this name",
        "a name that leads out of the archive",
    ]


def test_a_takeout_gives_its_people_and_says_what_else_it_holds(tmp_path: Path) -> None:
    top = "Takeout/Google Fotos"
    path = zipped(
        tmp_path / "t.zip",
        {
            "Takeout/archive_browser.html": b"<html></html>",
            f"{top}/Ann/1.jpg": b"1",
            f"{top}/Ann/1.jpg.json": b"{}",
            f"{top}/Ann/Metadaten.json": b"{}",
            f"{top}/Bob/2.jpg": b"2",
            f"{top}/Fotos von 2021/3.jpg": b"3",
            f"{top}/Bob/film.MP4": b"\0\0\0\x18ftypmp42\0\0\0\0isommp42",
            f"{top}/Papierkorb/4.jpg": b"4",
        },
    )
    with open_source(path, fetch=fetch, max_bytes=10) as source:
        assert persons({item.source: item for item in source.items}) == {
            "Ann/1.jpg": "Ann",
            "Bob/2.jpg": "Bob",
            "Fotos von 2021/3.jpg": None,
        }
        assert Counter(item.reason for item in source.left_out) == {
            "JSON sidecar": 2,
            "text": 1,
            "video": 1,
            "trash": 1,
        }
        assert source.people == {"Ann": 1, "Bob": 1, None: 1}


@pytest.mark.parametrize("encoding", ["cp437", "cp1252", "gbk", "cp932", "utf-8"])
def test_names_without_a_mark_are_read(tmp_path: Path, encoding: str) -> None:
    person = {"gbk": "张三", "cp932": "田中さん", "utf-8": "Zoë 张三"}.get(encoding, "Jörg Müller")
    raw = person.encode(encoding)
    placeholder = "x" * len(raw)
    path = zipped(tmp_path / "n.zip", {f"{placeholder}/1.jpg": b"1", f"{placeholder}/2.jpg": b"2"})
    path.write_bytes(path.read_bytes().replace(placeholder.encode(), raw))
    items = items_of(path)
    assert set(persons(items).values()) == {person}
    assert contents(path) == [b"1", b"2"]


def test_a_name_in_utf8_beside_an_older_one_counts(tmp_path: Path) -> None:
    """Info-ZIP's extra field."""
    entry = zipfile.ZipInfo("Jo/1.jpg")
    name = "Jörg/1.jpg".encode()
    field = struct.pack("<BL", 1, zlib.crc32(b"Jo/1.jpg")) + name
    entry.extra = struct.pack("<HH", 0x7075, len(field)) + field
    with zipfile.ZipFile(tmp_path / "i.zip", "w") as file:
        file.writestr(entry, b"1")
    assert persons(items_of(tmp_path / "i.zip")) == {"Jörg/1.jpg": "Jörg"}


def test_a_large_zips_records_are_read(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "l.zip", "w") as file,
        file.open("Ann/1.jpg", "w", force_zip64=True) as member,
    ):
        member.write(b"1")
    assert persons(items_of(tmp_path / "l.zip")) == {"Ann/1.jpg": "Ann"}


def test_zips_inside_and_what_is_locked_are_said(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", {"a.jpg": b"x"}).read_bytes()
    members = {"inner.zip": inner, "locked.jpg": b"x", "locked.txt": b"x", "a.jpg": b"1"}
    data = bytearray(zipped(tmp_path / "o.zip", members).read_bytes())
    for name in (b"locked.jpg", b"locked.txt"):
        data[data.rindex(name) - 46 + 8] |= 1
    (tmp_path / "o.zip").write_bytes(data)
    with open_source(tmp_path / "o.zip", fetch=fetch, max_bytes=10) as source:
        results = {item.source: with_bytes(item) for item in source.items}
        assert {item.name: item.reason for item in source.left_out} == {
            "inner.zip": "zip",
            "locked.txt": "unreadable",
        }
    assert results["a.jpg"] == b"1"
    assert str(results["locked.jpg"]) == "encrypted"


def test_every_entry_of_a_zip_is_tried_or_left_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(flawed(tmp_path / "f.zip"), "a") as file:
        for name in ("__MACOSX/._a.jpg", ".hidden/1.jpg", "note.txt", "empty", "none", "a/b/.DS"):
            file.writestr(name, "" if name == "empty" else "text")
        file.mkdir("folder")
        entries = [entry.filename for entry in file.infolist() if not entry.is_dir()]
    with open_source(tmp_path / "f.zip", fetch=fetch, max_bytes=10) as source:
        names = [item.source for item in source.items] + [item.name for item in source.left_out]
    assert sorted(names) == sorted(entries)


def test_a_zip_without_an_ending_is_one(tmp_path: Path) -> None:
    assert persons(items_of(zipped(tmp_path / "photos", {"Ann/1.jpg": b"1"}))) == {
        "Ann/1.jpg": "Ann"
    }


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    for name in ("a.zip", "a.csv", "a"):
        os.mkfifo(tmp_path / name)
        with pytest.raises(InvalidArchive, match="neither a file nor a folder"):
            items_of(tmp_path / name)
