"""A replica answers what only reads, as long as it has what this server wrote; else the primary."""

import logging
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from faceserver.errors import Conflict, NotFound, StoreMismatch
from faceserver.store.base import Collection
from faceserver.types import Floats
from tests.store.samples import DIMS, MODEL, new_face, people
from tests.support.postgres import (
    PostgresServer,
    open_shared,
    postgres_server,
    require_postgres,
)

if TYPE_CHECKING:
    from faceserver.runtime.postgres_replica import Replicated
    from faceserver.store.postgres.store import PostgresStore


class Pair(NamedTuple):
    """A primary and its replica, and a database in both."""

    primary: PostgresServer
    replica: PostgresServer
    name: str

    def ask(self, statement: str, *values: object, at_replica: bool = True) -> object:
        import psycopg  # noqa: PLC0415 - not there where these tests are skipped

        server = self.replica if at_replica else self.primary
        with closing(psycopg.connect(server.url(), autocommit=True)) as connection:
            row = connection.execute(statement.encode(), values or None).fetchone()
        return row[0] if row else None

    def follow(self) -> None:
        """Wait until the replica has everything."""
        end = self.ask("SELECT pg_current_wal_insert_lsn()::text", at_replica=False)
        # The end of what was written may be where nothing has been written yet.
        self.ask("SELECT pg_logical_emit_message(true, 'test', '')::text", at_replica=False)
        while not self.ask("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", end):
            pass

    def pause(self) -> None:
        """Have the replica stand still, once it has everything."""
        self.follow()
        self.ask("SELECT pg_wal_replay_pause()")
        while self.ask("SELECT pg_get_wal_replay_pause_state()") != "paused":
            pass

    def go_on(self) -> None:
        self.ask("SELECT pg_wal_replay_resume()")
        self.follow()


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[PostgresServer, PostgresServer]]:
    require_postgres()
    from faceserver.store.postgres.schema import upgrade  # noqa: PLC0415 - needs its client

    folder = Path(tempfile.mkdtemp(prefix="faceserver-postgres-"))
    with postgres_server() as primary, ExitStack() as held:
        held.callback(shutil.rmtree, folder, ignore_errors=True)
        upgrade(primary.url())
        replica = PostgresServer(folder, replica_of=primary)
        held.callback(lambda: replica.stop(signal.SIGQUIT))
        yield primary, replica


@pytest.fixture
def pair(servers: tuple[PostgresServer, PostgresServer]) -> Iterator[Pair]:
    primary, replica = servers
    with primary.database("postgres") as url:
        made = Pair(primary, replica, url.rsplit("/", 1)[-1])
        made.follow()
        yield made
        made.go_on()


@pytest.fixture
def here(pair: Pair, tmp_path: Path) -> "Iterator[PostgresStore]":
    """A server that asks the replica."""
    with closing(
        open_shared(pair.primary.url(pair.name), tmp_path, replica=pair.replica.url(pair.name))
    ) as store:
        yield store


@pytest.fixture
def there(here: "PostgresStore", pair: Pair, tmp_path: Path) -> "Iterator[PostgresStore]":
    """Another one, that does not."""
    with closing(open_shared(pair.primary.url(pair.name), tmp_path)) as store:
        yield store


def found(collection: Collection, probe: Floats) -> list[str]:
    return [match.face.id for match in collection.search(probe, k=9, max_distance=1e-6)]


def test_what_others_wrote_comes_with_the_replica(
    pair: Pair, here: "PostgresStore", there: "PostgresStore"
) -> None:
    (probe,) = people(1)
    held = here.collection()
    assert found(held.for_reading(), probe) == []
    pair.pause()
    (face,) = there.collection().add([new_face(probe)])
    there.collection().add_subject("Ann")
    near = held.for_reading()
    assert found(near, probe) == [], "the replica answers"
    assert near.faces(limit=9).items == ()
    assert near.subjects(limit=9).items == ()
    assert found(held, probe) == [face.id], "the primary answers who does not ask for reading"
    assert near.get(face.id).id == face.id, "what the replica lacks, the primary may have"
    pair.go_on()
    assert found(near, probe) == [face.id]


def test_what_this_server_wrote_is_always_there(
    pair: Pair, here: "PostgresStore", there: "PostgresStore"
) -> None:
    one, two, three = people(3)
    held = here.collection()
    pair.pause()
    (face,) = held.add([new_face(one)])
    near = held.for_reading()
    assert found(near, one) == [face.id]
    near.tag(face.id, ["x"])
    assert near.get(face.id).tags == ("x",)
    held.delete([face.id])
    assert found(near, one) == []
    (face,) = held.add([new_face(two)])
    with pytest.raises(NotFound):
        near.get("0" * 32)
    pair.go_on()
    assert found(near, two) == [face.id]
    pair.pause()
    there.collection().add([new_face(three)])
    assert found(near, three) == [], "the replica has followed, and answers again"


def test_a_collection_that_the_replica_does_not_know_yet(
    pair: Pair, here: "PostgresStore", there: "PostgresStore"
) -> None:
    pair.pause()
    there.create("staff", model=MODEL, dims=DIMS).add([new_face(people(1)[0])])
    near = here.collection("staff").for_reading()
    assert len(near.faces(limit=9).items) == 1
    assert not near.lifetime.is_over
    there.purge("staff")
    with pytest.raises(Conflict):
        near.faces(limit=9)
    there.purge()  # the default collection begins another life
    assert here.collection().for_reading().faces(limit=9).items == ()


def test_a_change_of_model_that_the_replica_has_not_seen(
    pair: Pair, here: "PostgresStore", there: "PostgresStore"
) -> None:
    pair.pause()
    there.change_model("default", model="new", dims=24).finish()
    held = here.collection()
    assert held.model == "new"
    assert held.for_reading().search(people(1, dims=24)[0], k=1, max_distance=4) == []


def test_without_the_replica_the_primary_answers(
    pair: Pair,
    here: "PostgresStore",
    caplog: pytest.LogCaptureFixture,
) -> None:
    (probe,) = people(1)
    held = here.collection().for_reading()
    (face,) = held.add([new_face(probe)])
    pair.replica.stop(signal.SIGKILL)
    try:
        with caplog.at_level(logging.WARNING):
            for _ in range(5):
                assert found(held, probe) == [face.id]
        assert caplog.text.count("the replica is not asked for a while") == 1
    finally:
        pair.replica.start()
    assert found(held, probe) == [face.id]


def test_a_server_can_start_without_its_replica(pair: Pair, tmp_path: Path) -> None:
    url = pair.primary.url(pair.name)
    with closing(open_shared(url, tmp_path, replica="postgresql://127.0.0.1:1/none")) as store:
        assert store.collection().for_reading().faces(limit=9).items == ()


def test_another_database_is_no_replica(pair: Pair, tmp_path: Path) -> None:
    with (
        pair.primary.database() as other,
        pytest.raises(StoreMismatch, match="FACESERVER_READ_STORE"),
    ):
        open_shared(pair.primary.url(pair.name), tmp_path, replica=other)


def test_a_write_that_fails_may_have_been_kept(
    pair: Pair, here: "PostgresStore", there: "PostgresStore"
) -> None:
    database: Replicated = here.database  # type: ignore[assignment]
    database.read_near(lambda ask: ask.is_replica)
    pair.pause()
    assert database.read_near(lambda ask: ask.is_replica)

    def fail(_: object) -> None:
        there.collection().add([new_face(people(1)[0])])
        raise ValueError("unforeseen")

    with pytest.raises(ValueError, match="unforeseen"):
        database.write(fail)
    assert not database.read_near(lambda ask: ask.is_replica)
