"""What holds faces, keys or vectors is for its owner alone, whatever the folder and the umask."""

import logging
import os
import shutil
import signal
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import pytest

from faceserver.runtime.private_files import tighten
from faceserver.store import Options, open_store
from tests.store.samples import DIMS, MODEL, new_faces, people
from tests.support.photographs import Photographs

ROOT = Path(__file__).resolve().parent.parent

# A file that is made open and then closed is readable for a moment: no mode is changed at all.
WATCHED = """
import sys
def watch(event, arguments):
    if event == "os.chmod":
        print("a mode is changed", arguments, file=sys.stderr, flush=True)
sys.addaudithook(watch)
from faceserver.cli.main import main
main()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that was there before, for all to look into."""
    made = tmp_path / "volume"
    made.mkdir()
    made.chmod(0o755)
    return made


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def left_open(folder: Path) -> list[str]:
    """What is below a folder and can be looked at by others, with its mode."""
    return [
        f"{path.relative_to(folder)} {stat.S_IMODE(path.lstat().st_mode):o}"
        for path in sorted(folder.rglob("*"))
        if path.lstat().st_mode & 0o077
    ]


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-c", WATCHED, *map(str, arguments)]


def environment(data: Path, tmp_path: Path) -> dict[str, str]:
    places = {"FACESERVER_DATA_DIR": str(data), "FACESERVER_CACHE_DIR": str(tmp_path / "cache")}
    return os.environ | places | {"PYTHONPATH": str(ROOT)}


def run(data: Path, tmp_path: Path, *arguments: str | Path) -> None:
    done = subprocess.run(
        command(*arguments),
        env=environment(data, tmp_path),
        umask=0,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a mode is changed" not in done.stderr


def serve_a_while(data: Path, tmp_path: Path, picture: Path) -> None:
    """Register over HTTP and in a job, and look at the folder while the server still runs."""
    process = subprocess.Popen(
        command("serve", "--port", "0"),
        env=environment(data, tmp_path),
        umask=0,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    with process, process.stdout:
        lines = iter(process.stdout)
        address = next(line for line in lines if "http://" in line).split()[-1]
        next(line for line in lines if line.startswith("Ready"))
        archive = tmp_path / "job.zip"
        with ZipFile(archive, "w") as zipped:
            zipped.write(picture, "him/picture.jpg")
        try:
            post(f"{address}faceRegister", "image.jpg", picture.read_bytes())
            post(f"{address}v1/collections/default/jobs", "file", archive.read_bytes())
            assert left_open(data) == []
            assert (data / "faces.sqlite-wal").is_file()
        finally:
            process.send_signal(signal.SIGTERM)
        assert not [line for line in lines if "a mode is changed" in line]
    assert process.returncode == 0


def post(url: str, field: str, content: bytes) -> None:
    head = f'--x\r\nContent-Disposition: form-data; name="{field}"; filename="f.zip"\r\n\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    request = urllib.request.Request(url, head.encode() + content + b"\r\n--x--\r\n", kind)
    with urllib.request.urlopen(request) as answer:
        assert answer.status < 300


def test_a_varied_session_leaves_nothing_open(
    folder: Path, tmp_path: Path, photographs: Photographs
) -> None:
    data, kept = folder / "new" / "data", tmp_path / "kept"
    kept.mkdir()
    run(data, tmp_path, "register", photographs["obama.jpg"])
    assert left_open(folder / "new") == []
    data = folder  # from here on the folder itself, which was there before
    serve_a_while(data, tmp_path, photographs["biden.jpg"])
    run(data, tmp_path, "export", kept / "export.zip")
    run(data, tmp_path, "backup", kept / "backup.zip")
    run(data, tmp_path, "restore", "--force", kept / "backup.zip")
    (folder / "uploadImages" / f"{'0' * 64}.jpg").write_bytes(b"no picture")
    run(data, tmp_path, "check", "--repair")
    run(data, tmp_path, "import", kept / "export.zip")
    run(data, tmp_path, "keys", "create", "--name", "phone", "--scope", "read")
    assert (folder / "audit.jsonl").is_file()
    assert left_open(folder) == []
    assert left_open(kept) == []


def test_what_commands_write_of_pictures_is_private(
    tmp_path: Path, photographs: Photographs
) -> None:
    """Copies, pages and lists: they show, or name, the same people as the data folder."""
    photos, kept, data = (tmp_path / name for name in ("photos", "kept", "data"))
    for made in (photos, kept):
        made.mkdir()
    picture = shutil.copy(photographs["obama.jpg"], photos)
    run(data, tmp_path, "scan", photos, "--out", kept / "scanned" / "here")
    pages = ("--html", kept / "people.html", "--out", kept / "sorted")
    run(data, tmp_path, "cluster", photos, "--copies", *pages, "--least", "1")
    run(data, tmp_path, "import", photos, "--report", kept / "left-out.csv")
    run(data, tmp_path, "gen-example-json", picture, picture, "--output", kept / "two.json")
    run(data, tmp_path, "gen-example-json", picture, picture, "--output", "-")
    copies = [path for path in kept.rglob("*.jpg") if "sorted" in path.parts]
    assert [path.stat().st_mtime_ns for path in copies] == [Path(picture).stat().st_mtime_ns]
    assert {"people.html", "left-out.csv", "two.json"} < {path.name for path in kept.iterdir()}
    assert left_open(kept) == []


@pytest.mark.usefixtures("no_umask")
def test_saved_indexes_and_logs_are_private(folder: Path) -> None:
    options = Options(exact_up_to=0)
    with closing(open_store(folder, model=MODEL, dims=DIMS, options=options)) as store:
        store.collection().add(new_faces(people(60)))
        assert left_open(folder) == []
    assert list((folder / "index").rglob("*.hnsw"))
    assert left_open(folder) == []


def test_what_older_versions_left_open_is_closed_at_start(folder: Path) -> None:
    open_store(folder, model=MODEL, dims=DIMS).close()
    (folder / "uploadImages" / f"{'1' * 64}.jpg").write_bytes(b"a face")
    (folder / "before-restore-1").mkdir()
    (folder / "before-restore-1" / "faces.sqlite").write_bytes(b"")
    (folder / "audit.jsonl.1").write_text("{}")
    stranger = folder / "notes"
    stranger.write_text("not ours")
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    open_store(folder, model=MODEL, dims=DIMS).close()
    assert left_open(folder) == ["notes 644"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("")
    elsewhere.chmod(0o644)
    (folder / "faces.sqlite").symlink_to(elsewhere)
    tighten([folder / "faces.sqlite"])
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o644


def test_what_cannot_be_closed_is_told(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    (folder / "faces.sqlite").write_bytes(b"")
    (folder / "faces.sqlite").chmod(0o644)
    monkeypatch.setattr("faceserver.runtime.private_files.os.chmod", refuse)
    with caplog.at_level(logging.WARNING):
        tighten([folder / "faces.sqlite", folder / "missing"])
    (record,) = caplog.records
    assert "stays readable by others" in record.message
