"""Jobs that servers share: each is done by one, once, and goes on elsewhere where that one dies."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest

from faceserver.api.pictures import Credentials
from faceserver.errors import Conflict, KeyReused
from faceserver.jobs.records import NewItem, Request, Result
from faceserver.jobs.table import JobTable

if TYPE_CHECKING:
    from faceserver.jobs.shared import SharedJobTable

WAIT = 30.0
"""Seconds until a test gives up on what should happen at once."""

Tables = tuple["SharedJobTable", "SharedJobTable"]
KNOWN = Credentials(username="Ann", password="secret", scheme="basic")
ITEMS = [NewItem("1.jpg", "Ann", ("a", "b"), "e-1", KNOWN), NewItem("2.jpg"), NewItem("3.jpg")]


@pytest.fixture
def opened(postgres_url: str) -> "Iterator[Callable[[list[str]], SharedJobTable]]":
    from faceserver.jobs.shared import SharedJobTable  # noqa: PLC0415 - needs its client
    from faceserver.runtime.postgres import Postgres  # noqa: PLC0415 - likewise

    with ExitStack() as held:

        def make(zips: list[str]) -> SharedJobTable:
            table = SharedJobTable(Postgres(postgres_url, connections=8), zips=lambda: zips)
            held.callback(table.close)
            return table

        yield make


@pytest.fixture
def tables(opened: "Callable[[list[str]], SharedJobTable]") -> Tables:
    return opened([]), opened([])


def request(number: int = 0, key: str | None = None, kind: str = "urls") -> Request:
    return Request("default", kind, False, f"print {number}", key)  # type: ignore[arg-type]


def expire(table: "SharedJobTable") -> None:
    """As a minute without a sign of life of whoever does the jobs."""
    table._run("UPDATE jobs SET lease = now() - interval '1 second'")


def test_a_job_is_told_of_as_in_a_data_folder(tables: Tables, tmp_path: Path) -> None:
    told = []
    for table in (tables[0], JobTable(tmp_path)):
        job, is_new = table.add(request(), ITEMS)
        assert is_new
        assert table.page("default", limit=9, cursor=None).items == (job,)
        first, *others = table.items(job, limit=2, state="waiting").items
        assert first.item == ITEMS[0]
        assert len(others) == 1
        begun = table.next_open()
        assert begun
        table.begin(begun)
        table.record(begun, [Result(1, "stored", ("f" * 32,)), Result(2, "refused", code="x")])
        table.record(begun, [Result(1, "refused")])
        assert table.finish(begun, "done")
        assert not table.finish(begun, "done")
        ended = table.get("default", job.id)
        items = table.items(job, limit=9).items
        told.append((ended.state, ended.stored, ended.refused, ended.faces, ended.total, items))
        table.delete(ended)
        assert table.all() == []
    tables[0].close()
    assert told[0] == told[1]


def test_each_job_is_claimed_by_one(tables: Tables) -> None:
    for number in range(20):
        tables[0].add(request(number), ITEMS)

    def work(table: "SharedJobTable") -> list[str]:
        done = []
        while job := table.next_open():
            done.append(job.id)
            assert table.finish(job, "done")
        return done

    with ThreadPoolExecutor(2) as pool:
        here, there = pool.map(work, tables)
    assert len(here) + len(there) == len({*here, *there}) == 20


def test_a_job_goes_on_elsewhere_when_its_server_dies(tables: Tables) -> None:
    here, there = tables
    made, _ = here.add(request(), ITEMS)
    job = here.next_open()
    assert job
    here.record(job, [Result(1, "stored", ("f" * 32,))])
    assert there.next_open() is None
    expire(here)
    taken = there.next_open()
    assert taken
    assert taken.id == made.id
    assert [item.result.number for item in there.items(taken, limit=9, state="waiting").items] == [
        2,
        3,
    ]
    with pytest.raises(Conflict):  # it was only slow: what it does now does not count
        here.record(job, [Result(2, "refused")])
    assert not here.finish(job, "failed", "late")
    assert here.next_open() is None
    there.record(taken, [Result(2, "stored"), Result(3, "present")])
    assert there.finish(taken, "done")
    ended = here.get("default", made.id)
    assert (ended.state, ended.stored, ended.present, ended.refused) == ("done", 2, 1, 0)


def test_a_server_that_stops_leaves_its_job_at_once(tables: Tables) -> None:
    here, there = tables
    here.add(request(), ITEMS)
    assert here.next_open()
    assert there.next_open() is None
    here.close()
    assert there.next_open()


def test_any_server_can_cancel(tables: Tables) -> None:
    here, there = tables
    here.add(request(), ITEMS)
    job = here.next_open()
    assert job
    assert there.finish(job, "cancelled")
    assert job.id not in here.open_ids()
    assert not here.finish(job, "done")


def test_the_same_key_is_one_job(tables: Tables) -> None:
    def add(number: int) -> tuple[str, bool]:
        job, is_new = tables[number % 2].add(request(0, "key"), ITEMS)
        return job.id, is_new

    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(add, range(8)))
    assert len({job_id for job_id, _ in added}) == 1
    assert sum(is_new for _, is_new in added) == 1
    with pytest.raises(KeyReused):
        tables[1].add(request(1, "key"), ITEMS)


def test_a_zip_is_left_to_who_has_it(opened: "Callable[[list[str]], SharedJobTable]") -> None:
    asked = request(kind="zip")
    without, has = opened([]), opened([asked.id])
    without.add(asked, ITEMS)
    assert without.next_open() is None
    job = has.next_open()
    assert job
    assert job.id == asked.id


def test_a_new_job_is_heard_of_at_once(tables: Tables) -> None:
    here, there = tables
    heard = Event()
    there.listen(heard.set)
    assert heard.wait(WAIT), "what happened before it began to listen"
    heard.clear()
    here.add(request(), ITEMS)
    assert heard.wait(WAIT)
    assert here.next_open()
    heard.clear()
    here.close()
    assert heard.wait(WAIT), "given back"
    assert there.next_open()


def test_a_server_whose_connection_broke_asks_when_it_listens_again(
    tables: Tables, postgres_url: str
) -> None:
    import psycopg  # noqa: PLC0415 - not there where these tests are skipped

    here, there = tables
    heard = Event()
    there.listen(heard.set)
    assert heard.wait(WAIT)
    heard.clear()
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        cut = connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query ~ '^LISTEN'"
            " AND datname = current_database()"
        ).fetchone()
    assert cut == (1,)
    assert heard.wait(WAIT), "what happened meanwhile"
    heard.clear()
    here.add(request(), ITEMS)
    assert heard.wait(WAIT)
