"""Jobs: what they take in, how they end, and how they go on after a restart."""

import struct
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from threading import Event
from typing import Any
from zipfile import ZipFile

import pytest

from faceserver.api.pictures import Credentials
from faceserver.errors import (
    Conflict,
    InvalidArchive,
    InvalidCursor,
    KeyReused,
    NotFound,
    StoreFull,
    TooManyItems,
    UrlFailed,
)
from faceserver.jobs import worker
from faceserver.jobs.manager import Jobs
from faceserver.jobs.records import Job, JobItem, NewItem, Request
from faceserver.jobs.schema import MIGRATIONS
from faceserver.jobs.sources import ZipFolder
from faceserver.jobs.table import JobTable
from faceserver.lifecycle import Services
from faceserver.runtime.database import Database
from faceserver.services.storing import Storing
from tests.services.test_facade import BLACK, BLUE, GREEN, RED, png
from tests.web.v1.conftest import make_service

PICTURES = {"red": png(RED), "two": png(RED, GREEN), "none": png(BLACK), "blue": png(BLUE)}


class Fetch:
    """Gives PICTURES by the end of a URL; can be stopped at one."""

    def __init__(self) -> None:
        self.urls: list[str] = []
        self.credentials: list[Credentials | None] = []
        self.held = ""
        self.reached, self.go_on = Event(), Event()

    def __call__(self, url: str, credentials: Credentials | None = None, /) -> bytes:
        self.urls.append(url)
        self.credentials.append(credentials)
        name = url.rsplit("/", 1)[-1]
        if name == self.held:
            self.reached.set()
            assert self.go_on.wait(30)
        if name not in PICTURES:
            raise UrlFailed("it is not there")
        return PICTURES[name]


@pytest.fixture
def fetch() -> Fetch:
    return Fetch()


@pytest.fixture
def service(tmp_path: Path, fetch: Fetch) -> Iterator[Services]:
    with closing(make_service(tmp_path, fetch, max_items=100)) as made:
        yield made


@pytest.fixture
def desk(service: Services) -> Jobs:
    return service.jobs


def urls(*names: str, person: str | None = None) -> list[NewItem]:
    return [NewItem(f"https://x/{name}", person) for name in names]


def archive(**pictures: bytes) -> BytesIO:
    file = BytesIO()
    with ZipFile(file, "w") as made:
        for name, data in pictures.items():
            made.writestr(name.replace("__", "/") + ".png", data)
    file.seek(0)
    return file


def submitted(desk: Jobs, items: list[NewItem], *, key: str | None = None) -> Job:
    return desk.submit_urls("default", items, largest=False, key=key)[0]


def ended(desk: Jobs, job: Job) -> Job:
    """The job as it is when it has ended; the worker is at it."""
    for _ in range(100_000):
        now = desk.get("default", job.id)
        if not now.is_open:
            return now
    raise AssertionError(now)


def results(desk: Jobs, job: Job) -> list[JobItem]:
    return list(desk.items(job.collection, job.id, limit=100, cursor=None).items)


def test_each_picture_has_its_result(desk: Jobs, service: Services) -> None:
    desk.start()
    job = ended(desk, submitted(desk, urls("red", "two", "none", "gone", "red")))
    assert (job.state, job.total, job.stored, job.present, job.refused) == ("done", 5, 2, 1, 2)
    assert (job.faces, job.reason) == (3, None)
    assert job.finished
    found = [item.result for item in results(desk, job)]
    assert [item.state for item in found] == ["stored", "stored", "refused", "refused", "present"]
    assert [item.code for item in found] == [None, None, "no_face", "url_failed", None]
    assert found[3].reason == "it is not there"
    assert [len(item.faces) for item in found] == [1, 2, 0, 0, 0]
    for face in found[1].faces:
        assert service.faces.get("default", face).source == "https://x/two"


def test_people_and_tags_are_taken_over(desk: Jobs, service: Services) -> None:
    desk.start()
    item = NewItem("https://x/red", "Ann", ("t",), "e-1")
    job = ended(desk, submitted(desk, [item, *urls("two", person="Ann")]))
    states = [found.result.state for found in results(desk, job)]
    assert states == ["stored", "refused"]
    (face_id,) = results(desk, job)[0].result.faces
    face = service.faces.get("default", face_id)
    ann = service.context.store.collection("default").subject_named("ann")
    assert ann
    assert (face.subject, face.tags, face.external_id) == (ann.id, ("t",), "e-1")


