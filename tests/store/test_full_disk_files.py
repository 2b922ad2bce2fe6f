"""Each file that the server makes, on a full disk.

What needs it fails cleanly, what only reads goes on, and all is well once there is room again, also
after a restart. Faces, pictures, exports and backups are in test_full_disk.py.
"""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from faceserver.access.audit import AuditLog, Event
from faceserver.access.checking import check_keys
from faceserver.access.keys import KeyStore
from faceserver.errors import StoreFull
from faceserver.jobs.checking import check_jobs
from faceserver.jobs.manager import Jobs
from faceserver.jobs.records import NewItem, Request
from faceserver.jobs.table import JobTable
from faceserver.runtime.folder_lock import folder_lock
from faceserver.services.telling import Event as TellEvent
from faceserver.store import Options, open_store
from faceserver.store.sqlite.store import DurableStore
from faceserver.webhooks.checking import check_webhooks
from faceserver.webhooks.records import Webhook
from faceserver.webhooks.table import WebhookTable
from tests.jobs.test_jobs import Fetch
from tests.services.test_facade import RED, png
from tests.store.samples import DIMS, MODEL, new_faces, people
from tests.support.small_disk import disk, fill_up
from tests.web.v1.conftest import make_service

__all__ = ["disk"]

NOW = datetime(2026, 1, 2, tzinfo=UTC)
NOISE = bytes(range(256)) * 400


def request(key: str | None = None) -> Request:
    return Request("default", "urls", largest=False, fingerprint="", key=key)


def add_job(folder: Path) -> None:
    with closing(JobTable(folder)) as table:
        table.add(request(), [NewItem("a" * 5000)])


def jobs(folder: Path, count: int) -> None:
    with closing(JobTable(folder)) as table:
        assert len(table.all()) == count


def make_key(folder: Path) -> None:
    names = {key.name for key in KeyStore(folder).all()}
    KeyStore(folder).create(f"key {len(names)}", "read")


def keys(folder: Path, count: int) -> None:
    found = KeyStore(folder).all()
    assert len(found) == count
    assert KeyStore(folder).any() == bool(count)
    for key in found:
        assert KeyStore(folder).get(key.id)
    assert KeyStore(folder).find("fs_0123456789ab_" + "a" * 43) is None
    assert list(check_keys(folder)) == []


def make_webhook(folder: Path) -> None:
    with closing(WebhookTable(folder)) as table:
        number = len(table.all())
        hook = Webhook(f"{number:032x}", "https://x/" + "a" * 5000, ("match",), None, NOW)
        table.insert(hook, "whsec_")


def webhooks(folder: Path, count: int) -> None:
    with closing(WebhookTable(folder)) as table:
        assert len(table.all()) == count
        assert table.due(NOW, limit=10) == []
    assert list(check_webhooks(folder)) == []


@dataclass(frozen=True)
class Case:
    """A file: what there is of it before, what fails, and what is read, by how often it worked."""

    write: Callable[[Path], None]
    read: Callable[[Path, int], None]
    before: int = 0
    reads_when_full: bool = True


