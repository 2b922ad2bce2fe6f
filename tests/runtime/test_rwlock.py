"""Readers share, a writer is alone, and neither waits for ever."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

from faceserver.runtime.rwlock import SharedLock


def test_readers_are_inside_together() -> None:
    lock, inside = SharedLock(), Barrier(4)

    def read(_: int) -> None:
        with lock.shared():
            inside.wait(60)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read, range(4)))


def test_a_writer_is_alone() -> None:
    lock = SharedLock()
    inside = {"readers": 0, "writers": 0}

    def write(_: int) -> None:
        for _ in range(200):
            with lock.exclusive():
                assert inside == {"readers": 0, "writers": 0}
                inside["writers"] += 1
                assert inside == {"readers": 0, "writers": 1}
                inside["writers"] -= 1

    def read(_: int) -> None:
        for _ in range(200):
            with lock.shared():
                assert inside["writers"] == 0

    with ThreadPoolExecutor(6) as pool:
        tasks = [pool.submit(work, 0) for work in (write, read) * 3]
        for task in tasks:
            task.result()


def test_readers_without_a_pause_do_not_keep_a_writer_out() -> None:
    lock, written, reading = SharedLock(), Event(), Barrier(3)

    def read(_: int) -> None:
        reading.wait(60)
        while not written.is_set():
            with lock.shared():
                pass

    with ThreadPoolExecutor(2) as pool:
        readers = pool.map(read, range(2))
        reading.wait(60)
        with lock.exclusive():
            written.set()
        list(readers)


def test_an_error_inside_lets_go() -> None:
    lock = SharedLock()
    for hold in (lock.shared, lock.exclusive):
        try:
            with hold():
                raise KeyError  # noqa: TRY301
        except KeyError:
            pass
    with lock.exclusive():
        pass
