"""The commands' ``--server URL``."""

import json
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from click.testing import CliRunner, Result

from faceserver.cli import remote
from faceserver.cli.main import main
from faceserver.client import Client
from faceserver.jobs.manager import Jobs
from tests.services.test_facade import BLACK, GREEN, RED, png

Run = Callable[..., Result]


@pytest.fixture
def run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command against the server, where no gallery of its own is."""
    monkeypatch.setenv("FACESERVER_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(remote, "_ASK_EVERY", 0)

    def call(*arguments: str | Path, server: str = url) -> Result:
        return CliRunner().invoke(main, [*map(str, arguments), "--server", server])

    return call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    people = tmp_path / "people"
    for name, data in {"Ann/1": png(RED), "Ann/2": png(RED, GREEN), "Ben/1": png(GREEN)}.items():
        path = people / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return people


def test_pictures_are_registered(run: Run, folder: Path, client: Client, tmp_path: Path) -> None:
    done = run("register", folder)
    assert done.exit_code == 0, done.output
    assert "4 faces of 3 pictures stored, 0 refused." in done.output
    assert client.get_collection("default").faces == 4
    assert not (tmp_path / "none").exists()


def test_what_is_refused_is_told(run: Run, folder: Path) -> None:
    (folder / "none.png").write_bytes(png(BLACK))
    done = run("register", folder)
    assert done.exit_code == 1
    assert "none.png: refused: no face" in done.output
    assert "4 faces of 3 pictures stored, 1 refused." in done.output


def test_a_server_that_is_not_there_ends_it(run: Run, folder: Path) -> None:
    done = run("register", folder, server="http://127.0.0.1:9")
    assert done.exit_code == 1
    assert "cannot be reached" in done.output
    assert "refused:" not in done.output


def test_people_are_found(run: Run, folder: Path, client: Client) -> None:
    ann = client.create_subject("default", name="Ann")
    client.add_faces("default", png(RED), subject=ann.id, source="ann.png")
    client.add_faces("default", png(RED, BLACK), source="other.png")
    picture = folder / "Ann" / "2.png"
    lines = run("search", picture).output.splitlines()
    assert lines == ["known", "0.0000  Ann  ann.png", "0.0000  -  other.png", "unknown"]
    told = json.loads(run("search", picture, "--json").output)
    assert [probe["verdict"]["answer"] for probe in told] == ["known", "unknown"]


def test_a_folder_is_imported_in_parts(
    run: Run, folder: Path, client: Client, desk: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_ZIP_PICTURES", 2)
    desk.start()
    done = run("import", folder)
    assert done.exit_code == 1
    assert "Ann/2.png: " in done.output
    assert "several_faces" in done.output
    assert "2 faces of 2 pictures stored, 1 refused." in done.output
    assert [job.total for job in client.list_jobs("default").items] == [2, 1]
    again = run("import", folder, "--largest")
    assert again.exit_code == 0, again.output
    assert "1 face of 1 picture stored, 0 refused." in again.output
    assert {item.name: item.faces for item in client.list_subjects("default").items} == {
        "Ann": 2,
        "Ben": 1,
    }


def test_a_zip_is_imported_as_it_is(run: Run, tmp_path: Path, client: Client, desk: Jobs) -> None:
    path = tmp_path / "people.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("Ann/1.png", png(RED))
    client.create_collection("staff")
    desk.start()
    done = run("import", path, "--collection", "staff")
    assert done.exit_code == 0, done.output
    assert client.get_collection("staff").faces == 1
    assert path.exists()


def test_a_job_that_fails_is_told(
    run: Run, folder: Path, desk: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("faceserver.jobs.worker.run", fail)
    desk.start()
    done = run("import", folder)
    assert done.exit_code == 1
    assert "the job is failed" in done.output


def test_what_a_server_does_not_take(run: Run, folder: Path, tmp_path: Path) -> None:
    assert run("import", folder, "--no-people").exit_code == 2
    listed = tmp_path / "list.csv"
    listed.write_text("path\na.png\n")
    done = run("import", listed)
    assert done.exit_code == 1
    assert "entry 1: a server accepts only URLs" in done.output
    other = tmp_path / "list.txt"
    other.touch()
    done = run("import", other)
    assert done.exit_code == 2
    assert "a folder, a .zip, or" in done.output


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESERVER_KEY", "secret")
    with remote.connect("http://127.0.0.1:9") as client:
        assert client._session.headers["Authorization"] == "Bearer secret"


def test_what_is_left_out_is_told_and_people_stay_who_they_are(
    run: Run, folder: Path, client: Client, desk: Jobs
) -> None:
    """A part of a folder may hold one person alone, whose subfolders are nobody."""
    for path in (folder / "Ben" / "1.png", folder / "Ann" / "2.png"):
        path.unlink()
    (folder / "Ann" / "holiday").mkdir()
    (folder / "Ann" / "1.png").rename(folder / "Ann" / "holiday" / "1.png")
    (folder / "Ann" / "note.txt").write_text("a note")
    desk.start()
    done = run("import", folder)
    assert done.exit_code == 0, done.output
    assert "Left out: 1 text." in done.output
    assert [person.name for person in client.list_subjects("default").items] == ["Ann"]
    with ZipFile(folder.parent / "a.zip", "w") as archive:
        archive.write(folder / "Ann" / "holiday" / "1.png", "Cleo/1.png")
        archive.writestr("Cleo/1.json", "{}")
    told = run("import", folder.parent / "a.zip")
    assert "Cleo/1.png: it is in already, and shows Ann, not Cleo" in told.output
    assert "Left out: 1 JSON sidecar." in told.output
    run("import", folder.parent / "a.zip", "--update")
    assert {person.name: person.faces for person in client.list_subjects("default").items} == {
        "Ann": 0,
        "Cleo": 1,
    }
    registered = run("register", folder / "Ann")
    assert "Left out: 1 text." in registered.output


def test_a_search_can_be_narrowed(run: Run, folder: Path, client: Client) -> None:
    client.add_faces("default", folder / "Ann" / "1.png", attributes=["pose"])
    for condition, count in (("pose_roll:-90..90", 1), ("pose_roll:100-", 0), ("age:3", 0)):
        found = run("search", folder / "Ann" / "1.png", "--where", condition)
        assert found.exit_code == 0, found.output
        assert found.output.count("1.png") == count
    refused = run("search", folder / "Ann" / "1.png", "--where", "young")
    assert refused.exit_code == 2
    assert "gender:female or age:20-40" in refused.output


def test_collections_are_created_and_listed(run: Run, client: Client) -> None:
    made = run("collections", "create", "staff", "--model", "mirrored")
    assert made.exit_code == 0, made.output
    assert client.get_collection("staff").model == "mirrored"
    rows = [line.split() for line in run("collections", "list").output.splitlines()]
    assert [row[:2] for row in rows[1:]] == [["default", "colour"], ["staff", "mirrored"]]
    assert "already_exists" in run("collections", "create", "staff").output