CASES = {
    "first key": Case(make_key, keys),
    "further key": Case(make_key, keys, before=1),
    "first job": Case(add_job, jobs, reads_when_full=False),  # SQLite needs room to open its log
    "further job": Case(add_job, jobs, before=1, reads_when_full=False),
    "first webhook": Case(make_webhook, webhooks, reads_when_full=False),
    "further webhook": Case(make_webhook, webhooks, before=1, reads_when_full=False),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_failed_write_leaves_nothing_that_reads_need(disk: Path, case: Case) -> None:
    for _ in range(case.before):
        case.write(disk)
    ballast = fill_up(disk)
    for _ in range(3):
        with pytest.raises(StoreFull):
            case.write(disk)
        if case.reads_when_full:
            case.read(disk, case.before)
    ballast.unlink()
    case.read(disk, case.before)
    case.write(disk)
    case.read(disk, case.before + 1)


def test_a_key_is_good_and_can_be_listed_but_not_revoked(disk: Path) -> None:
    key, token = KeyStore(disk).create("phone", "read")
    ballast = fill_up(disk)
    found = KeyStore(disk).find(token)  # its use cannot be noted
    assert found is not None
    assert found.id == key.id
    with pytest.raises(StoreFull):
        KeyStore(disk).revoke("phone")
    assert KeyStore(disk).find(token)
    ballast.unlink()
    KeyStore(disk).revoke("phone")
    assert KeyStore(disk).find(token) is None
    assert KeyStore(disk).any()


@contextmanager
def desk_on(folder: Path) -> Iterator[Jobs]:
    with closing(make_service(folder, Fetch(), max_items=100)) as services:
        yield services.jobs


def test_a_search_goes_on_where_no_event_can_be_kept(
    disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(make_service(disk, Fetch(), max_items=100)) as services:
        hook, _ = services.webhooks.create("https://hooks.example/", ["match"], None)
        ballast = fill_up(disk)
        event = TellEvent("match", "default", {"subject": {"name": "a" * 5000}})
        for _ in range(3):
            services.webhooks.tell(event)
        assert "does not hear of an event" in caplog.text
        with pytest.raises(StoreFull):
            services.webhooks.create("https://hooks.example/" + "a" * 5000, ["match"], None)
        ballast.unlink()
        services.webhooks.tell(event)
        assert len(services.webhooks.deliveries(hook.id, limit=9).items) == 1
    assert list(check_webhooks(disk)) == []


def archive() -> BytesIO:
    file = BytesIO()
    with ZipFile(file, "w") as made:
        made.writestr("Ann/red.png", png(RED))
        made.writestr("Ann/notes.txt", NOISE)
    file.seek(0)
    return file


def test_jobs_of_a_running_server(disk: Path) -> None:
    items = [NewItem("https://x/red")]
    many = [NewItem(f"https://x/{number}" * 100) for number in range(100)]
    with desk_on(disk) as desk:
        job, _ = desk.submit_urls("default", items, largest=False, key=None)
        ballast = fill_up(disk)
        for _ in range(3):
            with pytest.raises(StoreFull):
                desk.submit_zip("default", archive(), largest=False, key=None)
            with pytest.raises(StoreFull):
                desk.submit_urls("default", many, largest=False, key=None)
            assert [found.id for found in desk.page("default", limit=9, cursor=None).items] == [
                job.id
            ]
        assert not list((disk / "jobs").iterdir())
        ballast.unlink()
        zipped, _ = desk.submit_zip("default", archive(), largest=False, key=None)
    assert check_jobs(disk) == []
    with desk_on(disk) as desk:
        found = {found.id for found in desk.page("default", limit=9, cursor=None).items}
        assert found == {job.id, zipped.id}


def test_the_audit_log_goes_on_with_whole_lines(
    disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = disk / "audit.jsonl"
    log = AuditLog(path, max_bytes=3000, files=2)
    for number in range(20):
        log.write(Event(who="before", what="x" * 50, result=str(number)))
    ballast = fill_up(disk)
    for number in range(200):
        log.write(Event(who="full", what="x" * 50, result=str(number)))
    assert "cannot be written" in caplog.text
    ballast.unlink()
    log.write(Event(who="after", what="x", result="ok"))
    lines = [
        line
        for file in sorted(disk.glob("audit.jsonl*"))
        for line in file.read_text().splitlines()
        if line
    ]
    whole = [line for line in lines if line.endswith("}")]
    assert json.loads(path.read_text().splitlines()[-1])["who"] == "after"
    assert all(json.loads(line) for line in whole)


def test_the_lock_needs_no_room(disk: Path) -> None:
    with folder_lock(disk):
        pass
    ballast = fill_up(disk)
    with folder_lock(disk):
        pass
    ballast.unlink()
    with folder_lock(disk):
        assert (disk / "lock").read_text().strip().isdigit()


def opened(folder: Path) -> DurableStore:
    return open_store(folder, model=MODEL, dims=DIMS, options=Options(exact_up_to=20))


def test_an_index_and_a_count_that_cannot_be_saved(
    disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    vectors = people(60)
    with closing(opened(disk)) as store, caplog.at_level(logging.WARNING):
        store.collection().add(new_faces(vectors))
        store._background.submit(lambda: None).result()
        (disk / "faces.commits").unlink()
        ballast = fill_up(disk)
        assert len(store.collection().search(vectors[7], k=1, max_distance=1)) == 1
    ballast.unlink()
    with closing(opened(disk)) as store:
        assert store.status().faces == 60
        assert not store.status().loss
        (match,) = store.collection().search(vectors[7], k=1, max_distance=1e-6)
        assert match.face.source == "7.jpg"
        store.collection().add(new_faces(people(3, seed=5)))


def test_a_server_that_is_started_on_a_full_disk_starts_later(disk: Path) -> None:
    with closing(opened(disk)) as store:
        store.collection().add(new_faces(people(3)))
    ballast = fill_up(disk)
    for _ in range(2):
        with suppress(StoreFull):  # what SQLite needs may be there, or not
            opened(disk).close()
    ballast.unlink()
    with closing(opened(disk)) as store:
        assert store.status().faces == 3
        assert not store.status().loss


def test_a_new_folder_on_a_full_disk_is_made_later(disk: Path) -> None:
    ballast = fill_up(disk)
    for _ in range(2):
        with pytest.raises(StoreFull):
            opened(disk / "data")
    ballast.unlink()
    with closing(opened(disk / "data")) as store:
        store.collection().add(new_faces(people(3)))
        assert not store.status().loss
