"""A primary is killed while servers write: what was acknowledged is there, and nothing else.

Once by default; FACESERVER_TEST_FAILOVERS=20 does it twenty times in turn.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from threading import Condition, Event
from time import monotonic

from faceserver.errors import StoreUnavailable
from faceserver.store.base import Collection
from tests.store.samples import new_face, people
from tests.support.postgres import PostgresServer, open_shared, require_postgres

WRITERS = 4
ROUNDS = int(os.environ.get("FACESERVER_TEST_FAILOVERS", "1"))
SAFE = ("synchronous_standby_names=*", "wal_keep_size=64MB", "max_wal_senders=8")


@dataclass
class Told:
    """What writers were told of their faces, by the faces' ids."""

    stored: dict[str, float] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    changed: Condition = field(default_factory=Condition)

    def tell(self, face_id: str, error: StoreUnavailable | None = None) -> None:
        """One more was stored, or was not."""
        with self.changed:
            if error is None:
                self.stored[face_id] = monotonic()
            else:
                (self.unknown if "nobody knows" in str(error) else self.refused).add(face_id)
            self.changed.notify_all()

    def wait_for_more(self, count: int) -> None:
        """Wait until so many more are stored."""
        with self.changed:
            wanted = len(self.stored) + count
            assert self.changed.wait_for(lambda: len(self.stored) >= wanted, timeout=120)

    def longest_pause(self) -> float:
        times = sorted(self.stored.values())
        return max(later - earlier for earlier, later in pairwise(times))


def write(collection: Collection, writer: int, told: Told, stop: Event) -> None:
    number = 0
    while not stop.is_set():
        face_id = f"{writer:016x}{number:016x}"
        number += 1
        try:
            collection.add([new_face(people(1, seed=number)[0], id=face_id, picture=None)])
        except StoreUnavailable as error:
            told.tell(face_id, error)
        else:
            told.tell(face_id)


@contextmanager
def folders() -> Iterator[list[Path]]:
    """New folders, appended as they are needed."""
    made: list[Path] = []
    try:
        yield made
    finally:
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)


def make(made: list[Path], primary: PostgresServer | None = None) -> PostgresServer:
    made.append(Path(tempfile.mkdtemp(prefix="faceserver-postgres-")))
    return PostgresServer(made[-1], SAFE, replica_of=primary)


def test_nothing_acknowledged_is_lost_when_a_replica_takes_over(tmp_path: Path) -> None:
    require_postgres()
    from faceserver.store.postgres.schema import upgrade  # noqa: PLC0415 - needs its client

    told, stop = Told(), Event()
    with folders() as made, ExitStack() as held:
        primary = make(made)
        held.callback(lambda: primary.stop(signal.SIGQUIT))
        replica = make(made, primary)
        held.callback(lambda: replica.stop(signal.SIGQUIT))
        ports = [primary.port, replica.port]
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        url = f"postgresql://faceserver@{hosts}/postgres?target_session_attrs=read-write"
        upgrade(url)
        stores = [held.enter_context(closing(open_shared(url, tmp_path))) for _ in range(2)]
        with ThreadPoolExecutor(WRITERS) as pool:
            writers = [
                pool.submit(write, stores[number % 2].collection(), number, told, stop)
                for number in range(WRITERS)
            ]
            held.callback(stop.set)
            for _ in range(ROUNDS):
                told.wait_for_more(30)
                primary.stop(signal.SIGKILL)
                replica.promote()
                old, primary = primary, replica
                replica = make(made, primary)  # takes the place of the one that is gone
                replica.move_to(old.port)
                told.wait_for_more(30)
            stop.set()
            for writer in writers:
                writer.result()
        there = {face.id for face in stores[0].collection().faces(limit=10**6).items}
        assert told.stored.keys() <= there, "acknowledged, and lost"
        assert not there & told.refused, "refused, and stored"
        assert there <= told.stored.keys() | told.unknown, "never asked for"
        print(
            f"{len(there)} faces, {len(told.unknown)} unknown; {told.longest_pause():.1f} s without"
        )