def test_a_zip_is_taken_in_and_removed(desk: Jobs, service: Services, tmp_path: Path) -> None:
    desk.start()
    file = archive(
        Ann__red=PICTURES["red"], Ben__two=PICTURES["two"], Ben__bad=b"picture was not kept"
    )
    job, is_new = desk.submit_zip("default", file, largest=True, key=None)
    assert is_new
    job = ended(desk, job)
    assert (job.state, job.stored, job.refused, job.faces) == ("done", 2, 1, 2)
    people = [found.item.person for found in results(desk, job)]
    assert people == ["Ann", "Ben", "Ben"]
    assert {item.result.code for item in results(desk, job)} == {None, "not_an_image"}
    desk.close()
    assert list((tmp_path / "jobs").iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"no zip", archive().getvalue()])
def test_what_is_no_zip_of_pictures_leaves_nothing(desk: Jobs, tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InvalidArchive):
        desk.submit_zip("default", BytesIO(data), largest=False, key=None)
    assert list((tmp_path / "jobs").iterdir()) == []
    assert desk.page("default", limit=10, cursor=None).items == ()


def test_a_zip_of_too_many_files_is_not_even_listed(desk: Jobs) -> None:
    end, locator = b"PK\x05\x06", b"PK\x06\x07" + bytes(16)
    for data, message in (
        (locator + end + bytes(18), "65,535"),
        (end + bytes(8) + (5_000_001).to_bytes(4, "little") + bytes(6), "more than 5000000 bytes"),
        (end + bytes(17), "truncated"),
    ):
        with pytest.raises(InvalidArchive, match=message):
            desk.submit_zip("default", BytesIO(data), largest=False, key=None)


def test_nobody_is_told_where_a_zip_lies(desk: Jobs, tmp_path: Path) -> None:
    whole = archive(red=PICTURES["red"]).getvalue()
    overlapping = bytearray(whole)
    directory = whole.index(b"PK\x01\x02")
    overlapping[directory + 20 : directory + 24] = (10**6).to_bytes(4, "little")
    with pytest.raises(InvalidArchive) as error:
        desk.submit_zip("default", BytesIO(bytes(overlapping)), largest=False, key=None)
    assert str(tmp_path) not in str(error.value)
    damaged = bytearray(whole)
    damaged[whole.index(b"IHDR") + 5] ^= 0xFF  # the checksum does not fit any more
    desk.start()
    job, _ = desk.submit_zip("default", BytesIO(bytes(damaged)), largest=False, key=None)
    assert ended(desk, job).refused == 1
    (item,) = results(desk, job)
    assert item.result.code == "invalid_archive"
    assert item.result.reason
    assert str(tmp_path) not in item.result.reason


def test_a_key_finds_its_job(desk: Jobs, tmp_path: Path) -> None:
    one = desk.submit_urls("default", urls("red"), largest=False, key="k")
    again = desk.submit_urls("default", urls("red"), largest=False, key="k")
    assert (one[1], again[1]) == (True, False)
    assert again[0] == one[0]
    with pytest.raises(KeyReused):
        desk.submit_urls("default", urls("two"), largest=False, key="k")
    with pytest.raises(KeyReused):
        desk.submit_urls("default", urls("red"), largest=True, key="k")
    file = archive(a=PICTURES["red"])
    first, _ = desk.submit_zip("default", file, largest=False, key="z")
    file.seek(0)
    second, is_new = desk.submit_zip("default", file, largest=False, key="z")
    assert (second.id, is_new) == (first.id, False)
    assert [path.stem for path in (tmp_path / "jobs").iterdir()] == [first.id]


def test_a_job_has_an_end_to_its_size(desk: Jobs) -> None:
    with pytest.raises(TooManyItems):
        submitted(desk, urls("red") * 101)
    with pytest.raises(NotFound):
        desk.submit_urls("nowhere", urls("red"), largest=False, key=None)
    with pytest.raises(NotFound):
        desk.submit_zip("nowhere", archive(), largest=False, key=None)


def test_a_waiting_job_can_be_cancelled_and_forgotten(desk: Jobs, tmp_path: Path) -> None:
    job, _ = desk.submit_zip("default", archive(a=PICTURES["red"]), largest=False, key=None)
    with pytest.raises(Conflict):
        desk.delete("default", job.id)
    assert desk.cancel("default", job.id).state == "cancelled"
    assert list((tmp_path / "jobs").iterdir()) == []
    with pytest.raises(Conflict, match="cancelled"):
        desk.cancel("default", job.id)
    desk.delete("default", job.id)
    with pytest.raises(NotFound):
        desk.get("default", job.id)


