"""The commands on real photographs and real models."""

import json
import shutil
from contextlib import closing
from datetime import datetime
from pathlib import Path
from zipfile import ZipFile

import pytest
from click.testing import CliRunner, Result
from PIL import Image as Pillow

from faceserver.app import open_gallery
from faceserver.cli.main import main
from faceserver.cli.output import counted
from faceserver.config import load_settings
from faceserver.jobs.records import NewItem, Request
from faceserver.jobs.sources import ZipFolder
from faceserver.jobs.table import JobTable
from faceserver.types import Filter
from tests.e2e.server import Server
from tests.support.photographs import Photographs
from tests.transfer.galleries import fill, opened, picture_files

COMMANDS = ["import", "import-compreface", "export", "backup", "restore", "check", "purge"]


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return use(tmp_path / "gallery", monkeypatch)


def use(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACESERVER_DATA_DIR", str(folder))
    return folder


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def people(photographs: Photographs, tmp_path: Path) -> Path:
    folder = tmp_path / "people"
    for name, person in (("obama.jpg", "Barack"), ("obama2.jpg", "Barack"), ("biden.jpg", "Joe")):
        (folder / person).mkdir(parents=True, exist_ok=True)
        shutil.copy(photographs[name], folder / person / name)
    (folder / "Joe" / "torn.jpg").write_bytes(photographs["biden.jpg"].read_bytes()[:5000])
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output
    assert "\\b" not in result.output
    assert "..." not in command_line(command)


def command_line(command: str) -> str:
    """What the list of commands says about one."""
    lines = run("--help").output.splitlines()
    return next(line for line in lines if line.startswith(f"  {command} "))


def originals(folder: Path) -> dict[str, bytes]:
    """The pictures without their thumbnails, which are made again when they are asked for."""
    return {name: data for name, data in picture_files(folder).items() if name.endswith(".jpg")}


def test_people_are_imported_exported_and_taken_back(
    people: Path, photographs: Photographs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = use(tmp_path / "source", monkeypatch)
    report = tmp_path / "report.jsonl"
    result = run("import", people, "--jobs", "2", "--report", report)
    assert result.exit_code == 1
    assert "3 faces of 3 pictures stored, 1 refused." in result.output
    (entry,) = map(json.loads, report.read_text().splitlines())
    assert (entry["source"], entry["code"]) == ("Joe/torn.jpg", "truncated_image")

    again = run("import", people)
    assert "0 faces of 0 pictures stored, 1 refused." in again.output
    assert "3 pictures already stored." in again.output

    archive = tmp_path / "all.zip"
    exported = run("export", archive)
    assert exported.exit_code == 0, exported.output
    assert "1 collection, 2 subjects, 3 faces, 3 pictures" in exported.output
    assert archive.stat().st_mode & 0o077 == 0

    target = use(tmp_path / "target", monkeypatch)
    result = run("import", archive)
    assert result.exit_code == 0, result.output
    assert "3 faces and 2 subjects stored, 0 faces already stored." in result.output
    assert originals(target) == originals(source)
    (match,) = json.loads(run("search", "--json", photographs["obama3.jpg"]).output)[:1]
    assert match["source"].startswith("Barack/")
    assert match["person"] == "Barack"
    assert "  Barack  " in run("search", photographs["obama3.jpg"]).output
    elsewhere = run("search", photographs["obama3.jpg"], "--collection", "other")
    assert (elsewhere.exit_code, "not_found" in elsewhere.output) == (1, True)
    assert run("check").exit_code == 0
    assert "brings its own collections" in run("import", archive, "--collection", "x").output


def test_a_running_server_is_backed_up_and_restored(
    photographs: Photographs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = use(tmp_path / "live", monkeypatch)
    backup = tmp_path / "backup.zip"
    with Server(live) as server:
        assert server.register(photographs["obama.jpg"]).status_code == 200
        done = run("backup", backup)
        assert done.exit_code == 0, done.output
        assert "1 face and 1 picture: " in done.output
        assert server.register(photographs["biden.jpg"]).status_code == 200
        for command in (["check"], ["restore", backup, "--force"]):
            refused = run(*command)
            assert refused.exit_code == 1
            assert "store_locked" in refused.output

    assert "--force" in run("restore", backup).output
    result = run("restore", backup, "--force")
    assert result.exit_code == 0, result.output
    assert "1 face and 1 picture restored into" in result.output
    assert "The previous gallery is in" in result.output
    assert run("check").output.endswith("0 problems found, 0 repaired.\n")
    assert "obama" in run("search", photographs["obama2.jpg"]).output
    assert "Nobody" in run("search", photographs["biden.jpg"]).output


def test_faults_are_told_and_mended(
    photographs: Photographs, data_dir: Path, tmp_path: Path
) -> None:
    assert "not_found" in run("check").output
    assert run("register", photographs["obama.jpg"]).exit_code == 0
    again = run("register", photographs["obama.jpg"])
    assert "already stored" in again.output
    (picture,) = (data_dir / "uploadImages").glob("*.jpg")
    picture.unlink()
    assert f"the picture {picture.name} is missing" in run("backup", tmp_path / "b.zip").output
    found = run("check")
    assert (found.exit_code, "1 problem found, 0 repaired." in found.output) == (1, True)
    assert "`faceserver check --repair` to repair" in found.output
    mended = run("check", "--repair")
    assert mended.exit_code == 0
    assert "1 rows name it no more" in mended.output
    assert "(not kept)" in run("search", photographs["obama2.jpg"]).output


def test_a_backup_is_no_import(data_dir: Path, tmp_path: Path, photographs: Photographs) -> None:
    assert run("register", photographs["obama.jpg"]).exit_code == 0
    run("backup", tmp_path / "b.zip")
    result = run("import", tmp_path / "b.zip")
    assert result.exit_code == 1
    assert "faceserver restore" in result.output


@pytest.mark.parametrize("command", ["export", "backup"])
def test_where_no_gallery_is_none_is_made(command: str, data_dir: Path, tmp_path: Path) -> None:
    result = run(command, tmp_path / "file.zip")
    assert (result.exit_code, "holds no gallery" in result.output) == (1, True)
    assert "FACESERVER_DATA_DIR" in result.output
    assert not data_dir.exists()
    assert not (tmp_path / "file.zip").exists()


def test_what_holds_no_picture_is_told(tmp_path: Path, people: Path) -> None:
    (tmp_path / "empty").mkdir()
    for command in ("import", "register"):
        result = run(command, tmp_path / "empty")
        assert (result.exit_code, "no picture found in" in result.output) == (1, True)
    result = run("import", people / "Joe" / "biden.jpg")
    assert (result.exit_code, "`faceserver register`" in result.output) == (1, True)


def test_an_export_takes_merges_along_and_overwrites_nothing(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(tmp_path / "source", monkeypatch)
    run("import", people)
    with closing(open_gallery(load_settings())) as store:
        ids = [person.id for person in store.collection().subjects(limit=9).items]
        store.collection().merge(ids[0], into=ids[1])
    assert "Includes 1 merge that can be undone" in run("export", tmp_path / "all.zip").output
    assert "already_exists" in run("export", tmp_path / "all.zip").output
    use(tmp_path / "target", monkeypatch)
    assert "1 merge can still be undone." in run("import", tmp_path / "all.zip").output
    assert "merge" not in run("import", tmp_path / "all.zip").output
    with closing(open_gallery(load_settings())) as store:
        (merge,) = store.collection().merges()
        assert store.collection().undo(merge.id).faces == merge.faces == 2


def test_lists_and_zips_are_imported_and_what_is_refused_is_reported(
    people: Path, tmp_path: Path
) -> None:
    with ZipFile(tmp_path / "people.zip", "w") as archive:
        for path in sorted(people.rglob("*.jpg")):
            archive.write(path, path.relative_to(people))
    (tmp_path / "list.csv").write_text(
        "path,url,person,tags,external_id\n"
        "people/Barack/obama.jpg,,Barack,a;b,B-1\n"
        "people/Joe/torn.jpg,,Joe,,\n"
        "nowhere.jpg,,,,\n"
        ",http://127.0.0.1:1/x.jpg,,,\n"
        "both.jpg,http://127.0.0.1:1/x.jpg,,,\n"
    )
    (tmp_path / "list.jsonl").write_text(
        '{"path": "people/Joe/biden.jpg", "person": "Joe", "tags": ["c"]}\n{"person": "Joe"}\n'
    )
    expected = {
        "people.zip": (3, {"Joe/torn.jpg": "truncated_image"}),
        "list.csv": (  # of what the zip has brought: it gets tags and an external_id
            0,
            {
                "people/Joe/torn.jpg": "truncated_image",
                "nowhere.jpg": "invalid_request",
                "http://127.0.0.1:1/x.jpg": "url_forbidden",
                "entry 5": "invalid_request",
            },
        ),
        "list.jsonl": (0, {"entry 2": "invalid_request"}),
    }
    for name, (stored, refused) in expected.items():
        report = tmp_path / f"{name}.report"
        result = run("import", tmp_path / name, "--report", report, "--jobs", "2")
        assert result.exit_code == 1
        assert f" of {counted(stored, 'picture')} stored, {len(refused)} refused." in result.output
        entries = [json.loads(line) for line in report.read_text().splitlines()]
        assert {entry["source"]: entry["code"] for entry in entries} == refused
        assert all(entry["reason"] for entry in entries)
    with closing(open_gallery(load_settings())) as store:
        faces = store.collection().faces(limit=99, only=Filter(tags=("a",))).items
        assert [face.external_id for face in faces] == ["B-1"]
        names = [person.name for person in store.collection().subjects(limit=9).items]
        assert sorted(names) == ["Barack", "Joe"]


def test_every_file_is_in_one_count(people: Path, photographs: Photographs, tmp_path: Path) -> None:
    """Real photographs under odd names beside what folders hold besides."""
    shutil.copy(photographs["obama3.jpg"], people / "Barack" / "IMG_0001.HEIC")
    shutil.copy(photographs["obama.jpg"], people / "Barack" / "again")
    shutil.copy(photographs["biden.jpg"], people / "Barack" / "wrong.jpe")
    Pillow.new("RGB", (64, 64)).save(people / "black.png")
    (people / "@eaDir").mkdir()
    shutil.copy(photographs["obama2.jpg"], people / "@eaDir" / "obama2.jpg")
    (people / "film.mov").write_bytes(b"\0\0\0\x14ftypqt  \0\0\0\0qt  ")
    (people / "obama.jpg.json").write_text("{}")
    report = tmp_path / "report.jsonl"

    planned = run("import", people, "--dry-run")
    assert planned.exit_code == 0, planned.output
    assert "8 pictures would be imported." in planned.output
    assert "       5  Barack\n       2  Joe\n" in planned.output
    told = "Left out: 1 file of a system or a cache, 1 video, 1 JSON sidecar."
    assert told in planned.output
    assert not list(tmp_path.glob("gallery/*"))

    result = run("import", people, "--report", report)
    assert result.exit_code == 1
    assert "4 faces of 4 pictures stored, 2 refused." in result.output
    assert "Refused: 1 truncated_image, 1 no_face." in result.output
    assert told in result.output
    assert "the same picture as Barack/wrong.jpe, and shows Barack, not Joe" in result.output
    entries = [json.loads(line) for line in report.read_text().splitlines()]
    codes = {entry["source"]: entry["code"] for entry in entries}
    assert codes == {
        "@eaDir/obama2.jpg": "left_out",
        "film.mov": "left_out",
        "obama.jpg.json": "left_out",
        "Joe/biden.jpg": "differs",
        "Joe/torn.jpg": "truncated_image",
        "black.png": "no_face",
    }

    again = run("import", people, "--json", "--update")
    sums = json.loads(again.stdout)
    assert (sums["seen"], sums["present"], sums["left_out"]["video"]) == (11, 5, 1)
    counts = [sums[name] for name in ("stored", "present", "changed", "differing")]
    assert sum(counts) + sum(sums["refused"].values()) + sum(sums["left_out"].values()) == 11
    registered = run("register", people)
    assert told in registered.output
    assert "0 faces of 0 pictures stored, 2 refused." in registered.output


def test_a_folder_of_other_things_is_told(tmp_path: Path) -> None:
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "a.txt").write_text("a note")
    for command in ("import", "register"):
        result = run(command, tmp_path / "things")
        assert (result.exit_code, "no picture found in" in result.output) == (1, True)
        assert "left out: 1 text" in result.output


class TestPurge:
    """On a gallery of a model that is not there: purging needs none."""

    @pytest.fixture(autouse=True)
    def _gallery(self, data_dir: Path) -> None:
        with closing(opened(data_dir)) as store:
            fill(store, store.pictures)

    def test_it_asks_and_says_what_went(self, data_dir: Path, tmp_path: Path) -> None:
        run("backup", tmp_path / "b.zip")
        run("restore", tmp_path / "b.zip", "--force")
        assert run("purge", "--all").exit_code == 1  # nobody answers
        assert len(picture_files(data_dir)) == 4
        result = run("purge", "--all", "--yes")
        assert result.exit_code == 0
        assert "13 faces, 2 subjects, 4 pictures, 0 index files, 0 jobs." in result.output
        assert "The collection holiday-1 has been deleted." in result.output
        assert "Also deleted from before-restore-" in result.output
        assert picture_files(data_dir) == {}
        assert list(data_dir.glob("before-*")) == []

    def test_jobs_go_too(self, data_dir: Path) -> None:
        def ordered(collection: str) -> Path:
            request = Request(collection, "zip", largest=False, fingerprint="secret print")
            with closing(JobTable(data_dir)) as table:
                job, _ = table.add(request, [NewItem("secret.jpg", "secret person")])
            zips = ZipFolder(data_dir / "jobs", max_bytes=0)
            zips.path(job.id).write_bytes(b"secret picture")
            return zips.path(job.id)

        kept, gone = ordered("default"), ordered("holiday-1")
        result = run("purge", "--collection", "holiday-1", "--yes")
        assert "1 job." in result.output
        assert (kept.exists(), gone.exists()) == (True, False)
        with closing(JobTable(data_dir)) as table:
            assert [job.collection for job in table.all()] == ["default"]
        assert "1 job." in run("purge", "--all", "--yes").output
        assert {path.name for path in data_dir.rglob("*")} == {
            "faces.sqlite",
            "faces.commits",
            "lock",
            "uploadImages",
        }

    def test_one_collection(self) -> None:
        result = run("purge", "--collection", "holiday-1", "--yes", "--json")
        receipt = json.loads(result.output)
        assert (receipt["collections"], receipt["faces"]) == (["holiday-1"], 1)
        assert datetime.fromisoformat(receipt["at"]).tzinfo
        result = run("purge", "--collection", "holiday-1", "--yes")
        assert (result.exit_code, "not_found" in result.output) == (1, True)

    def test_what_cannot_be_looked_into_is_told(self, data_dir: Path) -> None:
        (data_dir / "before-restore-1").mkdir()
        (data_dir / "before-restore-1" / "faces.sqlite").write_bytes(b"damaged, " * 1000)
        result = run("purge", "--collection", "holiday-1", "--yes")
        assert (result.exit_code, "before-restore-1 cannot be opened" in result.output) == (1, True)

    @pytest.mark.parametrize("more", [[], ["--all", "--collection", "x"]])
    def test_it_wants_to_know_what(self, more: list[str]) -> None:
        result = run("purge", *more)
        assert (result.exit_code, "--collection NAME or --all" in result.output) == (2, True)
