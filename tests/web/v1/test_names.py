"""One rule for names, tags and external ids, whatever door they come by."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from io import BytesIO
from pathlib import Path
from posixpath import normpath
from zipfile import ZipFile

import pytest
from flask.testing import FlaskClient

from faceserver.api.pictures import Credentials
from faceserver.client import Client
from faceserver.config import Settings
from faceserver.errors import UrlFailed
from faceserver.jobs.manager import Jobs
from faceserver.lifecycle import Services
from faceserver.services.outcomes import NewPicture, Outcome, Refused, Registered
from faceserver.store import Store, open_store
from faceserver.transfer.sources import open_source
from tests.services.test_facade import BLUE, GREEN, PINK, RED, png
from tests.store.samples import DIMS, MODEL, new_face, people
from tests.support.services import Importer
from tests.test_texts import BAD
from tests.transfer.test_archive import give_out, take_in
from tests.web.v1.test_jobs import ended

WRITTEN = {key: name for key, name in BAD.items() if "\ud83d" not in name}
"""What a file of UTF-8 can hold."""

ON_DISK = {key: name for key, name in WRITTEN.items() if "\0" not in name and 0 < len(name) < 80}
"""What a folder can be called."""


def imported(service: Services, path: Path) -> list[Outcome]:
    def fetch(url: str, credentials: Credentials | None = None, /) -> bytes:
        raise UrlFailed(url)

    with open_source(path, fetch=fetch, max_bytes=10_000) as source:
        return list(Importer(service).run(source.items))


def names(service: Services) -> list[str]:
    page = service.context.store.collection("default").subjects(limit=1000)
    return [person.name for person in page.items]


def assert_refused(outcomes: list[Outcome], service: Services) -> None:
    (outcome,) = outcomes
    assert isinstance(outcome, Refused)
    assert (outcome.error.code, names(service)) == ("invalid_request", [])
    assert "character" in str(outcome.error)


@pytest.mark.parametrize("name", BAD.values(), ids=BAD)
def test_the_api_takes_none_that_breaks_it(http: FlaskClient, client: Client, name: str) -> None:
    collection = "/v1/collections/default"
    ann = client.create_subject("default", name="Ann")
    added = client.add_embedding("default", [1.0, 0.0, 0.0], model="colour")
    embedding = {"embedding": [1.0, 0.0, 0.0], "model": "colour"}
    url = "https://faces.example/red"
    for method, path, body in [
        ("POST", "subjects", {"name": name}),
        ("POST", "subjects", {"name": "Bob", "tags": [name]}),
        ("PATCH", f"subjects/{ann.id}", {"name": name}),
        ("PATCH", f"subjects/{ann.id}", {"tags": ["a", name]}),
        ("POST", "jobs", {"items": [{"url": url, "person": name}]}),
        ("POST", "jobs", {"items": [{"url": url, "tags": [name]}]}),
        ("POST", "faces", {**embedding, "tags": [name]}),
        ("PATCH", f"faces/{added.faces[0].id}", {"tags": [name]}),
        ("POST", "search", {**embedding, "filter": {"tags": [name]}}),
        ("POST", "../../keys", {"name": name, "scope": "read"}),
    ]:
        answer = http.open(normpath(f"{collection}/{path}"), method=method, json=body)
        assert answer.status_code == 400, (path, body)
    if "\ud83d" not in name:
        form = {"file": (BytesIO(png(RED)), "a.png"), "tags": name}
        assert http.post(f"{collection}/faces", data=form).status_code == 400
    assert [person.name for person in client.list_subjects("default").items] == ["Ann"]
    assert client.list_jobs("default").items == ()


@pytest.mark.parametrize("name", ON_DISK.values(), ids=ON_DISK)
def test_a_folder_that_breaks_it_is_refused_picture_by_picture(
    service: Services, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "people" / name
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(png(RED))
    assert_refused(imported(service, tmp_path / "people"), service)


@pytest.mark.parametrize("name", WRITTEN.values(), ids=WRITTEN)
def test_so_is_a_line_of_a_list(service: Services, tmp_path: Path, name: str) -> None:
    (tmp_path / "a.png").write_bytes(png(RED))
    path = tmp_path / "list.jsonl"
    if name.strip(" "):  # an empty cell says nothing
        path.write_text(json.dumps({"path": "a.png", "person": name}), encoding="utf-8")
        assert_refused(imported(service, path), service)
    path.write_text(json.dumps({"path": "a.png", "tags": [name]}), encoding="utf-8")
    assert_refused(imported(service, path), service)


@pytest.mark.parametrize("key", ["tab", "too long", "zero width space alone", "bidi override"])
def test_so_is_one_of_a_csv_and_one_of_a_zip(
    service: Services, desk: Jobs, client: Client, tmp_path: Path, key: str
) -> None:
    name = BAD[key]
    (tmp_path / "a.png").write_bytes(png(RED))
    (tmp_path / "list.csv").write_text(f'path,person\na.png,"{name}"\n', encoding="utf-8")
    assert_refused(imported(service, tmp_path / "list.csv"), service)
    path = tmp_path / "people.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/a.png", png(RED))
        archive.writestr("Ben/b.png", png(GREEN))
    by_name = {outcome.name: outcome for outcome in imported(service, path)}
    refused = by_name.pop(f"{name}/a.png")
    assert isinstance(refused, Refused)
    assert isinstance(by_name["Ben/b.png"], Registered)
    assert names(service) == ["Ben"]
    job = client.create_job("default", path)
    desk.start()
    done = ended(client, job)
    assert (done.refused, done.present) == (1, 1)
    (result,) = client.list_job_items("default", job.id, state="refused").items
    assert result.code == "invalid_request"


def test_two_ways_to_write_a_name_are_one_person(service: Services, tmp_path: Path) -> None:
    spelled = ["Jos\u00e9", "Jose\u0301", " Jos\u00e9 ", "JOSE\u0301"]
    for name, colour in zip(spelled, (RED, GREEN, BLUE, PINK), strict=True):
        (tmp_path / "people" / name).mkdir(parents=True)
        (tmp_path / "people" / name / "a.png").write_bytes(png(colour))
    assert all(isinstance(item, Registered) for item in imported(service, tmp_path / "people"))
    assert [name.casefold() for name in names(service)] == ["jos\u00e9"]


def test_external_ids_and_names_of_pictures(http: FlaskClient, service: Services) -> None:
    collection = "/v1/collections/default"
    body = {"embedding": [1.0, 0.0, 0.0], "model": "colour"}
    for text in ("", "a\tb", "a\x00", "a\u2028b", "\ud800", "x" * 501):
        for field in ("external_id", "source"):
            answer = http.post(f"{collection}/faces", json={**body, field: text})
            assert answer.status_code == 400
    item = NewPicture("a.png", partial(png, RED), external_id="a\tb")
    (outcome,) = Importer(service).run([item])
    assert isinstance(outcome, Refused)
    (stored,) = Importer(service).run([NewPicture("a\tb\x00.png", partial(png, RED))])
    assert isinstance(stored, Registered)
    assert stored.faces[0].source == "a\ufffdb\ufffd.png"


OLD = {
    "Ann\tB": "Ann B",
    "\u200b": "({id})",
    "x" * 5000: "x" * 200,
    "\u202eBob": "Bob",
    "Bob": "Bob",
    "Eve\x01": "Eve",
    "Eve\x02": "Eve ({id})",
}
"""Names that a gallery took once, and what they are elsewhere."""


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Store]:
    """A gallery that holds them."""
    with closing(open_store(tmp_path / "old", model=MODEL, dims=DIMS)) as store:
        collection = store.collection()
        for number in range(len(OLD)):
            person = collection.add_subject(f"{number}", tags=["t"])
            face = new_face(people(1, seed=number)[0], subject=person.id, picture=None)
            collection.add([face])
    with closing(sqlite3.connect(tmp_path / "old" / "faces.sqlite")) as connection, connection:
        for number, name in enumerate(OLD):
            connection.execute(
                "UPDATE subjects SET name = ?, name_key = ? WHERE name = ?",
                (name, name.casefold(), f"{number}"),
            )
        connection.execute("UPDATE faces SET tags = ?, external_id = ?", ('["a\\tb"]', "1\x00"))
    with closing(open_store(tmp_path / "old", model=MODEL, dims=DIMS)) as store:
        yield store


def test_old_names_are_kept_shown_exported_and_mended_on_import(old: Store, tmp_path: Path) -> None:
    collection = old.collection()
    held = collection.subjects(limit=99).items
    assert [person.name for person in held] == list(OLD)
    (found,) = collection.search(people(1, seed=0)[0], k=1, max_distance=0.1)
    assert found.name == "Ann\tB"
    give_out(old, tmp_path / "out.zip")  # type: ignore[arg-type]
    with closing(open_store(tmp_path / "new", model=MODEL, dims=DIMS)) as store:
        done = take_in(store, tmp_path / "out.zip")
        assert (done.subjects, done.faces, done.mended) == (len(OLD), len(OLD), 2 * len(OLD) - 1)
        taken = {person.id: person for person in store.collection().subjects(limit=99).items}
        for person in held:
            name = taken[person.id].name
            expected = OLD[person.name].format(id=person.id[:8])
            assert name in {expected, f"{expected} ({person.id[:8]})"}
            assert taken[person.id].faces == 1
        assert len({person.name for person in taken.values()}) == len(OLD)
        face = store.collection().faces(limit=1).items[0]
        assert (face.tags, face.external_id) == (("a b",), "1\ufffd")
        again = take_in(store, tmp_path / "out.zip")
        assert (again.subjects, again.faces, again.present) == (0, 0, len(OLD))


def test_old_names_are_listed_and_can_be_changed(client: Client, settings: Settings) -> None:
    person = client.create_subject("default", name="Ann")
    with closing(sqlite3.connect(settings.data_dir / "faces.sqlite")) as connection, connection:
        connection.execute("UPDATE subjects SET name = ?", ("Ann\tB\x00",))
    (listed,) = client.list_subjects("default").items
    assert listed.name == "Ann\tB\x00"
    assert client.change_subject("default", person.id, name="Ann B").name == "Ann B"