def test_a_running_job_stops_at_the_next_safe_point(
    desk: Jobs, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_AT_ONCE", 2)
    fetch.held = "two"
    desk.start()
    job = submitted(desk, urls("red", "two", "blue"))
    assert fetch.reached.wait(30)
    assert desk.cancel("default", job.id).state == "cancelled"
    fetch.go_on.set()
    desk.close()
    assert "https://x/blue" not in fetch.urls


def test_a_job_goes_on_after_a_restart(
    tmp_path: Path, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_AT_ONCE", 1)
    fetch.held = "two"
    with closing(make_service(tmp_path, fetch, max_items=100)) as service:
        first = Jobs(tmp_path, service.context, max_items=100)
        first.start()
        job = submitted(first, urls("red", "two", "blue"))
        assert fetch.reached.wait(30)
        stop_while_held(first, fetch)
    fetch.held = ""
    with closing(make_service(tmp_path, fetch, max_items=100)) as service:
        with closing(Jobs(tmp_path, service.context, max_items=100)) as second:
            assert second.get("default", job.id).state == "running"
            second.start()
            done = ended(second, job)
            assert (done.state, done.stored, done.faces) == ("done", 3, 4)
        assert service.collections.status().faces == 4
    assert [url.rsplit("/", 1)[-1] for url in fetch.urls] == ["red", "two", "blue"]


def stop_while_held(desk: Jobs, fetch: Fetch) -> None:
    """Ask for the end while a picture is fetched, which is then finished."""
    desk.stop()
    fetch.go_on.set()
    desk.close()


def test_what_a_crash_left_unrecorded_is_found_present(
    tmp_path: Path, service: Services, desk: Jobs
) -> None:
    item = urls("red")
    desk.start()
    ended(desk, submitted(desk, item))
    again = ended(desk, submitted(desk, item))
    assert (again.stored, again.present) == (0, 1)
    assert service.collections.status().faces == 1


def test_zips_of_no_job_are_swept(tmp_path: Path, service: Services) -> None:
    with closing(Jobs(tmp_path, service.context, max_items=10)) as desk:
        job, _ = desk.submit_zip("default", archive(a=PICTURES["red"]), largest=False, key=None)
    (tmp_path / "jobs" / "left.zip").write_bytes(b"half")
    with closing(Jobs(tmp_path, service.context, max_items=10)) as desk:
        desk.start()
        assert ended(desk, job).state == "done"
    assert list((tmp_path / "jobs").iterdir()) == []


def test_a_failure_ends_the_job_and_not_the_worker(
    desk: Jobs, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[Exception] = [StoreFull("no space"), ZeroDivisionError("a mistake")]

    def fail(*_: object, **__: object) -> None:
        raise errors.pop(0)

    desk.start()
    with monkeypatch.context() as patched:
        patched.setattr(worker, "run", fail)
        known = ended(desk, submitted(desk, urls("red")))
        unknown = ended(desk, submitted(desk, urls("red", "two")))
    assert (known.state, known.reason) == ("failed", "no space (store_full)")
    assert unknown.state == "failed"
    assert unknown.reason
    assert "a mistake" not in unknown.reason
    assert ended(desk, submitted(desk, urls("blue"))).state == "done"


def test_a_collection_takes_its_jobs_along(desk: Jobs, service: Services, tmp_path: Path) -> None:
    service.collections.create("staff")
    job, _ = desk.submit_zip("staff", archive(a=PICTURES["red"]), largest=False, key=None)
    with desk.forgetting("staff"):
        service.collections.delete("staff")
    assert list((tmp_path / "jobs").iterdir()) == []
    service.collections.create("staff")
    with pytest.raises(NotFound):
        desk.get("staff", job.id)


def test_a_job_of_a_collection_that_is_gone_fails(desk: Jobs, service: Services) -> None:
    service.collections.create("staff")
    job, _ = desk.submit_urls("staff", urls("red"), largest=False, key=None)
    service.collections.delete("staff")
    desk.start()
    ended(desk, submitted(desk, urls("red")))
    gone = desk.get("staff", job.id)
    assert gone.state == "failed"
    assert gone.reason
    assert "not_found" in gone.reason


def test_jobs_and_their_pictures_have_pages(desk: Jobs) -> None:
    jobs = [submitted(desk, urls("red", "two", "blue")) for _ in range(3)]
    first = desk.page("default", limit=2, cursor=None)
    second = desk.page("default", limit=2, cursor=first.cursor)
    assert [*first.items, *second.items] == jobs
    assert second.cursor is None
    page = desk.items("default", jobs[0].id, limit=2, cursor=None)
    rest = desk.items("default", jobs[0].id, limit=2, cursor=page.cursor)
    assert [item.result.number for item in (*page.items, *rest.items)] == [1, 2, 3]
    assert desk.items("default", jobs[0].id, limit=9, cursor=None, state="stored").items == ()
    with pytest.raises(InvalidCursor):
        desk.page("default", limit=2, cursor="x")
    with pytest.raises(NotFound):
        desk.page("nowhere", limit=2, cursor=None)


def test_old_jobs_are_forgotten(
    desk: Jobs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    job = submitted(desk, urls("red"))
    desk.cancel("default", job.id)
    submitted(desk, urls("blue"))
    assert desk.get("default", job.id)

    class Later(datetime):
        @classmethod
        def now(cls, _tz: object = None) -> "Later":
            return cls.fromtimestamp((datetime.now(UTC) + timedelta(days=8)).timestamp(), UTC)

    monkeypatch.setattr("faceserver.jobs.manager.datetime", Later)
    submitted(desk, urls("two"))
    with pytest.raises(NotFound):
        desk.get("default", job.id)


@pytest.mark.parametrize("collection", ["default", "staff"])
def test_a_job_under_way_stores_nothing_after_its_collection_was_deleted(
    desk: Jobs, service: Services, fetch: Fetch, tmp_path: Path, collection: str
) -> None:
    service.collections.create("staff")
    service.collections.create("other")
    fetch.held = "blue"
    desk.start()
    desk.submit_urls(collection, urls("red", "blue", person="Ann"), largest=True, key=None)
    assert fetch.reached.wait(30)
    with desk.forgetting(collection):
        with pytest.raises(Conflict):
            desk.submit_urls(collection, urls("two"), largest=True, key=None)
        service.collections.delete(collection)
        assert not list((tmp_path / "uploadImages").iterdir())
    fetch.go_on.set()
    fetch.held = ""
    desk.submit_urls("other", urls("none"), largest=True, key=None)
    (after,) = desk.page("other", limit=9, cursor=None).items
    desk.close()  # waits for the batch under way
    assert after.collection == "other"
    status = service.collections.status()
    assert status.faces == 0
    assert service.context.store.collection("default").count_subjects() == 0
    assert not list((tmp_path / "uploadImages").iterdir())


def test_a_file_of_before_there_were_credentials_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with closing(Database(path, MIGRATIONS[:1])) as former, former.transaction() as before:
        before.run(
            "INSERT INTO jobs (uuid, collection, kind, largest, state, fingerprint, created, total)"
            " VALUES ('a', 'default', 'urls', 0, 'queued', '', '2026-01-01T00:00:00', 1)"
        )
        before.run("INSERT INTO items (job, number, source, tags) VALUES (1, 1, 'u', '[]')")
    with closing(JobTable(tmp_path)) as table:
        (item,) = table.items(table.get("default", "a"), limit=9).items
    assert item.item == NewItem("u")


def packed(files: dict[str, bytes]) -> BytesIO:
    file = BytesIO()
    with ZipFile(file, "w") as made:
        for name, data in files.items():
            made.writestr(name, data)
    file.seek(0)
    return file


def test_what_a_zip_holds_besides_is_listed_and_not_counted(desk: Jobs, service: Services) -> None:
    """As Google Takeout packs it, with Windows' separators in one."""
    top = "Takeout/Google Photos"
    files = {
        f"{top}/Ann/red": PICTURES["red"],
        f"{top}\\Ben\\blue.jpe": PICTURES["blue"],
        f"{top}/Ann/red.json": b"{}",
        f"{top}/Ann/._red.png": PICTURES["red"],
    }
    desk.start()
    job, _ = desk.submit_zip("default", packed(files), largest=False, key=None)
    job = ended(desk, job)
    assert (job.total, job.stored, job.left_out) == (2, 2, 2)
    people = {found.item.source: found.item.person for found in results(desk, job)[:2]}
    assert people == {"Ann/red": "Ann", "Ben/blue.jpe": "Ben"}
    left_out = desk.items(job.collection, job.id, limit=9, cursor=None, state="left_out").items
    assert [(found.item.source, found.result.reason) for found in left_out] == [
        (f"{top}/Ann/red.json", "JSON sidecar"),
        (f"{top}/Ann/._red.png", "hidden"),
    ]
    with pytest.raises(InvalidArchive, match="left out: 1 text"):
        desk.submit_zip("default", packed({"a": b"text"}), largest=False, key=None)


def test_another_person_is_told_and_taken_over_where_that_is_wanted(
    desk: Jobs, service: Services
) -> None:
    desk.start()
    ended(desk, submitted(desk, urls("red", person="Ann")))
    corrected = urls("red", person="Ben")
    told = results(desk, ended(desk, submitted(desk, corrected)))[0].result
    assert (told.state, told.code) == ("present", "differs")
    assert told.reason == "it is in already, and shows Ann, not Ben"
    job, is_new = desk.submit_urls("default", corrected, largest=False, key="k", update=True)
    assert is_new
    changed = results(desk, ended(desk, job))[0].result
    assert (changed.state, changed.code) == ("present", "changed")
    with pytest.raises(KeyReused):
        desk.submit_urls("default", corrected, largest=False, key="k")
    zipped, _ = desk.submit_zip(
        "default", archive(Cleo__red=PICTURES["red"]), largest=False, key=None, update=True
    )
    assert results(desk, ended(desk, zipped))[0].result.code == "changed"
    (face,) = service.context.store.collection("default").faces(limit=9).items
    cleo = service.context.store.collection("default").subject_named("Cleo")
    assert cleo
    assert face.subject == cleo.id


def test_a_zip_in_the_format_for_many_files_is_taken(desk: Jobs) -> None:
    data = archive(a=PICTURES["red"]).getvalue()
    at = data.rindex(b"PK\5\6")
    (entries, size, offset) = struct.unpack_from("<HLL", data, at + 10)
    record = struct.pack(
        "<4sQHHLLQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, entries, entries, size, offset
    )
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    large = BytesIO(data[:at] + record + locator + end)
    job, _ = desk.submit_zip("default", large, largest=False, key=None)
    assert job.total == 1
    huge = bytearray(large.getvalue())
    huge[at + 40 : at + 48] = (5_000_001).to_bytes(8, "little")
    with pytest.raises(InvalidArchive, match="more than 5000000 bytes"):
        desk.submit_zip("default", BytesIO(bytes(huge)), largest=False, key=None)


def test_a_job_of_an_earlier_version_takes_its_pictures_by_name(
    desk: Jobs, service: Services, tmp_path: Path
) -> None:
    """It saw fewer files as pictures, so that its numbers are others."""
    request = Request("default", "zip", largest=False, fingerprint="x")
    files = {"Ann/0": PICTURES["red"], "Ann/1.png": PICTURES["blue"]}
    ZipFolder(tmp_path / "jobs", max_bytes=0).path(request.id).write_bytes(packed(files).read())
    with closing(JobTable(tmp_path)) as table:
        job, _ = table.add(request, [NewItem("Ann/1.png", "Ann"), NewItem("gone.png")])
    desk.start()
    job = ended(desk, job)
    assert (job.stored, job.refused) == (1, 1)
    (face,) = service.context.store.collection("default").faces(limit=9).items
    assert face.source == "Ann/1.png"


def test_of_two_people_in_one_job_the_first_counts(
    desk: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_AT_ONCE", 1)
    desk.start()
    both = [*urls("red", person="Ann"), *urls("blue"), *urls("red", person="Ben")]
    for _ in range(2):
        job, _ = desk.submit_urls("default", both, largest=False, key=None, update=True)
        last = results(desk, ended(desk, job))[-1].result
        assert last.code == "differs"
        assert last.reason
        assert "shows Ann, not Ben" in last.reason


def test_a_person_who_is_deleted_while_a_job_names_them_is_somebody_new(
    desk: Jobs, service: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = service.context.store.collection("default")
    deleted = [collection.add_subject("Ann").id]
    store = Storing.store

    def delete_then_store(self: Storing, items: Any, found: Any) -> Any:
        if len(deleted) == 1:
            deleted.append(str(collection.delete_subject(deleted[0])))
        return store(self, items, found)

    monkeypatch.setattr(Storing, "store", delete_then_store)
    desk.start()
    job = ended(desk, submitted(desk, urls("red", person="Ann")))
    assert (job.state, job.stored) == ("done", 1)
    ann = collection.subject_named("Ann")
    assert ann is not None
    assert ann.id != deleted[0]
    assert collection.subject(ann.id).faces == 1
    assert [subject.id for subject in collection.subjects(limit=9).items] == [ann.id]
